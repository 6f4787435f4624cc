/** Time as a parameter: whoever waits or looks at a clock is handed one of these, so that tests own the time. */
import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  /** Wall clock, milliseconds since 1970. May be wrong or jump: never measure a duration with it. */
  now(): number;
  /** Monotonic clock, milliseconds since some start. Durations, deadlines and backoff use this one. */
  monotonic(): number;
  /** Resolves after `duration_ms`; rejects with the signal's reason when it is aborted first. */
  sleep(duration_ms: number, signal?: AbortSignal): Promise<void>;
}

/** A timer of node's counts in 32 bits: a longer one would go off at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const NANOSECONDS_PER_MS = 1e6;

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Node.js loads what is behind `performance` when it is first touched: 2 ms of every start.
  monotonic: () => Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS,
  sleep: async (duration_ms, signal) => {
    const options = signal === undefined ? {} : { signal };
    let left_ms = duration_ms;
    for (; left_ms > TIMER_MAX_MS; left_ms -= TIMER_MAX_MS) await wait(TIMER_MAX_MS, undefined, options);
    await wait(left_ms, undefined, options);
  },
};
