import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { roomOn } from '../../src/host/disk.ts';

describe('the disk', () => {
  it('tells how much room there is, also for a folder that is not made yet', () => {
    const there = roomOn(tmpdir());
    assert.ok(there.bytes > 0 && there.inodes > 0);
    assert.ok(roomOn(join(tmpdir(), 'gwe-none', 'a', 'b')).bytes > 0);
  });
});
