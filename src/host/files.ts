/**
 * Files that survive a power cut: what is written here is either wholly there or not at all, and once a function has
 * returned it stays. For small files; a tarball is streamed by whoever downloads it and finished with `renameDurably`.
 */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { systemCode } from '../errors.ts';

/** Folders that only their owner may look into: they hold keys and other people's software. */
export const PRIVATE_FOLDER_MODE = 0o700;
export const PRIVATE_FILE_MODE = 0o600;

/** The name that a file bears while `writeDurably` writes it. */
const beside = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.new`);

/**
 * Replaces or makes `path` so that a crash at any instant leaves the old contents or the new: written beside, synced,
 * renamed over it, the folder synced. Raises what node:fs raises (ENOSPC, EROFS, EIO …), and then leaves the old file.
 */
export function writeDurably(path: string, contents: string | Uint8Array, mode = PRIVATE_FILE_MODE): void {
  writeWhole(path, contents, mode);
  syncFolder(dirname(path));
}

/**
 * As `writeDurably`, but for the sync of the folder, which is half of what it costs: after a crash there is the old file
 * or the new one, and which is not sure. For what would be written again anyway, or is followed by something durable in
 * the same folder.
 */
export function writeWhole(path: string, contents: string | Uint8Array, mode = PRIVATE_FILE_MODE): void {
  const unfinished = beside(path);
  try {
    writeSynced(unfinished, contents, mode);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function writeSynced(path: string, contents: string | Uint8Array, mode: number): void {
  const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents;
  const file = openSync(path, 'w', mode);
  try {
    chmodSync(path, mode);
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Names that a file has before it gets its own: `writeDurably`'s, and those of the lock. */
const HALF_WRITTEN = /^\.?.+\.(\d+)\.(?:new|stale)$/;

/**
 * Removes from `folder` what somebody was writing when the power went: it is worth nothing, and would pile up with every
 * power cut. Files of a process that runs stay, but for our own: whoever calls this is not writing. What cannot be removed does no harm, and stays.
 */
export function sweepHalfWritten(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const pid = Number(name.match(HALF_WRITTEN)?.[1]);
      if (pid > 0 && (pid === process.pid || !isRunning(pid))) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // There is no such folder, or the disk refuses: others will say so.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** The text of a file, or `undefined` when there is none. Raises every other error of node:fs. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Gives `from` (already synced by its writer) the name `to`; when it returns the name has reached the disk. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

/** Removes a file, if it is there; when it returns the removal has reached the disk. */
export function removeDurably(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes a folder and those above it where they are missing; those that it makes get `mode`. */
export function makeFolder(path: string, mode = PRIVATE_FOLDER_MODE): void {
  makeFolders([path], mode);
}

/** Makes several folders and those above them where they are missing; each folder that got a new one is synced once. */
export function makeFolders(paths: readonly string[], mode = PRIVATE_FOLDER_MODE): void {
  const changed = new Set<string>();
  for (const path of paths) {
    const whole = resolve(path);
    const first = makeMissing(whole, mode);
    if (first === undefined) continue;
    for (let made = whole; made.length >= first.length; made = dirname(made)) changed.add(dirname(made));
  }
  for (const folder of changed) syncFolder(folder);
}

/** Makes a folder for what is made again after a crash: nothing is synced. */
export function makeScratchFolder(path: string, mode = PRIVATE_FOLDER_MODE): void {
  makeMissing(path, mode);
}

/**
 * Makes a folder and those above it where they are missing, and returns the topmost that was made. `mkdirSync` with `recursive`
 * goes round for ever where a file system refuses a new folder with ENOENT, as /proc does.
 */
function makeMissing(path: string, mode: number): string | undefined {
  if (isFolder(path)) return undefined;
  const first = dirname(path) === path ? undefined : makeMissing(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && isFolder(path)) return first;
    throw error;
  }
  return first ?? path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Removes a folder and all that is in it, if it is there. Follows no link. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Makes the names in a folder durable, where the file system can. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } catch (error) {
    // Some file systems (of networks, of FUSE) know no fsync of a folder.
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(folder);
  }
}
