/** `--check-now`: has the running engine check in, whether it is awake or a sleeping shell, and waits until it has. */
import { readdirSync } from 'node:fs';
import { readEngineState } from '../engine/state.ts';
import { GweError, systemCode } from '../errors.ts';
import { lockHolder } from '../host/lock.ts';
import type { CommandContext } from './context.ts';

/** Longest wait for the check-in to be seen. */
export const CHECK_NOW_LIMIT_MS = 120_000;
/** A signal that falls into the instant between two process images is lost, so it is sent again. */
const SEND_AGAIN_MS = 2000;
const LOOK_AGAIN_MS = 50;

/** Returns 0 when the check-in was complete, or its install still goes on; 1 when it failed. Raises when no engine runs. */
export async function checkNow(context: CommandContext): Promise<number> {
  const { clock, places } = context;
  const before_ms = readEngineState(places.engine)?.lastCheckIn?.time_ms;
  const started_ms = clock.monotonic();
  let sent_ms = Number.NEGATIVE_INFINITY;
  while (clock.monotonic() - started_ms < CHECK_NOW_LIMIT_MS) {
    if (clock.monotonic() - sent_ms >= SEND_AGAIN_MS) {
      call(places.lock);
      sent_ms = clock.monotonic();
    }
    await clock.sleep(LOOK_AGAIN_MS, context.signal);
    const last = readEngineState(places.engine)?.lastCheckIn;
    if (last !== undefined && last.time_ms !== before_ms) return tell(context, last);
  }
  if (isWorking(places.journal)) {
    context.out('The engine has checked in and is at work on what it was told; see gwe status\n');
    return 0;
  }
  throw new GweError(
    'timeout',
    `Cannot see a check-in: the engine has not ended one within ${CHECK_NOW_LIMIT_MS / 1000} s`,
    { hint: 'See gwe why, and the log of the engine' },
  );
}

function call(lock: string): void {
  const pid = lockHolder(lock);
  if (pid === undefined) {
    throw new GweError('not-found', 'Cannot have the engine check in: none is running', {
      hint: 'Start it with "supervisorctl start gwe", or check in once with "gwe --once"',
    });
  }
  try {
    process.kill(pid, 'SIGWINCH');
  } catch (error) {
    // It ended since: the next look at the lock tells.
    if (systemCode(error) === 'ESRCH') return;
    throw new GweError('forbidden', `Cannot have the engine check in: not allowed to signal process ${pid}`, {
      hint: 'Run the command as the user that the engine runs as',
      cause: error,
    });
  }
}

function tell(context: CommandContext, last: { ok: boolean; time_ms: number; message?: string }): number {
  if (last.ok) {
    context.out(`Checked in at ${new Date(last.time_ms).toISOString()}\n`);
    return 0;
  }
  context.err(`gwe: The engine tried to check in and could not: ${last.message ?? 'see its log'}\n`);
  return 1;
}

function isWorking(journal: string): boolean {
  try {
    return readdirSync(journal).length > 0;
  } catch {
    return false;
  }
}
