/**
 * Proxies on the way to the platform: which one the settings and the environment name for a server (pure), and the
 * CONNECT that opens a tunnel through it. The TLS inside the tunnel is up to connection.ts.
 */
import { isIP, type Socket } from 'node:net';
import { GweError } from '../errors.ts';
import { type Deed, failure } from './errors.ts';

/** Where a proxy listens, and what it wants to hear about who comes. */
export interface ProxyServer {
  host: string;
  port: number;
  /** Of `Proxy-Authorization`, when the URL has a user. */
  authorization: string | undefined;
}

/** Most bytes that a proxy may answer to CONNECT. */
const MAX_TUNNEL_ANSWER_BYTES = 16 * 1024;

/** Whether a host name or address is this machine itself: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(hostname: string): boolean {
  const name = bare(hostname);
  return /^(.*\.)?localhost\.?$/i.test(name) || /^127(\.\d+){3}$/.test(name) || name === '::1';
}

/** An IPv6 address as the sockets want it, without the brackets of a URL. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/**
 * The proxy for `server`: the setting, else HTTPS_PROXY (HTTP_PROXY for http) or ALL_PROXY of the environment, in
 * lower or upper case. None for loopback, nor for what NO_PROXY lists: `*`, names and what ends with them, addresses,
 * address ranges like 10.0.0.0/8, each with or without a port. Raises `config` for a URL that is no http proxy.
 */
export function proxyFor(server: URL, setting: string, env: NodeJS.ProcessEnv): ProxyServer | undefined {
  const named = (name: string) => env[name.toLowerCase()] || env[name] || '';
  const written =
    setting || named(server.protocol === 'http:' ? 'HTTP_PROXY' : 'HTTPS_PROXY') || named('ALL_PROXY');
  if (written === '' || isLoopback(server.hostname) || isExempt(server, named('NO_PROXY'))) return undefined;
  const url = URL.parse(/^[a-z0-9+.-]+:\/\//i.test(written) ? written : `http://${written}`);
  if (url === null || url.protocol !== 'http:' || url.hostname === '') {
    throw new GweError(
      'config',
      `Cannot use "${withoutPassword(written)}" as a proxy: it is no http:// URL`,
      {
        hint: 'Set security.proxy, or HTTPS_PROXY in the environment, to http://[USER:PASSWORD@]HOST:PORT',
      },
    );
  }
  const user = `${decode(url.username)}:${decode(url.password)}`;
  return {
    host: bare(url.hostname),
    port: Number(url.port || 80),
    authorization: user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}`,
  };
}

const withoutPassword = (url: string) => url.replace(/\/\/[^@/]*@/, '//…@');

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isExempt(server: URL, noProxy: string): boolean {
  const host = bare(server.hostname).toLowerCase();
  const port = server.port || (server.protocol === 'http:' ? '80' : '443');
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, only] = entry.match(/^(\[[^\]]+\]|[^:]+):(\d+)$/) ?? [];
      return (only === undefined || only === port) && covers(bare(name), host);
    });
}

function covers(entry: string, host: string): boolean {
  if (entry === '*' || entry === host) return true;
  const [network = '', bits] = entry.split('/');
  if (bits !== undefined) return isInNetwork(host, network, Number(bits));
  return isIP(host) === 0 && host.endsWith(`.${entry.replace(/^\*?\./, '')}`);
}

function isInNetwork(address: string, network: string, bits: number): boolean {
  if (isIP(address) !== 4 || isIP(network) !== 4 || !(bits >= 0 && bits <= 32)) return false;
  const asNumber = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  return Math.floor(asNumber(address) / size) === Math.floor(asNumber(network) / size);
}

/** The text that asks a proxy for a tunnel to `host`:`port` (RFC 9110, CONNECT). */
export function tunnelRequest(proxy: ProxyServer, authority: string): string {
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (proxy.authorization !== undefined) lines.push(`Proxy-Authorization: ${proxy.authorization}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Opens a tunnel to `authority` over `socket`, which is connected to the proxy; when it returns, the next bytes on the
 * socket are the server's. Raises `offline` with what the proxy said when it refuses, and what the socket raises.
 */
export async function openTunnel(
  socket: Socket,
  proxy: ProxyServer,
  authority: string,
  deed: Deed,
): Promise<void> {
  socket.write(tunnelRequest(proxy, authority));
  const head = await readHead(socket, deed);
  const [, status, reason = ''] = head.match(/^HTTP\/1\.\d (\d{3})([^\r\n]*)/) ?? [];
  if (status?.startsWith('2')) return;
  const said = status === undefined ? 'something that is no HTTP' : `${status}${reason}`;
  throw failure('offline', deed, `the proxy ${proxy.host}:${proxy.port} answered ${said}`, {
    hint:
      status === '407'
        ? 'Put the user and password of the proxy into its URL: security.proxy, or HTTPS_PROXY in the environment.'
        : 'Look at security.proxy, or at HTTPS_PROXY and NO_PROXY in the environment.',
  });
}

function readHead(socket: Socket, deed: Deed): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const stop = (end: () => void) => {
      socket.off('data', onData).off('end', onEnd).off('error', reject).pause();
      end();
    };
    const onEnd = () => stop(() => reject(failure('offline', deed, 'the proxy closed the connection')));
    const onData = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const end = seen.indexOf('\r\n\r\n');
      if (end >= 0) {
        stop(() => {
          if (seen.length > end + 4) socket.unshift(seen.subarray(end + 4));
          resolve(seen.toString('latin1', 0, end));
        });
      } else if (seen.length > MAX_TUNNEL_ANSWER_BYTES) {
        stop(() => reject(failure('protocol', deed, `the proxy's answer has no end`)));
      }
    };
    socket.on('data', onData).on('end', onEnd).on('error', reject);
  });
}
