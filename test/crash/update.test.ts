import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERY_IN_TESTS, tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of an update, or of an instruction that cannot be read, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(
    ['update', 'commands'],
    (line) => t.diagnostic(line),
    EVERY_IN_TESTS,
  );
  assert.deepEqual(violations, []);
  assert.ok(points > 185, `${points} points`);
});
