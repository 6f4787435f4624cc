import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryScenarios } from './plan.ts';

/** Most of the way is that of an update, which has its own test: fewer points are enough here. */
const EVERY_IN_TESTS = 4;

test('a crash or a power cut at any step of an update by a delta breaks no promise, and costs no whole download', async (t) => {
  const { points, violations } = await tryScenarios(['delta'], (line) => t.diagnostic(line), EVERY_IN_TESTS);
  assert.deepEqual(violations, []);
  assert.ok(points > 58, `${points} points`);
});
