/**
 * A download that the platform sends elsewhere: to a link that is good for some minutes, at the service that keeps the bytes.
 * The gateway's key stays with the platform, and a link that leads nowhere leads back to it.
 */
import { GweError } from '../errors.ts';
import type { Exchange, Http, OpenAnswer } from './http.ts';
import { isLoopback } from './proxy.ts';
import { HEADERS } from './wire.ts';

const REDIRECTS: readonly number[] = [302, 307];
/** A longer text of a redirect ends its connection: it is not worth its bytes. */
const TEXT_MAX_BYTES = 2_048;

/** Opens clients for other hosts than the platform's. */
export interface Elsewhere {
  /** The client for `location`, and what to ask it; `undefined` when it must not be followed. */
  at(location: string): { http: Http; path: string } | undefined;
  close(): void;
}

/** `open` makes a client for an origin, which shows nothing of this gateway there. */
export function createElsewhere(
  platform: { server: URL; allowHttp: boolean },
  open: (origin: URL) => Http,
): Elsewhere {
  const opened = new Map<string, Http>();
  return {
    at(location) {
      const url = URL.parse(location);
      if (url === null || !mayFollow(platform, url)) return undefined;
      const http = opened.get(url.origin) ?? open(new URL(url.origin));
      opened.set(url.origin, http);
      return { http, path: `${url.pathname}${url.search}` };
    },
    close() {
      for (const http of opened.values()) http.close();
    },
  };
}

/** https; cleartext only where the platform itself may be spoken to in cleartext. No user or password in it. */
export function mayFollow({ server, allowHttp }: { server: URL; allowHttp: boolean }, to: URL): boolean {
  if (to.username !== '' || to.password !== '') return false;
  if (to.protocol === 'https:') return true;
  return to.protocol === 'http:' && server.protocol === 'http:' && (allowHttp || isLoopback(to.hostname));
}

/** Like `http.open`, once elsewhere if the platform says so. Raises what `http.open` raises, for the platform. */
export async function openFollowing(
  http: Http,
  elsewhere: Elsewhere,
  exchange: Exchange,
): Promise<OpenAnswer> {
  const { headers = {}, answers } = exchange;
  const asked = await http.open({
    ...exchange,
    headers: { ...headers, [HEADERS.acceptRedirect]: '1' },
    answers: [...answers, ...REDIRECTS],
  });
  if (!REDIRECTS.includes(asked.response.statusCode ?? 0)) return asked;
  const target = elsewhere.at(asked.response.headers.location ?? '');
  leave(asked);
  return (target && (await openThere(target, exchange))) ?? (await http.open(exchange));
}

/** `undefined` when there is nothing to be had there, for whatever reason; the platform knows better then. */
async function openThere(
  { http, path }: { http: Http; path: string },
  exchange: Exchange,
): Promise<OpenAnswer | undefined> {
  const { [HEADERS.cik]: _, ...headers } = exchange.headers ?? {};
  try {
    return await http.open({ ...exchange, path, headers });
  } catch (error) {
    if (error instanceof GweError && error.code !== 'stopped') return undefined;
    throw error;
  }
}

function leave({ response, done }: OpenAnswer): void {
  const isShort = Number(response.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= TEXT_MAX_BYTES;
  if (isShort) response.resume();
  else response.destroy();
  done();
}
