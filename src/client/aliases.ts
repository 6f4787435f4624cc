/** Dataports by alias: read, write, both in one request, wait for a write, clear, record points ("One Platform device API"). */
import { failure } from './errors.ts';
import type { Answer, Exchange, Http, TrafficMethod } from './http.ts';
import {
  decodeValues,
  encodeAliases,
  encodeBody,
  FORM_TYPE,
  HEADERS,
  MAX_REQUEST_TIMEOUT_MS,
  PATHS,
  parseHttpDate,
} from './wire.ts';

/** Points of each alias: unix seconds and value. */
export type Points = Readonly<Record<string, ReadonlyArray<readonly [time_s: number, value: string]>>>;

const FORM = { 'Content-Type': FORM_TYPE };
const WANT_FORM = { Accept: FORM_TYPE };
const list = (names: readonly string[]) => names.join(', ');

/**
 * Writes `values`, then reads `aliases`, in one request: every write happens before every read ("hybrid write/read").
 * Returns what was read; unknown and empty aliases are left out. With nothing to write it is a plain read, with nothing
 * to read a plain write, with neither nothing is sent.
 */
export async function writeRead(
  http: Http,
  cik: string,
  values: Readonly<Record<string, string>>,
  aliases: readonly string[],
): Promise<Record<string, string>> {
  const written = Object.keys(values);
  if (written.length === 0 && aliases.length === 0) return {};
  const deeds = [
    ...(written.length > 0 ? [`write ${list(written)}`] : []),
    ...(aliases.length > 0 ? [`read ${list(aliases)}`] : []),
  ];
  const what = deeds.join(' and ');
  const answer = await http.ask({
    ...(written.length > 0 ? writing(values) : { verb: 'GET' }),
    method: methodOf(written.length > 0, aliases.length > 0),
    what,
    path: aliases.length > 0 ? `${PATHS.alias}?${encodeAliases(aliases)}` : PATHS.alias,
    headers: {
      [HEADERS.cik]: cik,
      ...(aliases.length > 0 ? WANT_FORM : {}),
      ...(written.length > 0 ? FORM : {}),
    },
    answers: [200, 204],
    repeatable: true,
  });
  return known(http, what, answer, aliases);
}

function methodOf(writes: boolean, reads: boolean): TrafficMethod {
  if (writes && reads) return 'http_write_read';
  return writes ? 'http_write' : 'http_read';
}

function writing(values: Readonly<Record<string, string>>): Pick<Exchange, 'verb' | 'body'> {
  return { verb: 'POST', body: encodeBody(Object.entries(values)) };
}

/**
 * Of an answer, the aliases that were asked for and have a value. Old servers may end it with a line break. Raises
 * `protocol` for what is no answer to that question: nothing must be taken for empty, or for written, on its word.
 */
function known(http: Http, what: string, answer: Answer, aliases: readonly string[]): Record<string, string> {
  const text = answer.text.replace(/[\r\n]+$/, '');
  refusePage(http, what, answer);
  const values = decodeValues(text);
  if (text !== '' && aliases.length > 0 && !aliases.some((alias) => alias in values)) {
    throw failure('protocol', { what, host: http.host }, 'its answer names none of what was asked for');
  }
  return Object.fromEntries(
    Object.entries(values).filter(([alias, value]) => value !== '' && aliases.includes(alias)),
  );
}

/** Raises `protocol` for a page in the place of an answer: networks that one must sign in to put theirs there, with 200. */
function refusePage(http: Http, what: string, { headers, text }: Answer): void {
  if (!/^text\/html\b/i.test(headers['content-type'] ?? '') && !/^\s*</.test(text)) return;
  throw failure('protocol', { what, host: http.host }, 'it answered with a page', {
    hint: 'Sign in to the network that answered, or look at engine.server.',
  });
}

/** One alias with the tag of its value, where the platform gives one. `''` is an empty or unknown alias. */
export async function readWithTag(
  http: Http,
  cik: string,
  alias: string,
): Promise<{ value: string; etag: string | undefined }> {
  const what = `read ${alias}`;
  const answer = await http.ask({
    method: 'http_read',
    what,
    verb: 'GET',
    path: `${PATHS.alias}?${encodeAliases([alias])}`,
    headers: { [HEADERS.cik]: cik, ...WANT_FORM },
    answers: [200, 204],
    repeatable: true,
  });
  return { value: known(http, what, answer, [alias])[alias] ?? '', etag: answer.headers.etag };
}

