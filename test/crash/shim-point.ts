/**
 * The instants in which a gwe may be killed: each thing that it does is counted and, once it is done, written down; at
 * the chosen one gwe and the scripts that it runs are killed before it is done. What counts is up to shim.ts.
 */
import { type DiskOperation, nameOf, type Operation, type OtherOperation } from './operations.ts';

const { env } = process;
const { openSync, writeSync } = process.getBuiltinModule('node:fs');

/** The gateway's folder. */
export const root = env['CRASH_ROOT'] ?? '/nowhere';
/** Whether what was written is written down, too. */
export const withData = env['CRASH_DATA'] === '1';
/** Process groups of scripts that are running. */
export const children = new Set<number>();
const dieAt = Number(env['CRASH_AT'] ?? 0);
const record = openSync(env['CRASH_RECORD'] ?? '/dev/null', 'a');
let count = 0;

/** Writes down what was done. */
export function note(operation: Operation): void {
  writeSync(record, `${JSON.stringify(operation)}\n`);
}

/** An instant to die in: `operation` is about to be done, by `act`; a write may be done half. */
export function point<T>(operation: DiskOperation | OtherOperation, act: () => T, half?: () => void): T {
  count += 1;
  if (count === dieAt) {
    if (env['CRASH_TORN'] === '1') half?.();
    die(nameOf(operation, root));
  }
  const result = act();
  note(operation);
  return result;
}

function die(instead: string): never {
  note({ do: 'killed', at: count, instead });
  for (const pid of children) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}
