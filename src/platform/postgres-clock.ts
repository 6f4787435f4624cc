/**
 * The time that all replicas of one platform have in common: that of their database. A replica asks for it now and then and counts
 * on by its own monotonic clock; what its wall clock says, and when somebody sets that, makes no difference.
 */
import type { Clock } from '../host/clock.ts';

/** An answer of the database: its time, and when that was asked for and came, by the monotonic clock here. */
export interface TimeHeard {
  database_ms: number;
  asked_ms: number;
  came_ms: number;
}

export interface SharedClock extends Clock {
  hear(heard: TimeHeard): void;
}

/** Two clocks that tick alike may drift apart so far between two answers. */
const DRIFT_MS = 20;

/** `clock` with the database's time in place of its own, from the first answer on. */
export function shareClock(clock: Clock): SharedClock {
  let ahead_ms: number | undefined;
  return {
    now: () => (ahead_ms === undefined ? clock.now() : Math.floor(clock.monotonic() + ahead_ms)),
    monotonic: clock.monotonic,
    sleep: (duration_ms, signal) => clock.sleep(duration_ms, signal),
    hear(heard) {
      ahead_ms = aheadBy(heard, ahead_ms);
    },
  };
}

/**
 * How far the database's time is ahead of the monotonic clock here, in ms. What was believed stays as long as it may be right: so time
 * takes no small steps to and fro with each answer that took longer. Pure.
 */
export function aheadBy(
  { database_ms, asked_ms, came_ms }: TimeHeard,
  believed_ms: number | undefined,
): number {
  const middle_ms = database_ms - (asked_ms + came_ms) / 2;
  const doubt_ms = (came_ms - asked_ms) / 2 + DRIFT_MS;
  const isPossible = believed_ms !== undefined && Math.abs(believed_ms - middle_ms) <= doubt_ms;
  return isPossible ? believed_ms : middle_ms;
}
