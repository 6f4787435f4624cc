/**
 * When and where bytes count for the data budget: metered interfaces, metered hours, and where days and months begin by
 * the local time of this gateway. Pure, but for the time zone, which is the process's own.
 */

/** A moment in local time, as far as a budget hangs on it. */
export interface LocalTime {
  /** `2026-11-22`, and `2026-11`: in order as texts too. */
  day: string;
  month: string;
  /** When the next day, and the next month, begin; milliseconds since 1970. */
  nextDay_ms: number;
  nextMonth_ms: number;
  /** Days of this month that come after today. */
  daysAfter: number;
}

/** `now_ms` by the time zone of this process (TZ, else that of the system). */
export function localTime(now_ms: number): LocalTime {
  const now = new Date(now_ms);
  const [year, month, date] = [now.getFullYear(), now.getMonth(), now.getDate()];
  const two = (number: number) => String(number).padStart(2, '0');
  const monthText = `${String(year).padStart(4, '0')}-${two(month + 1)}`;
  return {
    day: `${monthText}-${two(date)}`,
    month: monthText,
    nextDay_ms: new Date(year, month, date + 1).getTime(),
    nextMonth_ms: new Date(year, month + 1, 1).getTime(),
    daysAfter: new Date(year, month + 1, 0).getDate() - date,
  };
}

/** Whether each hour of the day counts, as budget.hours says: `6-24`, `22-6` over midnight, several with commas. */
export function meteredHours(setting: string): readonly boolean[] {
  const hours = Array.from({ length: 24 }, () => setting.trim() === '');
  for (const [, from, to] of setting.matchAll(/(\d+)\s*-\s*(\d+)/g)) {
    const [first, end] = [Number(from) % 24, Number(to)];
    const length = (end - first + 24) % 24 || 24;
    for (let hour = 0; hour < length; hour += 1) hours[(first + hour) % 24] = true;
  }
  return hours;
}

/** Whether what is moved at `now_ms` counts. */
export function isMeteredAt(hours: readonly boolean[], now_ms: number): boolean {
  return hours[new Date(now_ms).getHours()] ?? true;
}

/** When the next hour begins that does not count, if there is one. */
export function nextFreeHour(hours: readonly boolean[], now_ms: number): number | undefined {
  const now = new Date(now_ms);
  for (let ahead = 1; ahead <= 24; ahead += 1) {
    const begin = new Date(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours() + ahead);
    if (!isMeteredAt(hours, begin.getTime())) return begin.getTime();
  }
  return undefined;
}

/** Of which interfaces the bytes count, as budget.interfaces says; when it is empty, of all but loopback. */
export function meteredInterfaces(setting: string): (iface: string) => boolean {
  const names = setting.split(',').flatMap((name) => name.trim() || []);
  if (names.length === 0) return (iface) => iface !== LOOPBACK;
  const patterns = names.map((name) => {
    const parts = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`);
  });
  return (iface) => patterns.some((pattern) => pattern.test(iface));
}

/** Its counters hold everything twice, and what other programs say to one another: they tell nothing of a line. */
export const LOOPBACK = 'lo';
