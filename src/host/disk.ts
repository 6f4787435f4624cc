/** The disk: how much room is left, and having everything on it reach it. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';

export interface Room {
  bytes: number;
  inodes: number;
}

/** How long `sync` may take before it is no longer waited for. */
const FLUSH_LIMIT_S = 120;

/**
 * What is free on the file system of `folder` (or of the nearest folder above it that exists) for whoever runs us. File
 * systems that make inodes as they need them have as many as one likes. Raises what node:fs raises.
 */
export function roomOn(folder: string): Room {
  const there = existsSync(folder) ? folder : dirname(folder);
  if (there !== folder && there !== dirname(there)) return roomOn(there);
  const { bavail, bsize, files, ffree } = statfsSync(there);
  return { bytes: bavail * bsize, inodes: files === 0 ? Number.POSITIVE_INFINITY : ffree };
}

/**
 * Has the kernel write out everything that programs have written: what a script of somebody else's installed must not be
 * lost to a power cut after we have noted that it ended. Returns whether it did.
 */
export async function flushDisks(clock: Clock): Promise<boolean> {
  const { runScript } = await import('./processes.ts');
  const run = { cwd: '/', env: process.env, timeout_s: FLUSH_LIMIT_S, killGrace_s: 1, outputMax_bytes: 1024 };
  const over = new AbortController();
  const flushed = runScript({ ...run, command: ['sync'] }, clock).then(({ status }) => status === 0);
  // A disk that hangs holds even a killed process: that must not hold us.
  const tooLong = clock.sleep((FLUSH_LIMIT_S + 2) * 1000, over.signal).then(
    () => false,
    () => false,
  );
  const done = await Promise.race([flushed, tooLong]);
  over.abort();
  return done;
}
