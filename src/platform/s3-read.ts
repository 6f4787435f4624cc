/** Bytes of an S3 object as a stream that outlives its connection: what breaks off goes on at its byte, a few times. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { parseContentRange } from '../client/wire.ts';
import { CONTENT_CHUNK_BYTES, S3_RESUMES_MAX, S3_SILENCE_MS } from './limits.ts';
import type { S3 } from './s3-client.ts';

/** A stream of bytes `from` to `to`, once they begin to come, and the size of the whole object. Raises `busy` and `io`. */
export async function readThrough(
  s3: S3,
  key: string,
  from: number,
  to: number,
): Promise<{ bytes: Readable; total_bytes: number | undefined }> {
  const reader: Reader = { s3, key, at: from, to, answer: await s3.get(key, from, to) };
  const total_bytes = parseContentRange(reader.answer.headers['content-range'] ?? '')?.total_bytes;
  const bytes = Readable.from(pieces(reader), { objectMode: false, highWaterMark: CONTENT_CHUNK_BYTES });
  bytes.once('close', () => reader.answer.destroy());
  return { bytes, total_bytes };
}

interface Reader {
  s3: S3;
  key: string;
  /** The next byte that is wanted. */
  at: number;
  to: number;
  answer: IncomingMessage;
}

async function* pieces(reader: Reader): AsyncGenerator<Buffer, void, void> {
  for (let fruitless = 0; ; fruitless += 1) {
    try {
      for await (const piece of unhurried(reader.answer)) {
        fruitless = 0;
        reader.at += piece.length;
        yield piece;
      }
      if (reader.at > reader.to) return;
    } catch (error) {
      if (fruitless >= S3_RESUMES_MAX) throw error;
    }
    if (fruitless >= S3_RESUMES_MAX) throw new Error(`The object ${reader.key} ends early`);
    reader.answer = await reader.s3.get(reader.key, reader.at, reader.to);
  }
}

/** The pieces of an answer; S3 may be slow with the next one for so long, while whoever reads takes their time. */
async function* unhurried(answer: IncomingMessage): AsyncGenerator<Buffer, void, void> {
  const coming: AsyncIterator<Buffer> = answer[Symbol.asyncIterator]();
  for (;;) {
    const limit = setTimeout(() => answer.destroy(new Error('S3 stopped sending')), S3_SILENCE_MS);
    const next = await coming.next().finally(() => clearTimeout(limit));
    if (next.done === true) return;
    yield next.value;
  }
}
