import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERY_IN_TESTS, tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of an instruction with several tarballs, good and bad, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(
    ['several'],
    (line) => t.diagnostic(line),
    EVERY_IN_TESTS,
  );
  assert.deepEqual(violations, []);
  assert.ok(points > 215, `${points} points`);
});
