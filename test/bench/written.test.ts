import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countLines, joined } from './written.ts';

const LINES = [
  '11 openat(AT_FDCWD</g>, "/g/state/x.new", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 21</g/state/x.new>',
  '11 write(21</g/state/x.new>, ""..., 400) = 400',
  '12 write(2</elsewhere/log>, ""..., 90) = 90',
  '11 fsync(21</g/state/x.new> <unfinished ...>',
  '12 write(5<socket:[7]>, ""..., 8) = 8',
  '11 <... fsync resumed>)                    = 0',
  '11 rename("/g/state/x.new", "/g/state/x") = 0',
  '11 fsync(22</g/state>)                     = 0',
];

test('what is written below the folder counts, and what goes to sockets and elsewhere does not', () => {
  const found = countLines(joined(LINES), '/g');
  assert.equal(found.bytes, 400);
  assert.deepEqual([...found.files], [['state/x.new', 400]]);
});

test('a call that another thread interrupts in the log counts once, and folders apart from files', () => {
  const found = countLines(joined(LINES), '/g');
  assert.deepEqual([found.synced, found.syncedFolders, found.renames], [1, 1, 1]);
});
