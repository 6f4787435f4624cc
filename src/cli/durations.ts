/** Durations, percentages, stages and hours of the day as a person types them. Pure; raises `usage` for what is none. */
import { GweError } from '../errors.ts';

const UNITS_S: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** `90`, `90s`, `10m`, `2h`, `1d` in seconds. */
export function durationIn(written: string, flag: string): number {
  const [, digits, unit = ''] = written.match(/^(\d{1,9}(?:\.\d+)?)\s*(s|m|min|h|d)?$/) ?? [];
  if (digits !== undefined) return Number(digits) * (UNITS_S[unit] ?? 1);
  throw wrong(written, flag, 'a duration such as 90s, 10m, 2h or 1d');
}

/** `10%` or `10` as 10. */
export function percentIn(written: string, flag: string): number {
  const [, digits] = written.match(/^(\d{1,3}(?:\.\d+)?)\s*%?$/) ?? [];
  if (digits !== undefined && Number(digits) <= 100) return Number(digits);
  throw wrong(written, flag, 'a percentage from 0 to 100');
}

/** `10%,50%,100%` or `5,100,100%`: a number without % is a count of gateways. */
export function stagesIn(written: string): Array<{ percent: number } | { count: number }> {
  return written.split(',').map((part) => {
    const stage = part.trim();
    if (stage.endsWith('%')) return { percent: percentIn(stage, '--stages') };
    if (/^[1-9]\d{0,8}$/.test(stage)) return { count: Number(stage) };
    throw wrong(written, '--stages', 'percentages or counts such as 10%,50%,100%');
  });
}

/** `02:00-05:00`. */
export function windowIn(written: string): { from: string; to: string } {
  const [, from, to] = written.match(/^(\d\d:\d\d)\s*-\s*(\d\d:\d\d)$/) ?? [];
  if (from !== undefined && to !== undefined) return { from, to };
  throw wrong(written, '--window', 'two times of the day such as 02:00-05:00');
}

/** A time (`2026-05-01T06:00Z`), or a duration from now. */
export function untilIn(written: string, flag: string, now_ms: number): number {
  if (/^\d{4}-\d\d-\d\d/.test(written)) {
    const time_ms = Date.parse(written);
    if (!Number.isNaN(time_ms)) return time_ms;
  }
  return now_ms + durationIn(written, flag) * 1000;
}

/** A time (`2026-05-01T06:00Z`), or so long ago (`2d`). */
export function sinceIn(written: string, flag: string, now_ms: number): number {
  if (/^\d{4}-\d\d-\d\d/.test(written)) return untilIn(written, flag, now_ms);
  return Math.max(0, Math.round(now_ms - durationIn(written, flag) * 1000));
}

function wrong(written: string, flag: string, expected: string): GweError {
  return new GweError('usage', `Cannot use "${written.slice(0, 80)}" for ${flag}: expected ${expected}`);
}
