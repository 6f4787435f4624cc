/** Content from one place to another, for `gwe platform migrate`: copied where it is missing, read back and compared, every time. */
import { createHash } from 'node:crypto';
import { GweError } from '../errors.ts';
import type { ContentSource, ContentStore } from './content-store.ts';

export interface MovedContent {
  /** Digests that were sent now, and those that were there from an earlier run. */
  copied: number;
  present: number;
  bytes: number;
}

/**
 * Brings every digest from one place to the other, which may be repeated after whatever broke it off. When it returns, each was
 * read back there with its digest. Raises `io` (missing in the old place), `check` (changed in either), `busy`.
 */
export async function migrateContent(
  from: ContentSource,
  to: ContentStore,
  digests: Iterable<string>,
): Promise<MovedContent> {
  const moved: MovedContent = { copied: 0, present: 0, bytes: 0 };
  for (const sha256 of digests) {
    const size_bytes = await from.size(sha256);
    if (size_bytes === undefined) {
      throw new GweError('io', `Cannot migrate content ${sha256}: its bytes are missing`, {
        hint: 'Upload it again, or remove its entry; then migrate again.',
      });
    }
    if ((await to.size(sha256)) === size_bytes) moved.present += 1;
    else {
      await copy(from, to, sha256, size_bytes);
      moved.copied += 1;
    }
    if ((await digestIn(to, sha256, size_bytes)) !== sha256) throw changed(sha256, 'in the new place');
    moved.bytes += size_bytes;
  }
  return moved;
}

async function copy(
  from: ContentSource,
  to: ContentStore,
  sha256: string,
  size_bytes: number,
): Promise<void> {
  const received = await to.receive(bytesIn(from, sha256, size_bytes));
  try {
    if (received.sha256 !== sha256) throw changed(sha256, 'in the old place');
    await received.keep();
  } finally {
    await received.release();
  }
}

async function* bytesIn(place: ContentSource, sha256: string, size_bytes: number): AsyncGenerator<Buffer> {
  if (size_bytes > 0) yield* await place.read(sha256, 0, size_bytes - 1);
}

async function digestIn(place: ContentSource, sha256: string, size_bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of bytesIn(place, sha256, size_bytes)) hash.update(piece);
  return hash.digest('hex');
}

function changed(sha256: string, where: string): GweError {
  return new GweError('check', `Cannot migrate content ${sha256}: its bytes ${where} are others`, {
    hint: 'That disk or service may be failing: upload it again under its name, then migrate again.',
  });
}
