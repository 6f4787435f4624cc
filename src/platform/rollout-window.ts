/** The hours in which gateways may be told, by the clock on the wall where each of them is. Pure. */
import type { Window } from './rollout-types.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
/** Jumps to the next beginning that are tried: a week of days that are left out, and two changes of the clock. */
const JUMPS_MAX = 12;

const formats = new Map<string, Intl.DateTimeFormat>();
/** Time zones that are kept ready; there are some 600. */
const FORMATS_MAX = 1000;

/** Whether a name is a time zone's, such as Europe/Berlin. */
export function isTimezone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Whether a text is a time of the day, HH:MM. */
export function isClock(text: string): boolean {
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(text);
}

/** The time zone that counts for a gateway: its own, the window's, the platform's. */
export function timezoneFor(window: Window, own: string | undefined): string {
  if (own !== undefined && isTimezone(own)) return own;
  return window.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Whether the window is open at this instant in that time zone. Begin included, end excluded; equal ones mean all day. */
export function isOpen(window: Window, timezone: string, now_ms: number): boolean {
  const { day, minute } = localTime(timezone, now_ms);
  const from = minutesOf(window.from);
  const to = minutesOf(window.to);
  const begins = (on: number) => window.days?.includes((on + 7) % 7) ?? true;
  if (from < to) return minute >= from && minute < to && begins(day);
  if (from === to) return begins(day);
  return (minute >= from && begins(day)) || (minute < to && begins(day - 1));
}

/** When it opens next, to the minute; now when it is open; `undefined` when it never does. */
export function opensAt(window: Window, timezone: string, now_ms: number): number | undefined {
  let at_ms = now_ms;
  for (let jump = 0; jump < JUMPS_MAX; jump += 1) {
    if (isOpen(window, timezone, at_ms)) return at_ms;
    const { minute } = localTime(timezone, at_ms);
    const wait = (minutesOf(window.from) - minute + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
    // A clock that is put forward may skip the beginning: then the first minute after it counts.
    const next_ms = at_ms - (at_ms % MINUTE_MS) + wait * MINUTE_MS;
    at_ms = firstOpen(window, timezone, at_ms, next_ms) ?? next_ms;
  }
  return undefined;
}

/** Looks at the hour before a beginning that a change of the clock may have moved. */
function firstOpen(window: Window, timezone: string, after_ms: number, until_ms: number): number | undefined {
  const { minute } = localTime(timezone, until_ms);
  const over = (minute - minutesOf(window.from) + DAY_MINUTES) % DAY_MINUTES;
  const moved_ms = until_ms - over * MINUTE_MS;
  return over > 0 && moved_ms > after_ms && isOpen(window, timezone, moved_ms) ? moved_ms : undefined;
}

function localTime(timezone: string, at_ms: number): { day: number; minute: number } {
  const parts = formatOf(timezone).formatToParts(at_ms);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return {
    day: DAYS.indexOf(part('weekday')),
    minute: (Number(part('hour')) % 24) * 60 + Number(part('minute')),
  };
}

function minutesOf(clock: string): number {
  const [hours, minutes] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  const there = formats.get(timezone);
  if (there !== undefined) return there;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(timezone, made);
  return made;
}
