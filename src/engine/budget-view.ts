/** The data budget as others see it: the limits in the settings, what is kept in usage.json, and both in words. Pure. */
import type { Settings } from '../config/settings.ts';
import { formatSize } from '../reports/sizes.ts';
import { isMeteredAt, localTime, meteredHours, nextFreeHour } from './budget-hours.ts';
import {
  advanced,
  beginsAgain_ms,
  type Ledger,
  type Limits,
  leftFor,
  type Moment,
  newLedger,
  type Period,
  type Purpose,
  reserveOfDay,
  type Span,
} from './budget-rules.ts';

/** The limits that the settings name. */
export function limitsOf(settings: Settings): Limits {
  return {
    day_bytes: settings['budget.bytes_per_day'],
    month_bytes: settings['budget.bytes_per_month'],
    reserve_bytes: settings['budget.reserve_bytes_per_day'],
  };
}

/** When there is something for `purpose` again, once `span` has nothing left for it; `ledger` is as it is now. */
export function resumes_ms(ledger: Ledger, span: Span, purpose: Purpose, settings: Settings): number {
  const now_ms = ledger.seen.wall_ms;
  const local = localTime(now_ms);
  // Each day of a month has its share for check-ins.
  const isDaily = purpose === 'check-in' && reserveOfDay(limitsOf(settings)) > 0;
  const free_ms = nextFreeHour(meteredHours(settings['budget.hours']), now_ms);
  const begins_ms = beginsAgain_ms(ledger, isDaily ? 'day' : span, local);
  return Math.min(begins_ms, free_ms ?? Number.POSITIVE_INFINITY);
}

/** The clause that says why something waits. The same for as long as it waits for the same. */
export function spentWords(settings: Settings, span: Span, until_ms: number): string {
  const limit_bytes = limitsOf(settings)[`${span}_bytes`];
  return `the data budget of the ${span} (${formatSize(limit_bytes)}) is used up until ${timeText(until_ms)}`;
}

const timeText = (time_ms: number) => new Date(time_ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** One span of the budget, as `gwe status` and `gwe why` show it. */
export interface SpanView {
  used_bytes: number;
  limit_bytes: number;
  /** When it begins again. */
  resets_ms: number;
}

/** How the budget stands. */
export interface BudgetView {
  day?: SpanView;
  month?: SpanView;
  /** Kept of each day for check-ins. */
  reserve_bytes_per_day: number;
  /** What downloads may still use; absent while there is no limit, in hours that do not count. */
  download_left_bytes?: number;
  /** When a download that does not fit goes on. */
  download_resumes_ms?: number;
}

/** How the budget stands at `now`, from what was kept; `undefined` where none is set. */
export function budgetView(
  settings: Settings,
  kept: Ledger | undefined,
  now: Moment,
): BudgetView | undefined {
  const limits = limitsOf(settings);
  if (limits.day_bytes === 0 && limits.month_bytes === 0) return undefined;
  const local = localTime(now.wall_ms);
  const ledger = advanced(kept ?? newLedger(now, local), now, local);
  const { bytes, span } = leftFor('download', ledger, limits, local);
  const isMetered = isMeteredAt(meteredHours(settings['budget.hours']), now.wall_ms);
  const spanView = (name: Span): Partial<Record<Span, SpanView>> => {
    const limit_bytes = limits[`${name}_bytes`];
    if (limit_bytes === 0) return {};
    const resets_ms = beginsAgain_ms(ledger, name, local);
    return { [name]: { used_bytes: ledger[name].used_bytes, limit_bytes, resets_ms } };
  };
  return {
    ...spanView('day'),
    ...spanView('month'),
    reserve_bytes_per_day: reserveOfDay(limits),
    ...(isMetered && span !== undefined
      ? { download_left_bytes: bytes, download_resumes_ms: resumes_ms(ledger, span, 'download', settings) }
      : {}),
  };
}

/** The ledger in the text of usage.json; `undefined` when there is none that can be used. */
export function readLedger(text: string | undefined): Ledger | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    const ledger = isObject(value) ? value['budget'] : undefined;
    return isLedger(ledger) ? ledger : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown) => typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
const isBytes = (value: unknown) => typeof value === 'number' && value >= 0 && Number.isFinite(value);

function isLedger(value: unknown): value is Ledger {
  if (!isObject(value) || !isPeriod(value['day']) || !isPeriod(value['month'])) return false;
  const { lived_ms, high_ms, seen, counters, way } = value;
  if (way !== undefined && !(isObject(way) && isText(way['iface']) && isText(way['route']))) return false;
  if (!isNumber(lived_ms) || !isNumber(high_ms) || !isObject(seen)) return false;
  if (!isNumber(seen['wall_ms']) || !isNumber(seen['uptime_ms']) || typeof seen['boot'] !== 'string')
    return false;
  return counters === undefined || (isObject(counters) && Object.values(counters).every(isBytes));
}

function isPeriod(value: unknown): value is Period {
  if (!isObject(value) || typeof value['label'] !== 'string' || !isBytes(value['used_bytes'])) return false;
  const { begun_ms } = value;
  return Array.isArray(begun_ms) && begun_ms.length === 2 && begun_ms.every(isNumber);
}
