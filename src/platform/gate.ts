/**
 * The gate before the store: so many calls of gateways are worked on at a time, others wait, and who would wait too long is
 * told to come later (503) before anything is spent on it. While nobody waits it only counts.
 */
import { GweError } from '../errors.ts';
import {
  CALLS_AT_ONCE,
  RETRY_AFTER_S,
  SERVED_MAX_GATEWAYS,
  WAIT_MAX_MS,
  WAITING_MAX_CALLS,
} from './limits.ts';
import { inTurn, roomFor, type Turn } from './turns.ts';

/** Let in one after the other before it is decided anew who is next. */
const GROUP_CALLS = 256;
/** Calls that must have ended before it is believed how many end in a second. */
const PACE_CALLS = 64;

export interface Gate {
  /** To be asked before the body of a request is read; `key` is only asked for when somebody waits. Raises `busy`. */
  mayCome(key: () => string): void;
  /** Does `work` when it is its turn; `isKnown` tells by its end whether `key` is one. Raises `busy`, and what `work` raises. */
  pass<T>(key: string, work: () => Promise<T>, isKnown: (end: T) => boolean): Promise<T>;
  /** Calls that wait now, and calls that were turned away until now. */
  counts(): { waiting: number; shed: number };
}

interface Waiting extends Turn {
  enter(): void;
  leave(error: GweError): void;
}

/** `monotonic` is a clock in milliseconds, `atOnce` how many calls are worked on at a time. */
export function createGate(monotonic: () => number, atOnce = CALLS_AT_ONCE): Gate {
  const lately = createLately();
  let inWork = 0;
  let waiting: Waiting[] = [];
  /** Those who are next, the first one last. */
  let group: Waiting[] = [];
  /** Of those who wait nobody was served later than this; no limit while all can be served in time. */
  let latest = Number.POSITIVE_INFINITY;
  /** Since when work is at its limit, how much ended since, and when the last did. */
  let pace = { since_ms: 0, ended: 0, last_ms: 0 };
  let shed = 0;

  const turnAway = () => {
    shed += 1;
    return new GweError('busy', 'Cannot take the call: more gateways call than can be served now', {
      retryAfter_s: RETRY_AFTER_S,
    });
  };
  const mayCome = (key: () => string) => {
    if (waiting.length === 0) return;
    const isStuck = monotonic() - pace.last_ms > WAIT_MAX_MS;
    const isTooSoon = (lately.servedAt(key()) ?? 0) > latest;
    if (isStuck || isTooSoon || waiting.length >= WAITING_MAX_CALLS) throw turnAway();
  };
  /** Decides who is next, and who would wait too long. */
  const regroup = () => {
    const now_ms = monotonic();
    const isPaceKnown = pace.ended >= PACE_CALLS;
    const room = isPaceKnown
      ? Math.max(GROUP_CALLS, roomFor(pace.ended, now_ms - pace.since_ms, WAIT_MAX_MS))
      : WAITING_MAX_CALLS;
    const turns = inTurn(waiting);
    const late = turns.splice(room);
    group = turns.splice(0, GROUP_CALLS).reverse();
    waiting = turns;
    if (late.length > 0) latest = latestOf(turns.length > 0 ? turns : group.toReversed());
    else if (isPaceKnown) latest = Number.POSITIVE_INFINITY;
    if (isPaceKnown) pace = { since_ms: now_ms, ended: 0, last_ms: now_ms };
    for (const each of late) each.leave(turnAway());
  };
  const next = () => {
    if (waiting.length + group.length > 0) {
      pace.ended += 1;
      pace.last_ms = monotonic();
      if (group.length === 0) regroup();
    }
    const first = group.pop();
    if (first === undefined) inWork -= 1;
    else first.enter();
  };
  const wait = async (key: string) => {
    mayCome(() => key);
    await new Promise<void>((enter, leave) => {
      if (waiting.length + group.length === 0)
        pace = { since_ms: monotonic(), ended: 0, last_ms: monotonic() };
      waiting.push({ served: lately.servedAt(key), enter, leave });
    });
  };
  return {
    mayCome,
    pass(key, work, isKnown) {
      const begin = () =>
        work().then(
          (end) => {
            if (isKnown(end)) lately.note(key);
            next();
            return end;
          },
          (error: unknown) => {
            next();
            throw error;
          },
        );
      if (inWork >= atOnce) return wait(key).then(begin);
      inWork += 1;
      return begin();
    },
    counts: () => ({ waiting: waiting.length + group.length, shed }),
  };
}

function latestOf(turns: readonly Turn[]): number {
  const latest = turns.findLast((each) => each.served !== undefined);
  return latest?.served ?? Number.POSITIVE_INFINITY;
}

/** In which order callers were served, of the last so many; keys are digests, of which 48 bits are enough to tell them apart. */
function createLately() {
  let services = 0;
  let now = new Map<number, number>();
  let before = new Map<number, number>();
  const short = (key: string) => Number.parseInt(key.slice(0, 12), 16);
  return {
    servedAt: (key: string) => now.get(short(key)) ?? before.get(short(key)),
    note(key: string) {
      services += 1;
      if (now.size >= SERVED_MAX_GATEWAYS) {
        before = now;
        now = new Map();
      }
      now.set(short(key), services);
    },
  };
}
