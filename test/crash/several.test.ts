import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryScenarios } from './plan.ts';

test('a crash or a power cut at any step of an instruction with several tarballs, or of one that cannot be read, breaks no promise', async (t) => {
  const { points, violations } = await tryScenarios(['several', 'commands'], (line) => t.diagnostic(line));
  assert.deepEqual(violations, []);
  assert.ok(points > 600, `${points} points`);
});
