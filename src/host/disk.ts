/** The disk: how much room is left on it. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Room {
  bytes: number;
  inodes: number;
}

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
