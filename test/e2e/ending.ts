/** What is undone when a test ends, and how a machine ends that loses its power. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Ending } from './machine.ts';

const undoings = new WeakMap<Ending, (() => unknown)[]>();

/** Has `undo` done at the end, what came last first: a folder goes after the programs that write into it. All are tried. */
export function atEnd(t: Ending, undo: () => unknown): void {
  const known = undoings.get(t);
  if (known !== undefined) return void known.push(undo);
  const undos = [undo];
  undoings.set(t, undos);
  t.after(async () => {
    const failures: unknown[] = [];
    for (const each of undos.toReversed()) {
      try {
        await each();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  });
}

/** The power goes: the process and all that descend from it end at once, without a word. */
export async function cutPower(running: ChildProcess): Promise<void> {
  const pids = running.pid === undefined ? [] : treeOf(running.pid);
  const isOver = once(running, 'close');
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await isOver;
}

/** A process and all that descend from it. */
function treeOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return [pid, ...children.filter(Boolean).flatMap((child) => treeOf(Number(child)))];
  } catch {
    return [];
  }
}
