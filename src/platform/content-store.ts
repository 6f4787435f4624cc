/**
 * The bytes of the Content Area: one file per digest, never changed once it has its name. An upload is streamed to a
 * neighbour while it is hashed, synced, and only then renamed. Which names and products a digest belongs to is the store's
 * business.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { GweError } from '../errors.ts';
import { makeFolder, syncFolder } from '../host/files.ts';
import { CONTENT_CHUNK_BYTES, CONTENT_MAX_BYTES } from './limits.ts';

/** Bytes that arrived whole and are on the disk, but have no name yet. */
export interface Received {
  sha256: string;
  size_bytes: number;
  /** Where they lie, for checks. */
  file: string;
  /** Gives them their name. Until `release`, no sweep takes them away. */
  keep(): Promise<void>;
  /** To be called however it ends; takes the bytes away unless they were kept. */
  release(): Promise<void>;
}

export interface ContentStore {
  /** Streams bytes to the disk. Raises `too-large`, and what the stream raises. */
  receive(source: AsyncIterable<Buffer>): Promise<Received>;
  /**
   * Bytes `from` to `to` (inclusive) of a digest, once they begin to come. Raises `busy` (the store cannot be reached now)
   * and `io` (it has lost them). Whoever does not read to the end destroys the stream.
   */
  read(sha256: string, from: number, to: number): Promise<Readable>;
  /** Removes a digest if nobody has it any more. */
  sweep(sha256: string): Promise<void>;
}

/** A digest, or an upload that never ended. Nothing else in the folder is ours to remove. */
const OWN_FILE = /^([0-9a-f]{64}|\d+-\d+\.part)$/;

/** Opens the folder and clears away what a crash left there. `isUsed` tells whether some content has a digest. */
export async function openContentStore(
  folder: string,
  isUsed: (sha256: string) => Promise<boolean>,
  used: ReadonlySet<string>,
): Promise<ContentStore> {
  makeFolder(folder);
  for (const name of await readdir(folder)) {
    if (OWN_FILE.test(name) && !used.has(name)) await rm(join(folder, name), { force: true });
  }
  const inTurn = createTurns();
  const held = new Map<string, number>();
  let uploads = 0;
  const hold = (sha256: string, by: 1 | -1) => {
    const holders = (held.get(sha256) ?? 0) + by;
    if (holders > 0) held.set(sha256, holders);
    else held.delete(sha256);
  };
  return {
    async receive(source) {
      uploads += 1;
      const file = join(folder, `${process.pid}-${uploads}.part`);
      try {
        const { sha256, size_bytes } = await writeHashed(source, file);
        hold(sha256, 1);
        const release = async () => {
          hold(sha256, -1);
          await rm(file, { force: true });
        };
        const keep = () =>
          inTurn(async () => {
            await rename(file, join(folder, sha256));
            syncFolder(folder);
          });
        return { sha256, size_bytes, file, keep, release };
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    read: (sha256, from, to) => openBytes(join(folder, sha256), from, to),
    sweep: (sha256) =>
      inTurn(async () => {
        if (sha256 === '' || held.has(sha256) || (await isUsed(sha256)) || held.has(sha256)) return;
        await rm(join(folder, sha256), { force: true });
      }),
  };
}

/** A stream that is open: a file that is not there is told here, and not by an event that nobody may be listening to. */
async function openBytes(path: string, from: number, to: number): Promise<Readable> {
  const bytes = createReadStream(path, { start: from, end: to, highWaterMark: CONTENT_CHUNK_BYTES });
  await once(bytes, 'open');
  return bytes;
}

/** Naming and removing take turns: else a digest that is being removed could be uploaded again, and be removed with it. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

async function writeHashed(
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
