/** An upload on its way: streamed to a file of this machine's disk while it is hashed, so that it can be checked before it counts. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { GweError } from '../errors.ts';
import { CONTENT_MAX_BYTES } from './limits.ts';

/** A name of an upload that is under way, made by `partName`. */
export const PART_FILE = /^\d+-\d+\.part$/;

let uploads = 0;

/** A name that no other upload of this process has. */
export function partName(): string {
  uploads += 1;
  return `${process.pid}-${uploads}.part`;
}

/** Writes `source` to `path`, which must not be there, and syncs it. Raises `too-large`, and what the stream raises. */
export async function writeHashed(
  source: AsyncIterable<Buffer>,
  path: string,
): Promise<{ sha256: string; size_bytes: number }> {
  const hash = createHash('sha256');
  let size_bytes = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of source) {
      size_bytes += chunk.length;
      if (size_bytes > CONTENT_MAX_BYTES) {
        throw new GweError('too-large', `Cannot take the upload: longer than ${CONTENT_MAX_BYTES} bytes`);
      }
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), size_bytes };
}
