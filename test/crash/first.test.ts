import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERY_IN_TESTS, tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of a first install, also of one that fails, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(
    ['first', 'failed-first'],
    (line) => t.diagnostic(line),
    EVERY_IN_TESTS,
  );
  assert.deepEqual(violations, []);
  assert.ok(points > 290, `${points} points`);
});
