/**
 * The Content Area as a gateway sees it: its list, what is known of one id, its bytes from any byte on ("Provisioning:
 * /provision/download"). Where the bytes go, and whether they are what they should be, is up to the installer.
 */
import { Readable } from 'node:stream';
import type { Clock } from '../host/clock.ts';
import { failure } from './errors.ts';
import { bodyOf, type Exchange, type Http, type OpenAnswer } from './http.ts';
import { type Elsewhere, openFollowing } from './redirect.ts';
import {
  type ContentInfo,
  decodeContentInfo,
  decodeContentList,
  encodeForm,
  type FormPair,
  HEADERS,
  PATHS,
  parseContentRange,
} from './wire.ts';

/** Whose Content Area. */
export interface Area {
  vendor: string;
  model: string;
}

function asking(cik: string, { vendor, model }: Area, more: readonly FormPair[]) {
  const query = encodeForm([['vendor', vendor], ['model', model], ...more]);
  return {
    verb: 'GET',
    path: `${PATHS.download}?${query}`,
    headers: { [HEADERS.cik]: cik },
    repeatable: true,
  } as const satisfies Partial<Exchange>;
}

/** The ids in the Content Area, in the platform's order. */
export async function listContent(http: Http, cik: string, area: Area): Promise<string[]> {
  const answer = await http.ask({
    ...asking(cik, area, []),
    method: 'http_content_list',
    what: `list the content of ${area.vendor}/${area.model}`,
    answers: [200, 204],
  });
  return decodeContentList(answer.text);
}

/** What the Content Area knows of `id`; `undefined` when it has none of that name. Raises `protocol` for another csv. */
export async function contentInfo(
  http: Http,
  cik: string,
  { id, ...area }: Area & { id: string },
): Promise<ContentInfo | undefined> {
  const what = `look up ${id} in the Content Area`;
  const answer = await http.ask({
    ...asking(cik, area, [
      ['id', id],
      ['info', 'true'],
    ]),
    method: 'http_content_info',
    what,
    answers: [200, 404],
  });
  if (answer.status === 404) return undefined;
  const info = decodeContentInfo(answer.text);
  if (info !== undefined) return info;
  throw failure('protocol', { what, host: http.host }, 'its answer is not type,size,updated,meta');
}

/** A download that has begun. */
export interface Download {
  /** Where the body really starts: 0 if the server ignored Range. */
  from_byte: number;
  /** Of the whole content, where the server says so. */
  total_bytes: number | undefined;
  /** Raises GweErrors: `offline` when it ends early, `timeout` when it stalls; then go on from the last byte. */
  body: Readable;
}

export interface DownloadOptions {
  from_byte: number;
  /** The last byte that is wanted; absent: to the end. A server may send more all the same. */
  to_byte?: number | undefined;
  signal?: AbortSignal;
}

/** How fast a download may be; 0 = as fast as it comes. */
export interface Pace {
  maxRate_bytesPerSecond: number;
  clock: Clock;
}

/**
 * Begins to download `id` from `from_byte` on, from the platform or from where it points to. Raises `range` when the content has no such byte, `not-found`, `forbidden`,
 * `protocol` for a range that was not asked for.
 */
export async function download(
  http: Http,
  cik: string,
  { id, ...area }: Area & { id: string },
  options: DownloadOptions,
  pace: Pace,
  elsewhere: Elsewhere,
): Promise<Download> {
  const wanted = asking(cik, area, [['id', id]]);
  const { from_byte, to_byte } = options;
  const isPart = from_byte > 0 || to_byte !== undefined;
  const range = isPart ? { [HEADERS.range]: `bytes=${from_byte}-${to_byte ?? ''}` } : {};
  const answer = await openFollowing(http, elsewhere, {
    ...wanted,
    method: 'http_download',
    what: `download ${id}`,
    headers: { ...wanted.headers, ...range },
    answers: isPart ? [200, 206] : [200],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  try {
    const extent = extentOf(answer, from_byte);
    const { length_bytes: _, ...where } = extent;
    return { ...where, body: bodyStream(answer, extent, http.timeout_ms, options.signal, pace) };
  } catch (error) {
    answer.response.destroy();
    answer.done();
    throw error;
  }
}

type Extent = Pick<Download, 'from_byte' | 'total_bytes'> & {
  /** Bytes of this answer, where it says so. */
  length_bytes: number | undefined;
};

/** Which bytes an answer holds. An answer without a length goes on until the connection closes. */
function extentOf({ response, deed }: OpenAnswer, asked_byte: number): Extent {
  const length = response.headers['content-length'];
  if (response.statusCode === 200) {
    const length_bytes = length === undefined ? undefined : Number(length);
    return { from_byte: 0, total_bytes: length_bytes, length_bytes };
  }
  const written = response.headers['content-range'] ?? '';
  const range = parseContentRange(written);
  if (range === undefined || range.from_byte !== asked_byte) {
    throw failure('protocol', deed, `asked for bytes ${asked_byte}- it sent "${written.slice(0, 80)}"`);
  }
  const length_bytes = range.to_byte + 1 - range.from_byte;
  if (length !== undefined && Number(length) !== length_bytes) {
    throw failure('protocol', deed, `Content-Length ${length} is not that of "${written.slice(0, 80)}"`);
  }
  return { from_byte: range.from_byte, total_bytes: range.total_bytes, length_bytes };
}

function bodyStream(
  answer: OpenAnswer,
  extent: Extent,
  idle_ms: number,
  signal: AbortSignal | undefined,
  pace: Pace,
): Readable {
  const body = Readable.from(bytesOf(answer, extent, idle_ms, signal, pace), { objectMode: false });
  const stop = () => body.destroy(answer.classed(signal?.reason));
  signal?.addEventListener('abort', stop, { once: true });
  body.once('close', () => {
    signal?.removeEventListener('abort', stop);
    answer.response.destroy();
    answer.done();
  });
  return body;
}

async function* bytesOf(
  answer: OpenAnswer,
  extent: Extent,
  idle_ms: number,
  signal: AbortSignal | undefined,
  { maxRate_bytesPerSecond: rate, clock }: Pace,
): AsyncGenerator<Buffer, void, void> {
  const { length_bytes: expected_bytes } = extent;
  const began_ms = clock.monotonic();
  let done_bytes = 0;
  try {
    for await (const chunk of bodyOf(answer, idle_ms)) {
      done_bytes += chunk.length;
      yield chunk;
      const ahead_ms = rate > 0 ? began_ms + (done_bytes / rate) * 1000 - clock.monotonic() : 0;
      if (ahead_ms > 0) await clock.sleep(ahead_ms, signal);
    }
  } catch (error) {
    throw answer.classed(error);
  }
  if (expected_bytes !== undefined && done_bytes < expected_bytes) {
    throw failure('offline', answer.deed, `the answer ended after ${done_bytes} of ${expected_bytes} bytes`);
  }
}
