import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { buildApp } from '../../src/app/build.ts';
import { checkBuildfile, createBuildfile } from '../../src/app/buildfile.ts';
import { inspectFile } from '../../src/app/inspect.ts';
import { packTarball } from '../../src/app/pack.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-build-'));
  writeFileSync(join(folder, 'install.sh'), '#!/bin/sh\necho hi\n', { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (path: string, contents = path) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), contents);
};
const buildfile = (more: object = {}) => {
  const whole = { name: 'demo', version: '1', includes: ['*'], ...more };
  writeFileSync(join(folder, 'buildfile'), JSON.stringify(whole));
  return join(folder, 'buildfile');
};
const listing = (path: string) => execFileSync('tar', ['tzf', path], { encoding: 'utf8' }).trim().split('\n');

test('a new buildfile is good, and builds a tarball next to an install.sh', async () => {
  assert.deepEqual(checkBuildfile(createBuildfile()), []);
  writeFileSync(join(folder, 'buildfile'), createBuildfile('thing'));
  const path = await buildApp(join(folder, 'buildfile'));
  assert.equal(path, join(folder, 'thing.v1.tar.gz'));
  assert.equal((await inspectFile(path)).name.app, 'thing');
});

test('what is included sits at its relative path; what is excluded, the buildfile and older tarballs stay out', async () => {
  for (const path of [
    'bin/run',
    'bin/.hidden',
    'bin/run.pyc',
    'lib/a/b',
    'lib/a/c.tmp',
    '.git/config',
    'notes.log',
  ])
    file(path);
  file('demo.v0.tar.gz');
  file('lib/buildfile');
  symlinkSync('bin/run', join(folder, 'link'));
  mkdirSync(join(folder, 'empty'));
  const path = await buildApp(buildfile({ excludes: ['*.pyc', 'lib/**/*.tmp', '*.log'] }));
  assert.equal(
    listing(path).join(' '),
    'bin/ bin/.hidden bin/run empty/ install.sh lib/ lib/a/ lib/a/b lib/buildfile link',
  );
});

test('identical input makes identical bytes, whatever the umask, the times and the owner', async () => {
  const long = `deep/${'x'.repeat(90)}/${'y'.repeat(90)}`;
  for (const path of ['bin/run', 'b', 'B', 'ä', long]) file(path, path.repeat(30_000));
  chmodSync(join(folder, 'bin/run'), 0o711);
  const path = await buildApp(buildfile());
  const first = readFileSync(path);
  const before_umask = process.umask(0o077);
  try {
    chmodSync(join(folder, 'b'), 0o600);
    chmodSync(join(folder, 'bin'), 0o700);
    chmodSync(join(folder, 'bin/run'), 0o4755);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
    rmSync(path);
    await buildApp(join(folder, 'buildfile'));
  } finally {
    process.umask(before_umask);
  }
  assert.ok(first.equals(readFileSync(path)), 'the bytes differ');
  assert.deepEqual(
    [...first.subarray(4, 10)],
    [0, 0, 0, 0, 2, 255],
    'the gzip header tells a time or a system',
  );
});

test('names that mean something elsewhere are packed as they are', async () => {
  const names = ['c:drive', '\\\\share', '@list', 'line\nbreak'];
  for (const name of names) file(name);
  const path = await buildApp(buildfile());
  const into = join(folder, 'into');
  mkdirSync(into);
  execFileSync('tar', ['xzf', path, '-C', into]);
  for (const name of names) assert.equal(readFileSync(join(into, name), 'utf8'), name);
});

test('a file that changes while it is packed ends the build', async () => {
  const size_bytes = 64 * 1024 * 1024;
  writeFileSync(join(folder, 'big'), Buffer.alloc(size_bytes));
  const building = packTarball({
    root: folder,
    files: ['install.sh', 'big'],
    to: join(folder, 'a.v1.tar.gz'),
  });
  const isBegun = () => readdirSync(folder).some((name) => name.endsWith('.new'));
  while (!isBegun()) await new Promise((resolve) => setImmediate(resolve));
  utimesSync(join(folder, 'big'), 1, 1);
  await assert.rejects(building, { code: 'io', message: /big: it changed while it was packed/ });
  assert.deepEqual(readdirSync(folder).sort(), ['big', 'install.sh']);
});

