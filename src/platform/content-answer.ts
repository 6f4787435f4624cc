/** Bytes of the Content Area as an answer: whole, or the range that was asked for. */
import { HEADERS } from '../client/wire.ts';
import { type Answer, statusLine } from './answer.ts';
import type { Platform } from './context.ts';
import type { PlatformRequest } from './request.ts';
import type { Content } from './store.ts';

export type ByteRange = { from: number; to: number };

/**
 * One Platform provisioning API: `Range: bytes=X-Y | X- | -Y`, 0-based, inclusive, clamped at the end.
 * `undefined`: no range, or none that is understood: the whole. `unsatisfiable`: it begins beyond the end.
 */
export function parseRange(
  header: string | undefined,
  size_bytes: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = header?.match(/^bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})$/i) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const count = Math.min(Number(last), size_bytes);
    return count === 0 ? 'unsatisfiable' : { from: size_bytes - count, to: size_bytes - 1 };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  if (from >= size_bytes) return 'unsatisfiable';
  return { from, to: last === '' ? size_bytes - 1 : Math.min(Number(last), size_bytes - 1) };
}

/**
 * 200, 206 or 416. The ETag is the digest, so `If-Range` never mixes two uploads. The bytes are there when it resolves: a
 * store that cannot be reached raises `busy` here, not in the middle of an answer.
 */
export async function contentBytes(
  content: Content,
  request: PlatformRequest,
  platform: Platform,
): Promise<Answer> {
  const { sha256, size_bytes, type } = content;
  const etag = `"${sha256}"`;
  const ifRange = request.header('if-range');
  const wanted = ifRange === undefined || ifRange === etag ? request.header(HEADERS.range) : undefined;
  const range = parseRange(wanted, size_bytes);
  if (range === 'unsatisfiable') return statusLine(416, [[HEADERS.contentRange, `bytes */${size_bytes}`]]);
  const headers: Array<readonly [string, string]> = [
    ['Content-Type', type],
    ['Accept-Ranges', 'bytes'],
    [HEADERS.etag, etag],
  ];
  if (range === undefined) {
    if (size_bytes === 0) return { status: 200, headers, body: '' };
    return { status: 200, headers, stream: await streamOf(platform, sha256, 0, size_bytes - 1) };
  }
  const { from, to } = range;
  return {
    status: 206,
    headers: [...headers, [HEADERS.contentRange, `bytes ${from}-${to}/${size_bytes}`]],
    stream: await streamOf(platform, sha256, from, to),
  };
}

async function streamOf({ content }: Platform, sha256: string, from: number, to: number) {
  const source = await content.read(sha256, from, to);
  // Until somebody reads it: what breaks in between is told to the reader, and must not end the process.
  source.on('error', () => {});
  return { length_bytes: to - from + 1, open: () => source, discard: () => void source.destroy() };
}
