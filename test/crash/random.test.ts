import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryRandom } from './plan.ts';

test('200 random power cuts, with chance deciding what of the unsynced is on the disk, break no promise', async (t) => {
  const { points, violations } = await tryRandom(1, 200, (line) => t.diagnostic(line));
  assert.deepEqual(violations, []);
  assert.equal(points, 200);
});
