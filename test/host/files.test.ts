import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  makeFolder,
  makeScratchFolder,
  readIfThere,
  removeDurably,
  removeFolder,
  renameDurably,
  sweepHalfWritten,
  writeDurably,
} from '../../src/host/files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const modeOf = (path: string) => statSync(path).mode & 0o777;

test('a file is replaced whole, private to its owner, and nothing is left beside it', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old and longer', { mode: 0o644 });
  writeDurably(path, 'new');
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.equal(modeOf(path), 0o600);
  writeDurably(path, Buffer.alloc(3_000_000, 'x'), 0o644);
  assert.equal(statSync(path).size, 3_000_000);
  assert.equal(modeOf(path), 0o644);
  assert.deepEqual(readdirSync(folder), ['a']);
});

test('a write that fails leaves the old file and nothing beside it', () => {
  const path = join(folder, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'x');
  assert.throws(() => writeDurably(path, 'new'));
  assert.deepEqual(readdirSync(folder), ['taken']);
  assert.throws(() => writeDurably(join(folder, 'none', 'a'), 'new'), { code: 'ENOENT' });
});

test('a disk that takes no more leaves the old file and nothing beside it', () => {
  const path = join(folder, 'a');
  writeDurably(path, 'old');
  const files = new URL('../../src/host/files.ts', import.meta.url).href;
  const program = `const { writeDurably } = await import(${JSON.stringify(files)});
    try { writeDurably(process.argv[1], 'x'.repeat(1e6)); } catch (error) { console.log(error.code); }`;
  const limited = [
    '-c',
    'ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"',
    process.execPath,
    program,
    path,
  ];
  assert.equal(String(spawnSync('sh', limited).stdout), 'EFBIG\n');
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(folder), ['a']);
});

test('a file that is not there reads as absent, one that cannot be read raises', () => {
  assert.equal(readIfThere(join(folder, 'none')), undefined);
  writeFileSync(join(folder, 'file'), 'text');
  assert.equal(readIfThere(join(folder, 'file', 'below')), undefined);
  assert.throws(() => readIfThere(folder), { code: 'EISDIR' });
});

test('folders are made with those above them, private, and existing ones keep their mode', () => {
  mkdirSync(join(folder, 'there'), { mode: 0o755 });
  makeFolder(join(folder, 'there', 'b', 'c'));
  makeFolder(join(folder, 'there', 'b', 'c'));
  assert.equal(modeOf(join(folder, 'there')), 0o755);
  assert.equal(modeOf(join(folder, 'there', 'b')), 0o700);
  assert.equal(modeOf(join(folder, 'there', 'b', 'c')), 0o700);
});

test('removing what is not there is fine, and no link is followed', () => {
  removeDurably(join(folder, 'none'));
  removeFolder(join(folder, 'none'));
  mkdirSync(join(folder, 'kept'));
  writeFileSync(join(folder, 'kept', 'file'), 'x');
  mkdirSync(join(folder, 'gone'));
  symlinkSync(join(folder, 'kept'), join(folder, 'gone', 'link'));
  removeFolder(join(folder, 'gone'));
  assert.ok(existsSync(join(folder, 'kept', 'file')));
  removeDurably(join(folder, 'kept', 'file'));
  assert.ok(!existsSync(join(folder, 'kept', 'file')));
});

test('a file changes its name and its folder at once', () => {
  mkdirSync(join(folder, 'sub'));
  writeDurably(join(folder, 'a.part'), 'x');
  renameDurably(join(folder, 'a.part'), join(folder, 'sub', 'a'));
  assert.deepEqual(readdirSync(folder), ['sub']);
  assert.equal(readFileSync(join(folder, 'sub', 'a'), 'utf8'), 'x');
});

test('what was half written when the power went is swept away, but not what somebody is writing', () => {
  const gone = spawnSync('true').pid;
  for (const name of [
    `.a.${gone}.new`,
    `lock.${gone}.stale`,
    `.b.${process.pid}.new`,
    `.c.${process.ppid}.new`,
    'd.new',
  ])
    writeFileSync(join(folder, name), '');
  sweepHalfWritten(folder);
  assert.deepEqual(readdirSync(folder).sort(), [`.c.${process.ppid}.new`, 'd.new']);
  sweepHalfWritten(join(folder, 'absent'));
});

test('a folder that the file system refuses is an error, not an endless loop', () => {
  assert.throws(() => makeFolder('/proc/gwe/state'), { code: 'ENOENT' });
  assert.throws(() => makeScratchFolder('/proc/gwe/state'), { code: 'ENOENT' });
});
