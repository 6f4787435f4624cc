/** The page's few texts, each compressed once, and kept. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

type Encoding = 'br' | 'gzip';

/** The highest one gains 7 % more, and the first visitor would wait half a second for it. */
const BROTLI_QUALITY = 9;

const kept = new Map<string, Promise<Buffer>>();

/**
 * The text in the best form that `accepted` (an Accept-Encoding header) allows: Brotli, gzip, or as it is. The text must
 * be one of a few that never change: what was made is kept for as long as the process lives.
 */
export async function compressed(
  text: string,
  accepted: string,
): Promise<{ encoding?: Encoding; body: Buffer }> {
  const encoding = bestEncoding(accepted);
  if (encoding === undefined) return { body: Buffer.from(text) };
  const key = `${encoding} ${text}`;
  const body = kept.get(key) ?? compress(Buffer.from(text), encoding);
  kept.set(key, body);
  return { encoding, body: await body };
}

function bestEncoding(accepted: string): Encoding | undefined {
  const offered = accepted
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => !/;\s*q=0(\.0*)?$/.test(each))
    .map((each) => each.replace(/\s*;.*$/, ''));
  if (offered.includes('br')) return 'br';
  return offered.includes('gzip') ? 'gzip' : undefined;
}

function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return promisify(gzip)(bytes, { level: 9 });
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return promisify(brotliCompress)(bytes, { params });
}
