/**
 * One engine per state folder. The lock names its holder by process id and the instant that process began: both stay
 * the same when gwe becomes its sleeping shell and back, and no later process can have both. A lock whose holder is gone
 * is taken over, so a power cut never leaves a gateway locked.
 */
import { readFileSync } from 'node:fs';
import { GweError } from '../errors.ts';
import { readIfThere, removeDurably, writeDurably } from './files.ts';

/** Takes the lock at `path` for this process; taking one's own again is fine. Raises `locked`, saying who has it. */
export function takeLock(path: string): void {
  const holder = lockHolder(path);
  if (holder === process.pid) return;
  if (holder !== undefined) {
    throw new GweError('locked', `Cannot use ${path}: the engine with process id ${holder} has it`, {
      hint: 'Only one engine may run on a state folder. Use "gwe --check-now" to have the running one check in.',
    });
  }
  writeDurably(path, `${process.pid} ${birthOf(process.pid) ?? ''}\n`);
}

/** Gives the lock back, if it is this process's. */
export function releaseLock(path: string): void {
  if (lockHolder(path) === process.pid) removeDurably(path);
}

/** The process id of the engine that holds the lock now, or `undefined`. */
export function lockHolder(path: string): number | undefined {
  const [pid, birth] = (readIfThere(path) ?? '').trim().split(' ');
  if (pid === undefined || !/^\d+$/.test(pid) || birth === undefined) return undefined;
  return birthOf(Number(pid)) === birth ? Number(pid) : undefined;
}

/** Boot id and start time of a process (field 22 of /proc/PID/stat), or `undefined` when there is none. */
function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${start}`;
  } catch {
    return undefined;
  }
}
