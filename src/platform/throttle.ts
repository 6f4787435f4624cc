/** Who asks too much: requests of one key, and log-ins that fail. Counted in memory, in windows of time, in bounded tables. */
import { GweError } from '../errors.ts';
import {
  LOGIN_ADDRESSES_MAX,
  LOGIN_FAILURES_IN_ALL,
  LOGIN_FAILURES_PER_ADDRESS,
  LOGIN_WINDOW_MS,
  REQUEST_KEYS_MAX,
  REQUEST_WINDOW_MS,
  REQUESTS_PER_KEY,
} from './limits.ts';

/** Of what is counted by itself: the name of a token, or a key. */
const KEY_MAX_CHARACTERS = 250;

export interface Throttle {
  /** Counts a request with a key or a token. Raises `busy` (429) when there were too many. */
  request(key: string): void;
  /** Raises `busy` (429) when too many log-ins failed, from this address or from all. */
  mayTry(address: string): void;
  /** Counts a log-in that failed. */
  failed(address: string): void;
}

export function createThrottle(now: () => number, requestsPerKey = REQUESTS_PER_KEY): Throttle {
  const requests = createWindow(now, REQUEST_WINDOW_MS, REQUEST_KEYS_MAX);
  const failures = createWindow(now, LOGIN_WINDOW_MS, LOGIN_ADDRESSES_MAX);
  return {
    request(key) {
      // Keys are counted before anybody knows whether they are good: what can be none takes no room of its own.
      if (requests.add(key.length > KEY_MAX_CHARACTERS ? 'too long' : key) > requestsPerKey) {
        throw tooMany('Cannot answer: too many requests with this key', requests.left_ms());
      }
    },
    mayTry(address) {
      const tooManyFailed =
        failures.count(address) >= LOGIN_FAILURES_PER_ADDRESS || failures.total() >= LOGIN_FAILURES_IN_ALL;
      if (tooManyFailed) {
        throw tooMany('Cannot let you in: too many log-ins failed', failures.left_ms());
      }
    },
    failed: (address) => void failures.add(address),
  };
}

function tooMany(message: string, wait_ms: number): GweError {
  return new GweError('busy', message, { status: 429, retryAfter_s: Math.max(1, Math.ceil(wait_ms / 1000)) });
}

/** Counts by name in windows of time; all begin anew when a window of time is over. Names beyond `max` count only in the total. */
export function createWindow(now: () => number, window_ms: number, max: number) {
  const counts = new Map<string, number>();
  let begun_ms = now();
  let total = 0;
  const turn = () => {
    const age_ms = now() - begun_ms;
    if (age_ms >= 0 && age_ms < window_ms) return;
    counts.clear();
    total = 0;
    begun_ms = now();
  };
  return {
    add(name: string): number {
      turn();
      total += 1;
      const count = (counts.get(name) ?? 0) + 1;
      if (count > 1 || counts.size < max) counts.set(name, count);
      return count;
    },
    count(name: string): number {
      turn();
      return counts.get(name) ?? 0;
    },
    total(): number {
      turn();
      return total;
    },
    left_ms: () => begun_ms + window_ms - now(),
  };
}
