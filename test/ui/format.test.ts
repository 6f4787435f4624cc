/** Times in words, as the page tells them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, relative } from '../../src/ui/format.ts';

const HOUR_MS = 3_600_000;

test('what has passed is rounded down, what is to come to the nearest: 12 hours do not begin as "in 11 h"', () => {
  assert.equal(relative(1, 1 + 2 * HOUR_MS - 10_000), '1 h ago');
  assert.equal(relative(12 * HOUR_MS, 20_000), 'in 12 h');
  assert.equal(relative(0, HOUR_MS), 'never');
  assert.equal(relative(HOUR_MS, HOUR_MS + 1000), 'just now');
  assert.equal(duration(119_000), '1 min');
});
