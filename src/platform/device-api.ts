/** The data calls of the One Platform's device API: write, read, both at once, long poll, record, clock. */
import { encodeForm, HEADERS, httpDate, MAX_REQUEST_TIMEOUT_MS, parseHttpDate } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import { type Answer, empty, type Later, statusLine, text } from './answer.ts';
import type { Call, Platform } from './context.ts';
import { ALIASES_MAX, NAME_MAX_CHARACTERS, VALUE_MAX_CHARACTERS } from './limits.ts';
import type { PlatformRequest } from './request.ts';
import type { Dataport, ExchangeEnd } from './store.ts';
import { digestOf } from './tokens.ts';
import type { Waiter } from './waiters.ts';

/** One Platform device API: read. `GET …/alias?a&b`; with Request-Timeout it waits for the next write. */
export async function read(call: Call): Promise<Answer> {
  const aliases = aliasesIn(call.request);
  const timeout = call.request.header(HEADERS.requestTimeout);
  if (timeout === undefined) return answerOf(await exchange(call, aliases, []), aliases);
  if (!/^\d+$/.test(timeout)) return statusLine(400);
  const alias = aliases[0];
  if (alias === undefined || aliases.length > 1) return statusLine(400);
  return longPoll(call, alias, Math.min(Number(timeout), MAX_REQUEST_TIMEOUT_MS));
}

/** One Platform device API: write and hybrid write/read. Every write comes before every read, at one timestamp. */
export async function write(call: Call): Promise<Answer> {
  const aliases = aliasesIn(call.request);
  call.platform.gate.mayCome(() => keyOf(call.request));
  const writes = await call.request.form();
  if (aliases.length + writes.length > ALIASES_MAX) return statusLine(413);
  if (writes.some(([, value]) => value.length > VALUE_MAX_CHARACTERS)) return statusLine(413);
  return answerOf(await exchange(call, aliases, writes), aliases);
}

/** `GET /timestamp`: unix seconds, and nothing but digits. */
export async function timestamp({ platform }: Call): Promise<Answer> {
  return text(String(Math.floor(platform.clock.now() / 1000)));
}

/** `GET /ip`: the caller's address. */
export async function ip({ request }: Call): Promise<Answer> {
  return text(request.remote);
}

/** The digest of the caller's CIK. Raises `unauthorized` when there is none. */
export function keyOf(request: PlatformRequest): string {
  const cik = request.header(HEADERS.cik);
  if (cik === undefined) throw new GweError('unauthorized', 'Cannot answer: no CIK was sent');
  return digestOf(cik);
}

/** The ETag of a dataport: its newest point's id, so it changes with each write, also of the same text. */
export function etagOf(port: { point: number }): string {
  return `"${port.point}"`;
}

/** The points that an If-Match header names; `undefined` when there is none, or it is `*`. */
export function pointsIn(ifMatch: string | undefined): number[] | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  return [...ifMatch.matchAll(/"(\d{1,15})"/g)].map(([, id]) => Number(id));
}

function aliasesIn(request: PlatformRequest): string[] {
  const aliases = new Set(request.pairs().map(([alias]) => alias));
  const usable = [...aliases].filter((alias) => alias.length <= NAME_MAX_CHARACTERS);
  if (usable.length > ALIASES_MAX) throw new GweError('too-large', 'Cannot read: too many aliases');
  return usable;
}

function exchange(
  { request, platform }: Call,
  reads: readonly string[],
  writes: ReadonlyArray<readonly [string, string]>,
): Promise<ExchangeEnd> {
  const ifMatch = pointsIn(request.header(HEADERS.ifMatch));
  const key = keyOf(request);
  const now_ms = platform.clock.now();
  const call = { who: { key }, writes, reads, create: false, seen: true, now_ms };
  return platform.gate.pass(
    key,
    () => platform.store.exchange(ifMatch === undefined ? call : { ...call, ifMatch }),
    ({ end }) => end !== 'unknown',
  );
}

/** 200 with the values that are not empty, or 204. A read of one alias also tells its ETag, for a conditional write. */
function answerOf(end: ExchangeEnd, reads: readonly string[]): Answer {
  if (end.end === 'unknown') return statusLine(401);
  if (end.end === 'changed') return statusLine(412);
  const [only] = end.ports;
  const tag: ReadonlyArray<readonly [string, string]> =
    reads.length === 1 && only !== undefined ? [[HEADERS.etag, etagOf(only)]] : [];
  const filled = end.ports.filter((port) => port.value !== '');
  if (filled.length === 0) return empty(204, tag);
  return text(encodeForm(filled.map((port) => [port.alias, port.value] as const)), tag);
}

/**
 * One Platform device API: long poll. If-Modified-Since counts from that second on, itself included, because clients in
 * the field send the last Last-Modified plus one; without it only what is written from now on counts.
 */
async function longPoll(call: Call, alias: string, timeout_ms: number): Promise<Answer> {
  const { request, platform } = call;
  const since_s = parseHttpDate(request.header(HEADERS.ifModifiedSince) ?? '');
  const before = await exchange(call, [alias], []);
  if (before.end !== 'done') return answerOf(before, [alias]);
  const known = before.ports[0]?.point ?? 0;
  const waiter = platform.waiters.register(before.gateway, alias, known);
  let isParked = false;
  try {
    const now = await exchange(call, [alias], []);
    const port = now.end === 'done' ? now.ports[0] : undefined;
    const isNew = port !== undefined && port.point > known;
    if (port !== undefined && (isNew || isSince(port, since_s))) return changed(port);
    isParked = true;
    return { status: 304, later: parked(platform, waiter, { key: keyOf(request), alias, timeout_ms }) };
  } finally {
    if (!isParked) waiter.release();
  }
}

/** Holds nothing of the request but what is needed for its answer: thousands are held at a time. */
function parked(
  platform: Platform,
  waiter: Waiter,
  { key, alias, timeout_ms }: { key: string; alias: string; timeout_ms: number },
): Later {
  return {
    begin(ready) {
      waiter.park(timeout_ms, (reason) => {
        ready(reason === 'written' ? changedNow(platform, key, alias) : Promise.resolve(empty(304)));
      });
    },
    giveUp: waiter.giveUp,
  };
}

function isSince(port: Dataport, since_s: number | undefined): boolean {
  return since_s !== undefined && port.point > 0 && Math.floor(port.updated_ms / 1000) >= since_s;
}

async function changedNow(platform: Platform, key: string, alias: string): Promise<Answer> {
  const end = await platform.store.exchange({
    who: { key },
    writes: [],
    reads: [alias],
    create: false,
    seen: true,
    now_ms: platform.clock.now(),
  });
  const port = end.end === 'done' ? end.ports[0] : undefined;
  return port === undefined ? answerOf(end, [alias]) : changed(port);
}

/** A value that was written, the empty one too, and when. */
function changed(port: Dataport): Answer {
  return text(encodeForm([[port.alias, port.value]]), [
    [HEADERS.lastModified, httpDate(Math.floor(port.updated_ms / 1000))],
    [HEADERS.etag, etagOf(port)],
  ]);
}
