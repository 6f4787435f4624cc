import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel, powerCutsOf, tryPoint } from './matrix.ts';
import type { Operation } from './operations.ts';
import { onGrounds } from './plan.ts';

/** Each of these alone keeps a promise. */
const NEEDED: readonly Operation['do'][] = ['sync-file', 'sync-folder', 'sync-all'];

test('the matrix would find out if gwe left out to sync files, folders, or what a script installed', async () => {
  await onGrounds(['update'], async ([ground]) => {
    assert.ok(ground !== undefined);
    const sample = powerCutsOf(ground).filter((_, index) => index % 8 === 5);
    for (const left of NEEDED) {
      let violations = 0;
      const work = sample.map((point) => () => tryPoint(ground, { ...point, unheard: [left] }));
      await inParallel(work, (outcome) => {
        violations += outcome.violations.length;
      });
      assert.ok(violations > 0, `without ${left} nothing was found`);
    }
  });
});
