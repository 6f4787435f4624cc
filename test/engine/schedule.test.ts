import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BACKOFF_MAX_S,
  backoff_s,
  phaseOf,
  RETRY_AFTER_MAX_S,
  regularSleep_s,
  sleepAfter,
  turnEndOf,
} from '../../src/engine/schedule.ts';
import { GweError } from '../../src/errors.ts';

const rhythm = { updateInterval_s: 43_200, jitter_percent: 5, activationRetry_s: 60, serial: 'gw-7' };

test('a complete check-in is followed by the interval, lengthened by at most the jitter', () => {
  for (let number = 0; number < 500; number += 1) {
    const { sleep_s, reason } = sleepAfter(
      { kind: 'complete' },
      { ...rhythm, serial: `gw-${number}` },
      Math.random,
    );
    assert.equal(reason, 'interval');
    assert.ok(sleep_s >= 43_200 && sleep_s <= 43_200 * 1.05, `${sleep_s}`);
  }
});

test('a gateway keeps its own phase, and a fleet spreads over the whole jitter', () => {
  assert.equal(regularSleep_s(rhythm), regularSleep_s({ ...rhythm }));
  const phases = Array.from({ length: 1000 }, (_, number) => phaseOf(`gw-${number}`));
  const tenths = new Set(phases.map((phase) => Math.floor(phase * 10)));
  assert.equal(tenths.size, 10);
});

test('an interval below a minute is kept to the second, and so is any with jitter off', () => {
  assert.equal(regularSleep_s({ ...rhythm, updateInterval_s: 59 }), 59);
  assert.equal(regularSleep_s({ ...rhythm, updateInterval_s: 1 }), 1);
  assert.equal(regularSleep_s({ ...rhythm, jitter_percent: 0 }), 43_200);
});

test('backoff doubles, is random as a whole, and is capped by 15 minutes and by the interval', () => {
  assert.equal(backoff_s(1, 43_200, undefined, 0.5), 2);
  assert.equal(backoff_s(4, 43_200, undefined, 0.5), 16);
  assert.equal(backoff_s(60, 43_200, undefined, 0.999), Math.round(BACKOFF_MAX_S * 0.999));
  assert.equal(backoff_s(60, 30, undefined, 1), 30);
  assert.equal(backoff_s(60, 1, undefined, 1), 1);
  assert.equal(backoff_s(5, 43_200, undefined, 0), 1, 'never in a tight loop');
});

test('Retry-After is honoured beyond the cap, but not beyond a day', () => {
  assert.equal(backoff_s(1, 43_200, 3600, 0.5), 3600);
  assert.equal(backoff_s(1, 43_200, 10 ** 9, 0.5), RETRY_AFTER_MAX_S);
});

test('a gateway that is not let in asks at the activation interval; a refusal waits for the regular time', () => {
  const conflict = new GweError('conflict', 'not enabled');
  assert.deepEqual(turnEndOf(conflict, 3, false), { kind: 'not-activated' });
  assert.deepEqual(sleepAfter({ kind: 'not-activated' }, rhythm, Math.random), {
    sleep_s: 60,
    reason: 'activation',
  });
  assert.deepEqual(turnEndOf(new GweError('refused', '400'), 1, false), { kind: 'refused' });
  assert.equal(turnEndOf(new GweError('busy', '503', { retryAfter_s: 7 }), 2, true).kind, 'retry');
});

/** Numbers from 0 up to 1 that are the same at each run (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many times a gateway asks in an hour in which each answer is 503. */
function asksInStorm(random: () => number, retryAfter_s?: number): number {
  let failures = 0;
  for (let now_s = 0; now_s < 3600; failures += 1) {
    const end = { kind: 'retry', failures: failures + 1, retryAfter_s } as const;
    now_s += sleepAfter(end, rhythm, random).sleep_s;
  }
  return failures;
}

test('an hour of 503: a gateway asks 16 times on average, none of 10,000 more than 23 times, and with Retry-After no sooner than that', (t) => {
  const gateways = 10_000;
  const asks = Array.from({ length: gateways }, (_, seed) => asksInStorm(dice(seed))).sort((a, b) => a - b);
  const mean = asks.reduce((sum, each) => sum + each, 0) / gateways;
  const [median, most] = [asks[gateways / 2] ?? 0, asks.at(-1) ?? 0];
  t.diagnostic(
    `mean ${mean.toFixed(1)}, median ${median}, 99 % at most ${asks[gateways * 0.99]}, most ${most}`,
  );
  assert.ok(mean < 16, `${mean}`);
  assert.ok(most <= 23, `${most}`);
  for (let seed = 0; seed < 100; seed += 1) assert.ok(asksInStorm(dice(seed), 300) <= 12);
});
