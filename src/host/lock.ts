/**
 * One engine per state folder. The lock names its holder by process id and the instant that process began: both stay
 * the same when gwe becomes its sleeping shell and back, and no later process can have both. A lock whose holder is gone
 * is taken over, so a power cut never leaves a gateway locked.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { GweError, systemCode } from '../errors.ts';
import { PRIVATE_FILE_MODE, readIfThere } from './files.ts';

/** How often somebody else may come in between before we give up. */
const TRIES_MAX = 10;

/** Takes the lock at `path` for this process; taking one's own again is fine. Raises `locked`, saying who has it. */
export function takeLock(path: string): void {
  if (lockHolder(path) === process.pid) return;
  const own = `${path}.${process.pid}.new`;
  const birth = birthOf(process.pid);
  writeFileSync(own, `${process.pid} ${birth ?? ''}\n`, { mode: PRIVATE_FILE_MODE });
  try {
    // Without /proc nobody can be told from anybody: better two engines than none.
    if (birth === undefined) {
      renameSync(own, path);
      return;
    }
    for (let tries = 1; tries <= TRIES_MAX && !tryLink(own, path); tries++) {
      const holder = lockHolder(path);
      if (holder !== undefined) throw heldBy(`the engine with process id ${holder} has it`, path);
      clearStale(path);
    }
    if (lockHolder(path) !== process.pid) throw heldBy('others are taking it at this moment', path);
  } finally {
    rmSync(own, { force: true });
  }
}

function heldBy(state: string, path: string): GweError {
  return new GweError('locked', `Cannot use ${path}: ${state}`, {
    hint: 'An engine or an install has this state folder, and there may be only one at a time. "gwe --check-now" has a running engine check in.',
  });
}

/** Gives `file` the name `path` too, if nothing has it: of several that try, the kernel lets one. */
function tryLink(file: string, path: string): boolean {
  try {
    linkSync(file, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (!NO_LINKS.includes(systemCode(error) ?? '')) throw error;
    if (lockHolder(path) === undefined) renameSync(file, path);
    return true;
  }
}
/** What a file system without hard links says. */
const NO_LINKS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'];

/** Takes away a lock whose holder is gone; one that somebody else has taken in the meantime is given back. */
function clearStale(path: string): void {
  const seen = readIfThere(path);
  if (seen === undefined || holderIn(seen) !== undefined) return;
  const stale = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, stale);
    if (readIfThere(stale) !== seen) tryLink(stale, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  } finally {
    rmSync(stale, { force: true });
  }
}

/** Gives the lock back, if it is this process's. Not synced: one that a power cut brings back has no holder. */
export function releaseLock(path: string): void {
  if (lockHolder(path) === process.pid) rmSync(path, { force: true });
}

/** The process id of the engine that holds the lock now, or `undefined`. */
export function lockHolder(path: string): number | undefined {
  return holderIn(readIfThere(path) ?? '');
}

function holderIn(text: string): number | undefined {
  const [pid, birth] = text.trim().split(' ');
  if (pid === undefined || !/^\d+$/.test(pid) || birth === undefined) return undefined;
  return birthOf(Number(pid)) === birth ? Number(pid) : undefined;
}

/** `BOOT/TICKS`: boot id and start time of a process (field 22 of /proc/PID/stat), or `undefined` when there is none. */
export function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[19]];
    // Dead, and only its parent has not asked for its exit status yet.
    if (state === 'Z' || state === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${start}`;
  } catch {
    return undefined;
  }
}
