import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedSizes, builtSizes, grown } from '../bench/size.ts';

test('no built file grew by more than 1 % since somebody looked (if it should: npm run bench -- size)', () => {
  assert.deepEqual(grown(builtSizes(), acceptedSizes()), []);
});

test('growth by more than 1 % is told with the bytes, less than that is not', () => {
  assert.deepEqual(grown({ gwe: 1011 }, { gwe: 1000 }), ['gwe grew from 1000 to 1011 bytes, by 1.1 %']);
  assert.deepEqual(grown({ gwe: 1010 }, { gwe: 1000 }), []);
  assert.deepEqual(grown({ other: 1 }, { gwe: 1000 }), ['other is not in size.json']);
});
