/** When to check in next: pure rules from how the last check-in ended to how long to sleep. */
import { createHash } from 'node:crypto';
import type { GweError } from '../errors.ts';

/** Intervals shorter than this are kept to the second: a person is watching. */
export const JITTER_MIN_INTERVAL_S = 60;
/** The first retry after a failure comes within this time; each further one within twice the last. */
export const BACKOFF_FIRST_S = 4;
/** No backoff grows beyond this (nor beyond update_interval). */
export const BACKOFF_MAX_S = 15 * 60;
/** No two attempts are closer than this, however the dice fall. */
export const BACKOFF_MIN_S = 1;
/** A platform may ask us to stay away for so long; more is taken as this. */
export const RETRY_AFTER_MAX_S = 24 * 3600;

/**
 * A gateway that must not even check in wakes up now and then all the same, contacts nobody and notes that time went by: with a
 * clock that is wrong and power that comes and goes nothing else would tell that a day is over.
 */
export const SILENT_MAX_S = 3600;
/** A fleet whose budgets begin again at the same time is spread over so much. */
export const RESUME_SPREAD_S = 15 * 60;

/** However soon it begins again: a clock that is being set must not keep a gateway busy. */
export const RESUME_MIN_S = 60;

/** Why the next check-in is when it is; `gwe why` says it in words. */
export type SleepReason = 'interval' | 'backoff' | 'activation' | 'budget';

export interface Sleep {
  sleep_s: number;
  reason: SleepReason;
}

/** How one turn of the cycle ended, as far as the next one hangs on it. */
export type TurnEnd =
  | { kind: 'complete' }
  /** The network or the platform was in trouble: try again soon, but not too eagerly. */
  | { kind: 'retry'; failures: number; retryAfter_s?: number | undefined }
  /** The platform does not let this gateway in (yet). */
  | { kind: 'not-activated' }
  /** The data budget is used up, for downloads or even for check-ins, and begins again in `resumes_s`. */
  | { kind: 'budget'; resumes_s: number; mayCheckIn: boolean }
  /** Asking again would not help: the next regular time is soon enough. */
  | { kind: 'refused' };

export interface Rhythm {
  updateInterval_s: number;
  jitter_percent: number;
  activationRetry_s: number;
  serial: string;
}

/**
 * How long to sleep after a turn that ended so. `random` gives a number from 0 up to 1 (full jitter: the whole backoff
 * is random, so that a fleet which lost its platform together does not come back together).
 */
export function sleepAfter(end: TurnEnd, rhythm: Rhythm, random: () => number): Sleep {
  if (end.kind === 'retry') {
    return {
      sleep_s: backoff_s(end.failures, rhythm.updateInterval_s, end.retryAfter_s, random()),
      reason: 'backoff',
    };
  }
  if (end.kind === 'not-activated') return { sleep_s: rhythm.activationRetry_s, reason: 'activation' };
  const regular_s = regularSleep_s(rhythm);
  if (end.kind !== 'budget') return { sleep_s: regular_s, reason: 'interval' };
  const spread_s = RESUME_SPREAD_S * phaseOf(rhythm.serial);
  const resumes_s = Math.ceil(Math.max(end.resumes_s, RESUME_MIN_S) + spread_s);
  if (!end.mayCheckIn) return { sleep_s: Math.min(resumes_s, SILENT_MAX_S), reason: 'budget' };
  return resumes_s < regular_s
    ? { sleep_s: resumes_s, reason: 'budget' }
    : { sleep_s: regular_s, reason: 'interval' };
}

/** The interval, lengthened by this gateway's own share of the jitter: the same each time, another for each serial. */
export function regularSleep_s(rhythm: Rhythm): number {
  if (rhythm.updateInterval_s < JITTER_MIN_INTERVAL_S) return rhythm.updateInterval_s;
  return Math.round(rhythm.updateInterval_s * (1 + (rhythm.jitter_percent / 100) * phaseOf(rhythm.serial)));
}

/** A number from 0 up to 1 that hangs on nothing but the serial. */
export function phaseOf(serial: string): number {
  return createHash('sha256').update(serial).digest().readUInt32BE(0) / 2 ** 32;
}

/** Exponential backoff with full jitter after `failures` (≥ 1) in a row; `dice` from 0 up to 1. */
export function backoff_s(
  failures: number,
  updateInterval_s: number,
  retryAfter_s: number | undefined,
  dice: number,
): number {
  const cap_s = Math.min(updateInterval_s, BACKOFF_MAX_S);
  const ceiling_s = Math.min(cap_s, BACKOFF_FIRST_S * 2 ** Math.min(failures - 1, 30));
  const own_s = Math.max(Math.min(BACKOFF_MIN_S, cap_s), Math.round(ceiling_s * dice));
  return Math.max(own_s, Math.min(retryAfter_s ?? 0, RETRY_AFTER_MAX_S));
}

/** How a turn that failed with `error` ended; `failures` counts this one. `retryable` is the client's table of error classes. */
export function turnEndOf(error: GweError, failures: number, retryable: boolean): TurnEnd {
  if (error.code === 'conflict' || error.code === 'unauthorized') return { kind: 'not-activated' };
  if (retryable) return { kind: 'retry', failures, retryAfter_s: error.retryAfter_s };
  return { kind: 'refused' };
}
