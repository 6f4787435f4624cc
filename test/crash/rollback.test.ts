import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERY_IN_TESTS, tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of the way back to the last good version breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(
    ['rollback'],
    (line) => t.diagnostic(line),
    EVERY_IN_TESTS,
  );
  assert.deepEqual(violations, []);
  assert.ok(points > 175, `${points} points`);
});
