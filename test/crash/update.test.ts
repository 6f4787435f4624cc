import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of an update, or of an instruction that cannot be read, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(['update', 'commands'], (line) => t.diagnostic(line));
  assert.deepEqual(violations, []);
  assert.ok(points > 450, `${points} points`);
});
