import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of an update, or of a first install, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(['update', 'first'], (line) => t.diagnostic(line));
  assert.deepEqual(violations, []);
  assert.ok(points > 600, `${points} points`);
});
