/** How an application's program does, from what supervisord says of its processes. Pure; when to look, and for how long, is the installer's. */
import type { ProcessInfo } from './supervisor.ts';

export interface ProgramHealth {
  /** `up`: every process is RUNNING; `starting`: not yet known; `down`: it ended, or cannot start. */
  state: 'up' | 'starting' | 'down';
  /** One clause for a person: `is FATAL (can't find command '/x')`. */
  why: string;
}

/**
 * The health of a program. With what was seen at an earlier look, a process that was RUNNING and is another one now
 * (it crashed, and was started again) counts as down: RUNNING at two looks is not RUNNING between them.
 */
export function programHealth(
  now: readonly ProcessInfo[],
  earlier: readonly ProcessInfo[] = [],
): ProgramHealth {
  if (now.length === 0) return { state: 'down', why: 'is not known to supervisord' };
  const each = now.map((process) =>
    processHealth(
      process,
      earlier.find(({ name }) => name === process.name),
    ),
  );
  const worst = each.find(({ state }) => state === 'down') ?? each.find(({ state }) => state === 'starting');
  return worst ?? { state: 'up', why: 'is RUNNING' };
}

function processHealth(now: ProcessInfo, earlier: ProcessInfo | undefined): ProgramHealth {
  const wasUp = earlier?.state === 'RUNNING';
  if (wasUp && earlier.pid !== now.pid && now.state !== 'STOPPED') {
    return { state: 'down', why: `ended after it had been RUNNING, and is ${describeState(now)} now` };
  }
  const why = `is ${describeState(now)}`;
  if (now.state === 'RUNNING') return { state: 'up', why };
  // Added but not yet begun: supervisord starts it at its next tick.
  const isNew = now.state === 'STOPPED' && now.start_s === 0;
  if (now.state === 'STARTING' || now.state === 'BACKOFF' || isNew) return { state: 'starting', why };
  return { state: 'down', why };
}

function describeState(process: ProcessInfo): string {
  if (process.state === 'EXITED') return `EXITED with ${process.exitStatus}`;
  return process.spawnError === '' ? process.state : `${process.state} (${process.spawnError})`;
}
