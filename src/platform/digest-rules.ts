/** What is kept of what gateways reported, and counted: the same in every store. Pure, but for the counts of one batch. */
import type { InstallEnd } from './fleet-store.ts';
import { installEnd, type Reported } from './reported.ts';
import type { Point } from './store.ts';

export const HOUR_MS = 3_600_000;
/** Ends of installs that are looked at in one go. */
export const ENDS_MAX = 100;

/** The hour in which an instant lies. */
export function hourOf(time_ms: number): number {
  return time_ms - (time_ms % HOUR_MS);
}

/** Whether what was written may tell of the end of an install; nothing written: everything is to be looked at. */
export function mayHaveEnded(aliases: readonly string[]): boolean {
  return aliases.length === 0 || aliases.includes('fetch_status');
}

/** The ends of installs in points of fetch_status, and the newest point that is known by then. */
export function endsIn(points: readonly Point[], known: number): { ends: InstallEnd[]; point: number } {
  const ends = points.flatMap(({ value, time_ms }) => {
    const end = installEnd(value);
    return end === undefined ? [] : [{ ...end, time_ms }];
  });
  return { ends, point: points.at(-1)?.id ?? known };
}

/** As a text that is the same when nothing changed. */
export function summaryOf({ apps, interval_s }: Reported): string {
  return JSON.stringify({ apps, interval_s });
}

type Kind = 'checkIns' | 'installs' | 'failures';
export type Note = (product: number, time_ms: number, kind: Kind, count?: number) => void;

/** Counts the end of an install; one that only waits is none. */
export function noteEnd(product: number, { outcome, time_ms }: InstallEnd, note: Note): void {
  if (outcome === 'installed') note(product, time_ms, 'installs');
  else if (outcome !== 'waiting') note(product, time_ms, 'failures');
}

/** Counts by product and hour, to be written once a batch. */
export function createCounts() {
  const counts = new Map<string, { time_ms: number; product: number } & Record<Kind, number>>();
  return {
    note(product: number, time_ms: number, kind: Kind, count = 1) {
      const hour_ms = hourOf(time_ms);
      const key = `${product} ${hour_ms}`;
      const there = counts.get(key) ?? { time_ms: hour_ms, product, checkIns: 0, installs: 0, failures: 0 };
      there[kind] += count;
      counts.set(key, there);
    },
    all: () => [...counts.values()],
  };
}
