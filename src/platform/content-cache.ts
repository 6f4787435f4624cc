/**
 * Content that lies elsewhere, kept on this machine's disk as well: whole files by their digest, up to so many bytes; those
 * which were not asked for the longest go first. It is never the only copy, so nothing here is synced.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { makeFolder } from '../host/files.ts';
import { PART_FILE, partName, writeHashed } from './content-spool.ts';
import { openBytes } from './content-store.ts';
import { CACHE_FILLS_MAX } from './limits.ts';

const DIGEST_FILE = /^[0-9a-f]{64}$/;

export interface ContentCache {
  /** Bytes of a digest, if it is here. */
  read(sha256: string, from: number, to: number): Promise<Readable | undefined>;
  /** Fetches a digest in the background, unless it is under way, too long, or enough others are. */
  fill(sha256: string, size_bytes: number, source: () => Promise<Readable>): void;
  /** Takes over a file that holds a digest's bytes. */
  adopt(sha256: string, size_bytes: number, file: string): Promise<void>;
  forget(sha256: string): Promise<void>;
  readonly size_bytes: number;
  /** Resolves when no fill is under way. */
  settle(): Promise<void>;
}

/** Opens the folder with what it held before, the oldest first, and brings it under the limit. */
export async function openContentCache(folder: string, limit_bytes: number): Promise<ContentCache> {
  makeFolder(folder);
  /** In the order in which they were last asked for. */
  const kept = new Map<string, number>();
  let total_bytes = 0;
  const filling = new Map<string, Promise<void>>();

  for (const { name, size_bytes } of await filesIn(folder)) {
    kept.set(name, size_bytes);
    total_bytes += size_bytes;
  }
  await shrink();

  async function forget(sha256: string): Promise<void> {
    total_bytes -= kept.get(sha256) ?? 0;
    kept.delete(sha256);
    // Who reads it just now goes on reading: its blocks are freed with the last reader.
    await rm(join(folder, sha256), { force: true });
  }

  async function shrink(): Promise<void> {
    while (total_bytes > limit_bytes) {
      const [oldest] = kept.keys();
      if (oldest === undefined) return;
      await forget(oldest);
    }
  }

  async function adopt(sha256: string, size_bytes: number, file: string): Promise<void> {
    if (size_bytes > limit_bytes || kept.has(sha256)) return await rm(file, { force: true });
    await rename(file, join(folder, sha256));
    kept.set(sha256, size_bytes);
    total_bytes += size_bytes;
    await shrink();
  }

  async function fetch(sha256: string, source: () => Promise<Readable>): Promise<void> {
    const file = join(folder, partName());
    try {
      const got = await writeHashed(await source(), file);
      if (got.sha256 === sha256) await adopt(sha256, got.size_bytes, file);
    } finally {
      await rm(file, { force: true });
    }
  }

  return {
    async read(sha256, from, to) {
      const size_bytes = kept.get(sha256);
      if (size_bytes === undefined) return undefined;
      kept.delete(sha256);
      kept.set(sha256, size_bytes);
      return await openBytes(join(folder, sha256), from, to).catch(async () => {
        await forget(sha256);
        return undefined;
      });
    },
    fill(sha256, size_bytes, source) {
      const isUseless = size_bytes > limit_bytes || kept.has(sha256) || filling.has(sha256);
      if (isUseless || filling.size >= CACHE_FILLS_MAX) return;
      // What fails here is asked for again by the next reader.
      const done = fetch(sha256, source)
        .catch(() => {})
        .finally(() => filling.delete(sha256));
      filling.set(sha256, done);
    },
    adopt,
    forget,
    get size_bytes() {
      return total_bytes;
    },
    settle: async () => void (await Promise.all(filling.values())),
  };
}

/** The digests in the folder, the one that was written first first; what a crash left is removed. */
async function filesIn(folder: string): Promise<{ name: string; size_bytes: number }[]> {
  const found: { name: string; size_bytes: number; written_ms: number }[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (PART_FILE.test(name)) await rm(path, { force: true });
    if (!DIGEST_FILE.test(name)) continue;
    const { size, mtimeMs } = await stat(path);
    found.push({ name, size_bytes: size, written_ms: mtimeMs });
  }
  return found.sort((one, other) => one.written_ms - other.written_ms);
}
