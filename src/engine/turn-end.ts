/** The end of a turn: what it means for the next one, and what is written down about it. */

import { isRetryable } from '../client/errors.ts';
import type { GweError } from '../errors.ts';
import type { Turn } from './cycle.ts';
import type { Engine } from './engine.ts';
import { turnEndOf } from './schedule.ts';
import { EXIT_TRY_LATER } from './self-update.ts';

/** The wall clock may be behind by so much after a start without a battery before it is called wrong. */
const CLOCK_TOLERANCE_MS = 60_000;

/** Classes the turn, counts failures in a row, and writes engine.json and usage.json: the only writes of an idle turn. */
export function turnEnded(engine: Engine, turn: Turn, failed: GweError | undefined): void {
  const { state } = engine;
  const trouble = failed ?? turn.retry;
  if (failed !== undefined) turn.allDone = false;
  state.consecutiveFailures = trouble === undefined ? 0 : state.consecutiveFailures + 1;
  if (trouble !== undefined) {
    turn.end = turnEndOf(trouble, state.consecutiveFailures, isRetryable(trouble));
    if (!engine.context.signal.aborted) engine.log.warning(sentence(trouble));
  }
  noteCheckIn(engine, turn, failed);
  engine.usage.save(engine.log);
}

function noteCheckIn(engine: Engine, turn: Turn, failed: GweError | undefined): void {
  const { state } = engine;
  const time_ms = engine.context.clock.now();
  state.updateInterval_s = engine.updateInterval_s;
  state.timeFloor_ms = Math.max(state.timeFloor_ms ?? 0, turn.complete ? time_ms : 0);
  state.lastCheckIn = { time_ms, ok: turn.complete };
  if (failed !== undefined)
    Object.assign(state.lastCheckIn, { code: failed.code, message: sentence(failed) });
  if (turn.complete) state.lastComplete_ms = time_ms;
  engine.log.debug(turn.complete ? 'Check-in complete' : 'Check-in not complete');
}

const sentence = (error: GweError): string =>
  error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;

/** Whether the wall clock is behind a time that this gateway has already seen. */
export function isClockBehind(now_ms: number, timeFloor_ms: number | undefined): boolean {
  return timeFloor_ms !== undefined && now_ms < timeFloor_ms - CLOCK_TOLERANCE_MS;
}

/** The exit status of `gwe --once`: 0 all done, 1 no complete check-in, 3 complete but something asked for is not installed. */
export function exitOfTurn(turn: Turn, trial: boolean): number {
  if (!turn.complete) return trial && turn.end.kind !== 'refused' ? EXIT_TRY_LATER : 1;
  return turn.allDone ? 0 : 3;
}
