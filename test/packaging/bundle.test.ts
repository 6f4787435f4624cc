/** What every start of gwe has to load, and what a build says of itself. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { matchesDigest, pinnedNode } from '../../src/packaging/bases.ts';
import { bundle, eagerModules, licences } from '../../src/packaging/bundle.ts';
import { checksums, isFresh, publish } from '../../src/packaging/results.ts';
import { buildStamp } from '../../src/packaging/stamp.ts';

const STAMP = { version: '1.2.3', commit: 'abcdef' };

test('a start of gwe loads nothing heavy, and a check-in nothing of the platform or of unpacking', async () => {
  const { metafile } = await bundle(STAMP);
  const found = (entry: string, heavy: RegExp) =>
    [...eagerModules(metafile, entry)].filter((path) => heavy.test(path));
  const builtIn = /^node:(http|https|tls|sqlite|zlib|child_process|crypto)$/;
  assert.deepEqual(found('src/main.ts', builtIn), []);
  assert.deepEqual(found('src/main.ts', /^src\/(platform|app|engine|client|installer)\//), []);
  assert.deepEqual(found('src/engine/cycle.ts', /^node:(sqlite|zlib|child_process)$/), []);
  assert.deepEqual(
    found('src/engine/cycle.ts', /^src\/(platform\/|app\/(extract|inspect|pass|pack|tar-))/),
    [],
  );
});

test('modules that are imported late stay unevaluated until then', async (t) => {
  const folder = tempFolder(t);
  writeFileSync(join(folder, 'main.ts'), "console.log('main'); if (process.argv[2]) import('./late.ts');");
  writeFileSync(join(folder, 'late.ts'), "import 'node:https'; console.log('late');");
  const { contents } = await bundle(STAMP, join(folder, 'main.ts'));
  writeFileSync(join(folder, 'main.cjs'), contents);
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [join(folder, 'main.cjs'), ...args], { encoding: 'utf8' });
  assert.equal(run(), 'main\n');
  assert.equal(run('late'), 'main\nlate\n');
});

test('a build tells its commit, and that the work tree differs from it', (t) => {
  const root = tempFolder(t);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], { cwd: root });
  writeFileSync(join(root, 'package.json'), '{"version":"4.5.6"}');
  assert.deepEqual(buildStamp(root), { version: '4.5.6', commit: 'unknown' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  assert.match(buildStamp(root).commit, /^[0-9a-f]{12}$/);
  writeFileSync(join(root, 'new.ts'), '');
  assert.match(buildStamp(root).commit, /^[0-9a-f]{12}-dirty$/);
  mkdirSync(join(root, 'inside'));
  writeFileSync(join(root, 'inside', 'package.json'), '{"version":"7"}');
  assert.equal(buildStamp(join(root, 'inside')).commit, 'unknown', 'the commit is that of somebody else');
});

test('both architectures take the Node.js of one version, by the digest in the lock file', () => {
  const [x64, arm64] = [pinnedNode('x64'), pinnedNode('arm64')];
  assert.equal(x64.version, arm64.version);
  assert.equal(`v${x64.version}`, process.version);
  assert.equal(matchesDigest(Buffer.from('something else'), arm64), false);
});

test('the licences of Node.js and of every package in the bundle are told', async () => {
  const { metafile } = await bundle(STAMP);
  const text = licences(metafile);
  for (const name of ['gwe', 'Node.js', 'minimist']) assert.match(text, new RegExp(`^${name}\n\n`, 'm'));
});

test('results are fresh until an input changes, a file is missing, or one was damaged', (t) => {
  const [made, output] = [tempFolder(t), tempFolder(t)];
  const make = (names: string[]) => {
    for (const name of names) writeFileSync(join(made, name), name);
    writeFileSync(join(made, 'SHA256SUMS'), checksums(made));
    publish(made, output, 'inputs');
  };
  make(['one', 'two']);
  assert.equal(isFresh(output, 'inputs', ['one', 'two']), true);
  assert.equal(isFresh(output, 'other inputs', ['one']), false);
  assert.equal(isFresh(output, 'inputs', ['three']), false);
  writeFileSync(join(output, 'two'), 'damaged');
  assert.equal(isFresh(output, 'inputs', ['one']), false);
  make(['one']);
  assert.equal(isFresh(output, 'inputs', ['one']), true, 'what the earlier build alone had is gone');
});

function tempFolder(t: { after(clear: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
