/** Whether a gateway is on time, late or lost: by its own interval, the time since it was last seen, and named factors. Pure. */
import type { Condition } from './fleet-store.ts';

/** Intervals after which a gateway is late: one missed check-in, its jitter, and some slack. */
export const LATE_AFTER_INTERVALS = 1.5;
/** Intervals after which it is lost. */
export const LOST_AFTER_INTERVALS = 5;
/** Added to both: short intervals are no reason to call a slow line late. */
export const CONDITION_GRACE_S = 60;
/** For a gateway that told no interval: the one that gwe has from the start. */
export const DEFAULT_INTERVAL_S = 43_200;

export const CONDITIONS: readonly Condition[] = ['on-time', 'late', 'lost', 'never'];

/** How a gateway stands at `now_ms`; `lastSeen_ms` 0 = never seen. */
export function conditionOf(lastSeen_ms: number, interval_s: number | undefined, now_ms: number): Condition {
  if (lastSeen_ms === 0) return 'never';
  const age_s = (now_ms - lastSeen_ms) / 1000 - CONDITION_GRACE_S;
  const intervals = age_s / (interval_s ?? DEFAULT_INTERVAL_S);
  if (intervals <= LATE_AFTER_INTERVALS) return 'on-time';
  return intervals <= LOST_AFTER_INTERVALS ? 'late' : 'lost';
}

/** The same as an SQL expression, of the columns `seen` and `interval` and the parameter `:now`. */
export function conditionSql(seen: string, interval: string): string {
  const age_s = `((:now - ${seen}) / 1000.0 - ${CONDITION_GRACE_S})`;
  const interval_s = `coalesce(${interval}, ${DEFAULT_INTERVAL_S})`;
  return `CASE WHEN ${seen} = 0 THEN 'never'
    WHEN ${age_s} <= ${interval_s} * ${LATE_AFTER_INTERVALS} THEN 'on-time'
    WHEN ${age_s} <= ${interval_s} * ${LOST_AFTER_INTERVALS} THEN 'late' ELSE 'lost' END`;
}

/** When the gateway should be seen next; `undefined` when it never was. */
export function expectedAt(lastSeen_ms: number, interval_s: number | undefined): number | undefined {
  return lastSeen_ms === 0 ? undefined : lastSeen_ms + (interval_s ?? DEFAULT_INTERVAL_S) * 1000;
}
