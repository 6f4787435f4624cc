/** A turn of the cycle: how it went, what that means for the next one, and what is written down about it. */

import { isRetryable } from '../client/errors.ts';
import type { GweError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { type TurnEnd, turnEndOf } from './schedule.ts';
import { EXIT_TRY_LATER } from './self-update.ts';

/** How a turn went, for the exit status of `gwe --once` and for the sleep after it. */
export interface Turn {
  end: TurnEnd;
  /** Reports out and answers in. */
  complete: boolean;
  /** Everything that the platform asked for is understood and installed. */
  allDone: boolean;
  /** An install was ended in this turn. */
  worked: boolean;
  /** An install waits for the data budget. */
  waitsForBudget: boolean;
  /** What keeps an install waiting that may pass by itself. */
  retry: GweError | undefined;
}

/** The reports are out and the answers in: noted before anything is done about them, so that others can see it. */
export function checkedIn(engine: Engine, turn: Turn): void {
  const time_ms = engine.context.clock.now();
  turn.complete = true;
  engine.state.lastCheckIn = { time_ms, ok: true };
  engine.state.lastComplete_ms = time_ms;
  // Not the latest time ever seen: a clock that once ran ahead would make every later time look wrong.
  engine.state.timeFloor_ms = time_ms;
  engine.log.debug('Check-in complete');
}

/** Classes the turn, counts failures in a row, and writes usage.json; engine.json is written when the next time is known. */
export function turnEnded(engine: Engine, turn: Turn, failed: GweError | undefined): void {
  const { state } = engine;
  const trouble = failed ?? turn.retry;
  if (failed !== undefined) turn.allDone = false;
  const isFailure = trouble !== undefined && trouble.code !== 'budget';
  state.consecutiveFailures = isFailure ? state.consecutiveFailures + 1 : 0;
  state.updateInterval_s = engine.updateInterval_s;
  if (failed?.code === 'budget' || (trouble === undefined && turn.waitsForBudget)) {
    turn.end = budgetEnd(engine, failed !== undefined);
  } else if (trouble !== undefined) {
    turn.end = turnEndOf(trouble, state.consecutiveFailures, isRetryable(trouble));
  }
  if (trouble !== undefined && !engine.context.signal.aborted) engine.log.warning(sentence(trouble));
  if (failed !== undefined) {
    const { code, message } = { code: failed.code, message: sentence(failed) };
    state.lastCheckIn = { time_ms: engine.context.clock.now(), ok: turn.complete, code, message };
  }
  // Nothing was counted, but time went by, and that must not be lost with the power.
  if (failed?.code === 'budget') engine.usage.saveNow(engine.log);
  else engine.usage.save(engine.log);
}

/** The sleep of a turn that the data budget held up, `isSilent` = before the check-in was complete. */
function budgetEnd({ budget, context }: Engine, isSilent: boolean): TurnEnd {
  const resumes_ms = budget?.resumes_ms(isSilent ? 'check-in' : 'download') ?? 0;
  const resumes_s = Math.max(0, resumes_ms - context.clock.now()) / 1000;
  return { kind: 'budget', resumes_s, mayCheckIn: !isSilent };
}

const sentence = (error: GweError): string =>
  error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;

/** The exit status of `gwe --once`: 0 all done, 1 no complete check-in, 3 complete but something asked for is not installed. */
export function exitOfTurn(turn: Turn, trial: boolean): number {
  if (!turn.complete) return trial && turn.end.kind !== 'refused' ? EXIT_TRY_LATER : 1;
  return turn.allDone ? 0 : 3;
}
