import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthExponent, median, pairedRatio, quantile, shown, withSpread } from './figures.ts';

test('a median lies between the two in the middle, and of nothing there is none', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), Number.NaN);
  assert.equal(quantile([0, 10], 0.25), 2.5);
});

test('a ratio is taken pair by pair, so that a slow moment of the machine does not count', () => {
  assert.equal(pairedRatio([2, 200, 2], [1, 100, 1]), 2);
});

test('the law of growth is told from the points', () => {
  assert.equal(
    growthExponent([
      [1, 5],
      [10, 50],
      [100, 500],
    ]).toFixed(6),
    '1.000000',
  );
  assert.equal(
    growthExponent([
      [1, 7],
      [10, 7],
      [100, 7],
    ]).toFixed(6),
    '0.000000',
  );
  assert.equal(
    growthExponent([
      [2, 4],
      [4, 16],
      [8, 64],
    ]).toFixed(6),
    '2.000000',
  );
});

test('numbers have no more digits than they deserve', () => {
  assert.equal(shown(1234567), '1,234,567');
  assert.equal(shown(12.345), '12.3');
  assert.equal(shown(0.1234), '0.12');
  assert.equal(shown(Number.NaN), '–');
  assert.equal(withSpread([1, 2, 3]), '2.00 (1.50–2.50)');
});
