/**
 * Making a whole unpacked folder durable at once: one call for the file system in place of one for each file, which on
 * flash is the difference between a second and a minute. Node.js has no syncfs, so `sync -f` does it, where there is one.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Longest that `sync -f` may take before the files are synced one by one. */
export const SYNC_TIMEOUT_MS = 300_000;

/**
 * When it returns, all files and names under `folder` have reached the disk. Uses syncfs by `sync -f` (GNU coreutils;
 * busybox with its "fancy" sync); where that is missing or fails, each file and folder is synced by itself, which also
 * finds the error that made it fail. Raises what fsync raises (EIO, ENOSPC).
 */
export function syncTree(folder: string): void {
  const done = spawnSync('sync', ['-f', folder], { stdio: 'ignore', timeout: SYNC_TIMEOUT_MS });
  if (done.status !== 0) syncEach(folder);
}

function syncEach(folder: string): void {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) syncEach(path);
    else if (item.isFile()) sync(path);
  }
  sync(folder);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
