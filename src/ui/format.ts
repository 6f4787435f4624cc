/** Numbers, times and sizes in words. Pure: what time it is comes in. */

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `3 min`, `2 h`, `5 d`: the largest unit that fits, rounded down if nothing else is said. */
export function duration(ms: number, round = Math.floor): string {
  const seconds = Math.max(0, round(ms / 1000));
  const [unit_s, name] = UNITS.find(([each_s]) => seconds >= each_s) ?? [1, 's'];
  return `${round(seconds / unit_s)} ${name}`;
}

/** `3 min ago`, `in 2 h`, `just now`, `never` for 0. */
export function relative(time_ms: number, now_ms: number): string {
  if (time_ms === 0) return 'never';
  const ago_ms = now_ms - time_ms;
  if (Math.abs(ago_ms) < 5000) return 'just now';
  return ago_ms > 0 ? `${duration(ago_ms)} ago` : `in ${duration(-ago_ms, Math.round)}`;
}

/** `2026-11-22 14:05:09`, in the browser's time zone. */
export function absolute(time_ms: number): string {
  const date = new Date(time_ms);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `12.3 MB`, in steps of 1024. */
export function bytes(count: number): string {
  const names = ['B', 'KB', 'MB', 'GB', 'TB'];
  let rest = count;
  let step = 0;
  while (rest >= 1024 && step < names.length - 1) {
    rest /= 1024;
    step += 1;
  }
  return `${step === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${names[step]}`;
}

/** `1 gateway`, `1,200 gateways`. */
export function plural(count: number, one: string, several = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : several}`;
}

export function number(count: number): string {
  return count.toLocaleString('en');
}

/** A share in whole percent; what is not nothing is never shown as 0, what is not all never as 100. */
export function percent(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0;
  if (part >= whole) return 100;
  return Math.min(99, Math.max(1, Math.round((100 * part) / whole)));
}

/** Compares versions as people read them: v10 after v9. */
export function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
