import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freeBuffer } from '../../src/host/buffers.ts';

const LARGE_BYTES = 1024 * 1024;

describe('giving the memory of a buffer back', () => {
  it('takes effect at once', () => {
    const large = Buffer.alloc(LARGE_BYTES, 'x');
    freeBuffer(large);
    assert.equal(large.length, 0);
  });

  it('waits for the last of those that share one memory', () => {
    const large = Buffer.alloc(LARGE_BYTES, 'x');
    const [first, second] = [large.subarray(0, 1000), large.subarray(1000)];
    freeBuffer(first);
    assert.equal(first.toString('latin1', 0, 3), 'xxx');
    freeBuffer(second);
    assert.equal(first.length, 0);
  });

  it('leaves small ones alone, which share their memory with strangers', () => {
    const small = Array.from({ length: 100 }, () => Buffer.from('something small'));
    for (const each of small) freeBuffer(each);
    for (const each of small) assert.equal(each.toString(), 'something small');
  });
});
