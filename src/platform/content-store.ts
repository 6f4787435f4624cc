/**
 * The bytes of the Content Area by their digest: the interface that every place for them serves, and a folder as one such
 * place, with one file per digest. An upload has its digest's name only when it is whole, checked and durable; it never
 * changes then. Which names and products a digest belongs to is the store's business.
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { GweError, systemCode } from '../errors.ts';
import { makeFolder, syncFolder } from '../host/files.ts';
import { createHolds } from './content-holds.ts';
import { PART_FILE, partName, writeHashed } from './content-spool.ts';
import { CONTENT_CHUNK_BYTES } from './limits.ts';

/** Bytes that arrived whole, but have no name yet. */
export interface Received {
  sha256: string;
  size_bytes: number;
  /** Where they lie on this machine, for checks. */
  file: string;
  /** Gives them their name. Until `release`, no sweep takes them away. Raises `busy` when the place cannot be reached. */
  keep(): Promise<void>;
  /** To be called however it ends; takes the bytes away unless they were kept. */
  release(): Promise<void>;
}

/** What a place counts of its own work. */
export interface ContentCounts {
  /** Requests to it that failed for good. */
  failures: number;
  /** Reads that its cache on this machine answered, and those which it could not. */
  cacheHits: number;
  cacheMisses: number;
  cache_bytes: number;
}

export interface ContentStore {
  /** Streams bytes to this machine's disk. Raises `too-large`, and what the stream raises. */
  receive(source: AsyncIterable<Buffer>): Promise<Received>;
  /**
   * Bytes `from` to `to` (inclusive) of a digest, once they begin to come. Raises `busy` (the place cannot be reached now)
   * and `io` (it has lost them). Whoever does not read to the end destroys the stream.
   */
  read(sha256: string, from: number, to: number): Promise<Readable>;
  /** How long a digest's bytes are; `undefined` when they are not there. Raises `busy`. */
  size(sha256: string): Promise<number | undefined>;
  /** A URL under which anybody may read a digest for some minutes; `undefined` where there is none to give. */
  link(sha256: string): Promise<string | undefined>;
  /** Removes a digest if nobody has it any more. */
  sweep(sha256: string): Promise<void>;
  /** Why it cannot give or take bytes at the moment; `undefined` when it can. Never rejects. */
  trouble(): Promise<string | undefined>;
  counts(): ContentCounts;
  close(): Promise<void>;
}

const NOTHING_COUNTED: ContentCounts = { failures: 0, cacheHits: 0, cacheMisses: 0, cache_bytes: 0 };

/** What is needed to read a place. */
export type ContentSource = Pick<ContentStore, 'read' | 'size'>;

/** A folder that a running platform may have: nothing in it is touched. */
export function contentIn(folder: string): ContentSource {
  return {
    read: (sha256, from, to) => openBytes(join(folder, sha256), from, to),
    size: (sha256) => sizeOf(join(folder, sha256)),
  };
}

/** A digest; with the uploads that never ended, all that is ours to remove in the folder. */
const DIGEST_FILE = /^[0-9a-f]{64}$/;

/** Opens the folder and clears away what a crash left there. `isUsed` tells whether some content has a digest. */
export async function openContentStore(
  folder: string,
  isUsed: (sha256: string) => Promise<boolean>,
  used: ReadonlySet<string>,
): Promise<ContentStore> {
  makeFolder(folder);
  for (const name of await readdir(folder)) {
    const isOurs = DIGEST_FILE.test(name) || PART_FILE.test(name);
    if (isOurs && !used.has(name)) await rm(join(folder, name), { force: true });
  }
  const holds = createHolds(isUsed);
  return {
    ...contentIn(folder),
    receive: (source) => receiveInto(folder, source, holds),
    link: async () => undefined,
    sweep: (sha256) => holds.sweep(sha256, () => rm(join(folder, sha256), { force: true })),
    trouble: async () => undefined,
    counts: () => NOTHING_COUNTED,
    close: async () => {},
  };
}

async function receiveInto(
  folder: string,
  source: AsyncIterable<Buffer>,
  holds: ReturnType<typeof createHolds>,
): Promise<Received> {
  const file = join(folder, partName());
  try {
    const { sha256, size_bytes } = await writeHashed(source, file);
    const letGo = holds.hold(sha256);
    const release = async () => {
      letGo();
      await rm(file, { force: true });
    };
    const keep = () =>
      holds.inTurn(async () => {
        await rename(file, join(folder, sha256));
        syncFolder(folder);
      });
    return { sha256, size_bytes, file, keep, release };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** A stream that is open: a file that is not there is told here, and not by an event that nobody may be listening to. */
export async function openBytes(path: string, from: number, to: number): Promise<Readable> {
  const bytes = createReadStream(path, { start: from, end: to, highWaterMark: CONTENT_CHUNK_BYTES });
  await once(bytes, 'open').catch((error: unknown) => {
    throw new GweError('io', `Cannot read content ${path}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    });
  });
  return bytes;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
