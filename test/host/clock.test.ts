import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';

test('a sleep of a year does not end at once, and is ended by its signal', async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(365 * 86_400_000, stop.signal).then(
    () => 'woke',
    () => 'aborted',
  );
  assert.equal(await Promise.race([sleeping, systemClock.sleep(20).then(() => 'asleep')]), 'asleep');
  stop.abort();
  assert.equal(await sleeping, 'aborted');
});

test('a sleep whose signal was aborted before does not begin', async () => {
  await assert.rejects(systemClock.sleep(86_400_000, AbortSignal.abort()));
});