test('GNU tar unpacks what was built, without a complaint', async () => {
  const long = `deep/${'x'.repeat(90)}/${'y'.repeat(90)}`;
  file(long);
  symlinkSync('z'.repeat(150), join(folder, 'far'));
  const path = await buildApp(buildfile());
  const into = join(folder, 'into');
  mkdirSync(into);
  const said = spawnSync('tar', ['xzf', path, '-C', into], { encoding: 'utf8' });
  assert.deepEqual([said.status, said.stderr], [0, '']);
  assert.equal(readlinkSync(join(into, 'far')).length, 150);
  assert.equal(readFileSync(join(into, long), 'utf8'), long);
});

test('commands run in the folder of the buildfile, before and after, and the tarball is told to the latter', async () => {
  const path = await buildApp(
    buildfile({
      includes: ['install.sh', 'made'],
      pre_build_cmds: ['echo made > made'],
      post_build_cmds: ['basename "$GWE_TARBALL" > after', 'test -f "$GWE_TARBALL"'],
    }),
  );
  assert.deepEqual(listing(path), ['install.sh', 'made']);
  assert.equal(readFileSync(join(folder, 'after'), 'utf8'), 'demo.v1.tar.gz\n');
});

const FAILURES: ReadonlyArray<readonly [what: string, more: object, code: string, says: RegExp]> = [
  [
    'a command that fails',
    { pre_build_cmds: ['exit 3'] },
    'script',
    /"exit 3" in pre_build_cmds ended with 3/,
  ],
  [
    'an include that is not there',
    { includes: ['install.sh', 'no/*'] },
    'config',
    /"no\/\*" in "includes" matches nothing/,
  ],
  [
    'what a gateway would discard',
    { excludes: ['install.sh'], includes: ['*'] },
    'config',
    /matches nothing/,
  ],
  [
    'an application without install.sh',
    { excludes: ['install.sh'], pre_build_cmds: ['echo > x'] },
    'check',
    /^install\.sh: /,
  ],
  [
    'a bad buildfile',
    { version: 2, include: [] },
    'config',
    /"include" is unknown.*"version" must be a string/,
  ],
  ['a way out of the folder', { includes: ['../other'] }, 'config', /leads out/],
  ['a fifo', { pre_build_cmds: ['mkfifo pipe'] }, 'check', /^type: "pipe"/],
];

for (const [what, more, code, says] of FAILURES) {
  test(`${what} ends the build, says so, and leaves no tarball`, async () => {
    await assert.rejects(buildApp(buildfile(more)), { code, message: says });
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('.tar.gz')),
      [],
    );
  });
}

test('a build that fails leaves the tarball of the build before', async () => {
  const path = await buildApp(buildfile());
  chmodSync(join(folder, 'install.sh'), 0o644);
  await assert.rejects(buildApp(join(folder, 'buildfile')), { code: 'check' });
  assert.ok(existsSync(path));
  await inspectFile(path);
});

test('a buildfile that is not there, or not JSON, is said to be so', async () => {
  await assert.rejects(buildApp(join(folder, 'none')), {
    code: 'config',
    message: /Cannot read the buildfile/,
  });
  assert.match(checkBuildfile('{').join(), /not JSON/);
  assert.match(checkBuildfile('[]').join(), /not a JSON object/);
  assert.match(checkBuildfile('{"name":"a","version":"1"}').join(), /"includes" is missing/);
  assert.match(checkBuildfile('{"name":"a b","version":"1","includes":["x"]}').join(), /name would be wrong/);
  assert.match(
    checkBuildfile('{"name":"a","version":"1","includes":"x"}').join(),
    /"includes" must be a list/,
  );
});

test('files from a folder can be packed without a buildfile', async () => {
  file('share/doc/readme');
  const to = join(folder, 'gwe.v1.0.tar.gz');
  const facts = await packTarball({ root: folder, files: ['share/doc/readme', 'install.sh'], to });
  assert.equal(facts.entries, 4);
  assert.deepEqual(listing(to), ['install.sh', 'share/', 'share/doc/', 'share/doc/readme']);
});
