/**
 * The data budget as pure rules: what is left of a day and a month, for whom, and when each begins anew. A new budget
 * hangs on the local date and on the time that has surely passed: a clock that jumps gives none again and again, and one
 * that is stuck takes none away for ever.
 */
import type { LocalTime } from './budget-hours.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type Span = 'day' | 'month';

/** What the settings allow; 0 = no limit. */
export interface Limits {
  readonly day_bytes: number;
  readonly month_bytes: number;
  /** Of each day, for check-ins. */
  readonly reserve_bytes: number;
}

/** A day or a month that has a budget. */
export interface Period {
  /** Its local date. */
  readonly label: string;
  readonly used_bytes: number;
  /** When this one and the one before it were begun, in time lived. */
  readonly begun_ms: readonly [before: number, this_: number];
}

/** A moment, by every clock there is. */
export interface Moment {
  readonly wall_ms: number;
  /** Of this boot; '' where the system does not tell. */
  readonly boot: string;
  readonly uptime_ms: number;
}

/** What is kept from one wake-up to the next. */
export interface Ledger {
  readonly day: Period;
  readonly month: Period;
  /** Time that has surely passed since the ledger was begun. */
  readonly lived_ms: number;
  readonly seen: Moment;
  /** The latest wall clock that time was counted by: up to there it is not counted once more. */
  readonly high_ms: number;
  /** The interface that the last exchange went by, and that of the default route at that time ('' = none). */
  readonly way?: { readonly iface: string; readonly route: string };
  /** What the interfaces had counted when they were last looked at, where all their bytes count. */
  readonly counters?: Readonly<Record<string, number>>;
}

/**
 * In `shortest_ms` no more than two of a span begin (one may be begun late in it, the next one just after); after
 * `longest_ms` the next one is due whatever the date says. Both leave room for summer time and for travel.
 */
const SPANS: Readonly<Record<Span, { shortest_ms: number; longest_ms: number }>> = {
  day: { shortest_ms: 22 * HOUR_MS, longest_ms: 26 * HOUR_MS },
  month: { shortest_ms: 27 * DAY_MS, longest_ms: 32 * DAY_MS },
};
const SPAN_NAMES: readonly Span[] = ['day', 'month'];

/** A ledger that begins now, with nothing used. */
export function newLedger(now: Moment, local: LocalTime): Ledger {
  const begin = (span: Span): Period => ({
    label: local[span],
    used_bytes: 0,
    begun_ms: [-SPANS[span].longest_ms, 0],
  });
  return { day: begin('day'), month: begin('month'), lived_ms: 0, seen: now, high_ms: now.wall_ms };
}

/** The time that has surely passed since the ledger last looked: within a boot the machine's uptime tells it. */
export function passed_ms({ seen, high_ms }: Ledger, now: Moment): number {
  const isSameBoot = now.boot !== '' && now.boot === seen.boot && now.uptime_ms >= seen.uptime_ms;
  if (isSameBoot) return now.uptime_ms - seen.uptime_ms;
  return Math.max(0, now.wall_ms - high_ms, now.boot === '' ? 0 : now.uptime_ms);
}

/** The ledger as it is at `now`: with a new day or month, where one is due. */
export function advanced(ledger: Ledger, now: Moment, local: LocalTime): Ledger {
  const lived_ms = ledger.lived_ms + passed_ms(ledger, now);
  const roll = (span: Span): Period => {
    const period = ledger[span];
    const [before_ms, begun_ms] = period.begun_ms;
    const { shortest_ms, longest_ms } = SPANS[span];
    const isDue = local[span] > period.label && lived_ms - before_ms >= shortest_ms;
    if (!isDue && lived_ms - begun_ms < longest_ms) return period;
    return { label: local[span], used_bytes: 0, begun_ms: [begun_ms, lived_ms] };
  };
  const day = roll('day');
  // A date that lay ahead has been given up: from here on time is counted by this clock.
  const high_ms = day.label < ledger.day.label ? now.wall_ms : Math.max(ledger.high_ms, now.wall_ms);
  return { ...ledger, day, month: roll('month'), lived_ms, seen: now, high_ms };
}

/** When the next day or month begins, by the wall clock. `ledger` is as it is at that moment. */
export function beginsAgain_ms({ lived_ms, seen, ...ledger }: Ledger, span: Span, local: LocalTime): number {
  const { label, begun_ms } = ledger[span];
  const { shortest_ms, longest_ms } = SPANS[span];
  const latest_ms = seen.wall_ms + Math.max(0, begun_ms[1] + longest_ms - lived_ms);
  if (local[span] < label) return latest_ms;
  const next_ms = span === 'day' ? local.nextDay_ms : local.nextMonth_ms;
  const earliest_ms = seen.wall_ms + Math.max(0, begun_ms[0] + shortest_ms - lived_ms);
  return Math.min(latest_ms, local[span] > label ? earliest_ms : Math.max(next_ms, earliest_ms));
}

/** The ledger after `bytes` more. */
export function spent(ledger: Ledger, bytes: number): Ledger {
  const more = (period: Period) => ({ ...period, used_bytes: period.used_bytes + bytes });
  return { ...ledger, day: more(ledger.day), month: more(ledger.month) };
}

/** Who asks: a check-in may use all of it, reports leave half of the reserve, downloads the whole. */
export type Purpose = 'check-in' | 'report' | 'download';
const LEAVES: Readonly<Record<Purpose, number>> = { 'check-in': 0, report: 0.5, download: 1 };

/** What is kept for the check-ins of a day: as set, but never more than half of what a day may cost. */
export function reserveOfDay({ day_bytes, month_bytes, reserve_bytes }: Limits): number {
  const shares = [day_bytes, month_bytes / 31].filter((share) => share > 0);
  return Math.floor(Math.min(reserve_bytes, ...shares.map((share) => share / 2)));
}

/** What is left for a purpose, and the span that says so; no span, no limit. */
export interface Left {
  bytes: number;
  span: Span | undefined;
}

/** What may still be moved now. Of a month the reserve of each day to come is left, so that no check-in can use it up. */
export function leftFor(purpose: Purpose, ledger: Ledger, limits: Limits, local: LocalTime): Left {
  const reserve_bytes = reserveOfDay(limits);
  const ahead_bytes = { day: 0, month: reserve_bytes * local.daysAfter };
  const found = SPAN_NAMES.flatMap((span): Left[] => {
    const limit_bytes = limits[`${span}_bytes`];
    if (limit_bytes === 0) return [];
    const kept_bytes = ahead_bytes[span] + Math.ceil(LEAVES[purpose] * reserve_bytes);
    return [{ bytes: Math.max(0, limit_bytes - kept_bytes - ledger[span].used_bytes), span }];
  });
  const none: Left = { bytes: Number.POSITIVE_INFINITY, span: undefined };
  return found.reduce((least, each) => (each.bytes < least.bytes ? each : least), none);
}