/**
 * Empties an alias, which is how a command is acknowledged. With the `etag` of the value that was read it is only done
 * while that value still stands: `changed` says that it no longer did.
 */
export async function clear(
  http: Http,
  cik: string,
  alias: string,
  etag: string | undefined,
): Promise<'cleared' | 'changed'> {
  const what = `clear ${alias}`;
  const answer = await http.ask({
    ...writing({ [alias]: '' }),
    method: 'http_write',
    what,
    path: PATHS.alias,
    headers: { [HEADERS.cik]: cik, ...FORM, ...(etag === undefined ? {} : { [HEADERS.ifMatch]: etag }) },
    answers: etag === undefined ? [200, 204] : [200, 204, 412],
    repeatable: true,
  });
  if (answer.status === 412) return 'changed';
  refusePage(http, what, answer);
  return 'cleared';
}

export interface LongPoll {
  /** How long the platform may hold the request; clamped to what it allows. */
  timeout_ms: number;
  /** Only writes at or after this unix second count; absent: only those from now on. */
  since_s?: number;
  signal?: AbortSignal;
}

/**
 * Waits for a write to `alias` and returns its value and time; `undefined` when none came in time. Raises `stopped` when
 * the signal is aborted. A server that does not know long polls answers at once: whoever polls again must not do so at once.
 */
export async function longPoll(
  http: Http,
  cik: string,
  alias: string,
  options: LongPoll,
  now: () => number,
): Promise<{ value: string; lastModified_s: number } | undefined> {
  const wait_ms = Math.min(Math.max(0, Math.round(options.timeout_ms)), MAX_REQUEST_TIMEOUT_MS);
  const what = `wait for ${alias}`;
  const answer = await http.ask({
    method: 'http_long_poll',
    what,
    verb: 'GET',
    path: `${PATHS.alias}?${encodeAliases([alias])}`,
    headers: {
      [HEADERS.cik]: cik,
      ...WANT_FORM,
      [HEADERS.requestTimeout]: String(wait_ms),
      ...(options.since_s === undefined ? {} : { [HEADERS.ifModifiedSince]: String(options.since_s) }),
    },
    answers: [200, 204, 304],
    extraWait_ms: wait_ms,
    repeatable: true,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (answer.status === 304) return undefined;
  const dated = answer.headers['last-modified'] ?? answer.headers.date ?? '';
  return {
    value: known(http, what, answer, [alias])[alias] ?? '',
    lastModified_s: parseHttpDate(dated) ?? Math.floor(now() / 1000),
  };
}

/** Records points with times of their own. Raises `conflict` when two points of one alias are less than 1 s apart. */
export async function record(http: Http, cik: string, points: Points): Promise<void> {
  const pairs = Object.entries(points).flatMap(([alias, each]) => [
    ['alias', alias] as const,
    ...each.map(([time_s, value]) => [String(time_s), value] as const),
  ]);
  if (pairs.length === 0) return;
  const what = `record ${list(Object.keys(points))}`;
  const answer = await http.ask({
    method: 'http_record',
    what,
    verb: 'POST',
    path: PATHS.record,
    headers: { [HEADERS.cik]: cik, ...FORM },
    body: encodeBody(pairs),
    answers: [200, 204],
    repeatable: false,
  });
  refusePage(http, what, answer);
}

/** The platform's clock in unix seconds. Raises `protocol` for an answer that does not begin with digits. */
export async function timestamp(http: Http): Promise<number> {
  const answer = await http.ask({
    method: 'http_timestamp',
    what: 'read the time',
    verb: 'GET',
    path: PATHS.timestamp,
    answers: [200],
    repeatable: true,
  });
  const digits = answer.text.match(/^\s*(\d{1,12})/)?.[1];
  if (digits !== undefined) return Number(digits);
  throw failure('protocol', { what: 'read the time', host: http.host }, 'its answer is no number of seconds');
}
