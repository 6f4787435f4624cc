/**
 * One connection to the platform: name, TCP, proxy, TLS, all within one time limit, and its bytes counted at the TCP
 * socket, so that handshakes count too. What is said over it is up to http.ts.
 */
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { interfaceOfAddress } from '../host/network.ts';
import { type Deed, isUnknownIssuer, waitedTooLong } from './errors.ts';
import { bare, openTunnel, type ProxyServer } from './proxy.ts';
import type { KeptSession } from './session.ts';
import type { Reach, Trust } from './trust.ts';

/** Longest wait for one of several addresses of a name before the next one is tried beside it. */
const ADDRESS_ATTEMPT_MS = 3_000;
/** Name given to the interface when the system does not say which one it was. */
export const UNKNOWN_IFACE = 'unknown';

/** Where connections go, and with what. */
export interface Way {
  server: URL;
  proxy: ProxyServer | undefined;
  /** For https only. */
  trust: Trust | undefined;
  timeout_ms: number;
  /** For https only, and only if somebody keeps it. */
  session: KeptSession | undefined;
}

/** What one exchange moved. */
export interface Moved {
  iface: string;
  rx_bytes: number;
  tx_bytes: number;
}

/** What is known of a TCP socket: how much of it has been counted, and where it leaves this machine. */
const known = new WeakMap<Duplex, { tcp: Socket; iface: string; rx_bytes: number; tx_bytes: number }>();

/** Counts the bytes of one exchange over however many connections it took; bytes between two go to the later one. */
export class Meter {
  readonly deed: Deed;
  /** Aborted when the exchange is no longer wanted. */
  readonly signal: AbortSignal;
  readonly #sockets = new Set<Duplex>();

  constructor(deed: Deed, signal: AbortSignal) {
    this.deed = deed;
    this.signal = signal;
  }

  /** Counts `socket` in, which `dial` has made. */
  follow(socket: Duplex): void {
    this.#sockets.add(socket);
  }

  /** What was moved since these sockets were last read. */
  read(): Moved {
    const moved: Moved = { iface: UNKNOWN_IFACE, rx_bytes: 0, tx_bytes: 0 };
    for (const socket of this.#sockets) {
      const seen = known.get(socket);
      if (seen === undefined) continue;
      moved.iface = seen.iface;
      moved.rx_bytes += seen.tcp.bytesRead - seen.rx_bytes;
      moved.tx_bytes += seen.tcp.bytesWritten - seen.tx_bytes;
      seen.rx_bytes = seen.tcp.bytesRead;
      seen.tx_bytes = seen.tcp.bytesWritten;
    }
    return moved;
  }
}

/**
 * Opens a connection that is ready to carry a request. Raises `timeout` after `way.timeout_ms`, and whatever the sockets
 * raise, or the reason of the meter's signal. A server whose issuer is not among the few is asked once more with all at hand.
 */
export async function dial(way: Way, meter: Meter): Promise<Duplex> {
  const opened: Duplex[] = [];
  const gaveUp = Promise.withResolvers<never>();
  const limit = setTimeout(
    () => gaveUp.reject(waitedTooLong(meter.deed, 'connect', way.timeout_ms)),
    way.timeout_ms,
  );
  const onAbort = () => gaveUp.reject(meter.signal.reason);
  meter.signal.addEventListener('abort', onAbort);
  try {
    meter.signal.throwIfAborted();
    return await Promise.race([dialWithin(way, meter, opened), gaveUp.promise]);
  } catch (error) {
    for (const socket of opened) socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
    meter.signal.removeEventListener('abort', onAbort);
  }
}

/** Errors reach whoever waits on the socket; between two waits nobody does, and node would end the process. */
const ignore = () => {};

async function dialWithin(way: Way, meter: Meter, opened: Duplex[]): Promise<Duplex> {
  if (way.trust === undefined) return await openTcp(way, meter, opened);
  try {
    return await openTls(way, way.trust, 'few', await openTcp(way, meter, opened), opened);
  } catch (error) {
    if (!isUnknownIssuer(error)) throw error;
    return await openTls(way, way.trust, 'all', await openTcp(way, meter, opened), opened);
  }
}

/** A TCP connection to the server or, through the proxy if there is one, a tunnel to it. */
async function openTcp(way: Way, meter: Meter, opened: Duplex[]): Promise<Socket> {
  const { server, proxy } = way;
  const port = Number(server.port || (way.trust === undefined ? 80 : 443));
  const tcp = connect({
    host: proxy?.host ?? bare(server.hostname),
    port: proxy?.port ?? port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.min(ADDRESS_ATTEMPT_MS, way.timeout_ms),
  });
  opened.push(tcp.on('error', ignore));
  await once(tcp, 'connect');
  const iface = interfaceOfAddress(tcp.localAddress ?? '') ?? UNKNOWN_IFACE;
  known.set(tcp, { tcp, iface, rx_bytes: 0, tx_bytes: 0 });
  meter.follow(tcp);
  if (proxy !== undefined && way.trust !== undefined) {
    await openTunnel(tcp, proxy, `${server.hostname}:${port}`, meter.deed);
  }
  return tcp;
}

async function openTls(
  way: Way,
  trust: Trust,
  reach: Reach,
  tcp: Socket,
  opened: Duplex[],
): Promise<TLSSocket> {
  const host = bare(way.server.hostname);
  const session = way.session?.session();
  const tls = process.getBuiltinModule('node:tls').connect({
    socket: tcp,
    host,
    secureContext: trust.context(reach),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(session === undefined ? {} : { session }),
  });
  opened.push(tls.on('error', ignore));
  tls.on('session', (made) => way.session?.onSession(made));
  await once(tls, 'secureConnect');
  const seen = known.get(tcp);
  if (seen !== undefined) known.set(tls, seen);
  return tls;
}
