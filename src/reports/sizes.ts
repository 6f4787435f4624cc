/** Sizes and durations in words, as all reports and the command line write them. Pure. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A number of bytes for a person: `812 bytes`, `1.2 MB`, `52 MB`. Thousands are decimal, as disks are sold. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} byte${Math.round(bytes) === 1 ? '' : 's'}`;
  let [scaled, unit] = [bytes, -1];
  // 999.5 would be rounded up to 1000 of its unit.
  while (scaled >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, '') : Math.round(scaled)} ${UNITS[unit]}`;
}

/** A duration for a person: `0.3 s`, `1.2 s`, `48 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(duration_ms: number): string {
  const seconds = Math.max(0, duration_ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, 'min', 's');
  const minutes = Math.round(whole / 60);
  return minutes < 1440 ? pair(minutes, 60, 'h', 'min') : pair(Math.round(minutes / 60), 24, 'd', 'h');
}

function pair(amount: number, per: number, large: string, small: string): string {
  const rest = amount % per;
  return `${Math.floor(amount / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}
