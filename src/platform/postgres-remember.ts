/**
 * Counts over a large fleet in PostgreSQL, which take longer than a page may: the last answer is given while the next is counted,
 * and where there is none yet, what PostgreSQL's statistics say. A small fleet is counted each time.
 */
import type { Database } from './postgres-client.ts';

/** A fleet is large from here on: counting it takes more than some 30 ms. */
const LARGE_GATEWAYS = 200_000;
/** How long the size is believed. */
const SIZE_MS = 60_000;
/** So long somebody waits for an exact answer where another can be had. */
const WAIT_MS = 50;
/** An answer is good so long before it is counted anew, or so many times as long as counting took; and may be given so long at most. */
const FRESH_MS = 5_000;
const FRESH_TIMES = 10;
const STALE_MS = 300_000;
/** Counts under way beside the check-ins, which need the same connections. */
const COUNTS_MAX = 2;
const ANSWERS_MAX = 500;

export interface Memory<T> {
  /** Answers `key` by `count`, or by what is remembered or guessed while that takes long. */
  answer(key: string, now_ms: number, count: () => Promise<T>, guess?: () => Promise<T>): Promise<T>;
}

interface Known<T> {
  value: T;
  at_ms: number;
  took_ms: number;
}

export function createMemory<T>(db: Database): Memory<T> {
  const known = new Map<string, Known<T>>();
  const underWay = new Map<string, Promise<T>>();
  let size = { isLarge: false, until_ms: 0 };

  const isLarge = async (now_ms: number) => {
    if (now_ms >= size.until_ms) {
      const row = await db.get("SELECT reltuples::bigint AS n FROM pg_class WHERE oid = 'gateway'::regclass");
      size = { isLarge: Number(row?.['n'] ?? 0) >= LARGE_GATEWAYS, until_ms: now_ms + SIZE_MS };
    }
    return size.isLarge;
  };
  const run = async (key: string, now_ms: number, count: () => Promise<T>): Promise<T> => {
    const began_ms = performance.now();
    try {
      const value = await count();
      known.delete(key);
      known.set(key, { value, at_ms: now_ms, took_ms: performance.now() - began_ms });
      const oldest = known.size > ANSWERS_MAX ? known.keys().next().value : undefined;
      if (oldest !== undefined) known.delete(oldest);
      return value;
    } finally {
      underWay.delete(key);
    }
  };
  const start = (key: string, now_ms: number, count: () => Promise<T>): Promise<T> => {
    const counting = run(key, now_ms, count);
    underWay.set(key, counting);
    // Whoever does not wait for it is not told that it failed.
    counting.catch(() => {});
    return counting;
  };
  return {
    async answer(key, now_ms, count, guess) {
      if (!(await isLarge(now_ms))) return count();
      const there = known.get(key);
      const age_ms = there === undefined ? Number.POSITIVE_INFINITY : now_ms - there.at_ms;
      const isFresh = age_ms < Math.max(FRESH_MS, FRESH_TIMES * (there?.took_ms ?? 0));
      if (there !== undefined && isFresh) return there.value;
      const before = age_ms < STALE_MS ? there : undefined;
      const isFull = underWay.size >= COUNTS_MAX && (before !== undefined || guess !== undefined);
      const counting = underWay.get(key) ?? (isFull ? undefined : start(key, now_ms, count));
      if (before === undefined && guess === undefined) return counting ?? count();
      const counted = counting === undefined ? undefined : await within(counting, WAIT_MS);
      if (counted !== undefined) return counted.value;
      return before === undefined ? (guess ?? count)() : before.value;
    },
  };
}

/** What `promise` gives in time; `undefined` when it takes longer. */
async function within<T>(promise: Promise<T>, wait_ms: number): Promise<{ value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), wait_ms);
  });
  try {
    return await Promise.race([promise.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
