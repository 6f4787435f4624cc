import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/app/checks.ts';
import { extractTarball } from '../../src/app/extract.ts';
import { inspectFile } from '../../src/app/inspect.ts';
import { parseTarballName } from '../../src/app/name.ts';
import { syncTree } from '../../src/host/sync-tree.ts';
import { app, type CraftedEntry, pax, tgz } from './craft.ts';

const NAME = parseTarballName('demo.v1.tar.gz');
let scratch = '';
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'gwe-extract-'));
});
after(() => rmSync(scratch, { recursive: true }));

function emptyFolder(name: string): string {
  const folder = join(scratch, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

async function unpack(entries: CraftedEntry[]): Promise<string> {
  const into = emptyFolder('into');
  await extractTarball(Readable.from([tgz(entries)]), NAME, DEFAULT_LIMITS, into);
  return into;
}

test('a tarball is unpacked as it was packed, and its facts are told', async () => {
  const into = emptyFolder('into');
  const bytes = tgz(
    app(
      { name: './', type: '5' },
      { name: 'bin/', type: '5', mode: 0o750 },
      { name: 'bin/run', mode: 0o755, contents: 'x'.repeat(100_000), mtime_s: 1_234_567_890 },
      { name: 'deep/er/file', contents: 'deep' },
      { name: 'supervisor.conf', contents: '[supervisord]\ncommand = bin/run\n' },
      { name: 'health.sh', mode: 0o755, contents: '#!/bin/sh\n' },
    ),
  );
  const facts = await extractTarball(Readable.from([bytes]), NAME, DEFAULT_LIMITS, into, bytes.length);
  assert.deepEqual(facts, {
    name: NAME,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size_bytes: bytes.length,
    unpacked_bytes: 100_071,
    entries: 7,
    hasSupervisorConf: true,
    hasHealth: true,
    hasUninstall: false,
    supervisorConf: new Map([['command', 'bin/run']]),
  });
  assert.equal(readFileSync(join(into, 'bin/run'), 'utf8'), 'x'.repeat(100_000));
  assert.equal(readFileSync(join(into, 'deep/er/file'), 'utf8'), 'deep');
  assert.equal(lstatSync(join(into, 'bin')).mode & 0o7777, 0o750);
  assert.equal(lstatSync(join(into, 'bin/run')).mode & 0o7777, 0o755);
  assert.equal(lstatSync(join(into, 'bin/run')).mtimeMs, 1_234_567_890_000);
  assert.equal(execFileSync(join(into, 'install.sh'), { encoding: 'utf8' }), 'installed\n');
});

test('modes are those of the tarball whatever the umask, and folders stay open to their owner', async () => {
  const before_umask = process.umask(0o077);
  try {
    const into = await unpack(
      app({ name: 'd', type: '5', mode: 0o555 }, { name: 'd/f', mode: 0o666 }, { name: 'e/f', mode: 0o1600 }),
    );
    assert.equal(lstatSync(join(into, 'd')).mode & 0o7777, 0o755);
    assert.equal(lstatSync(join(into, 'd/f')).mode & 0o7777, 0o666);
    assert.equal(lstatSync(join(into, 'e')).mode & 0o7777, 0o755);
    assert.equal(lstatSync(join(into, 'e/f')).mode & 0o7777, 0o600);
  } finally {
    process.umask(before_umask);
  }
});

test('symbolic links are payload: they point where they say, also out of the folder', async () => {
  const into = await unpack(
    app({ name: 'abs', type: '2', link: '/usr/bin/env' }, { name: 'up', type: '2', link: '../../x' }),
  );
  assert.equal(readlinkSync(join(into, 'abs')), '/usr/bin/env');
  assert.equal(readlinkSync(join(into, 'up')), '../../x');
});

test('a hard link to a file of the same tarball is one file', async () => {
  const into = await unpack(app({ name: 'a/x', contents: 'x' }, { name: 'y', type: '1', link: './a//x' }));
  assert.equal(lstatSync(join(into, 'y')).ino, lstatSync(join(into, 'a/x')).ino);
});

test('a folder may come twice; the later mode counts', async () => {
  const into = await unpack(app({ name: 'd/x' }, { name: 'd', type: '5', mode: 0o700 }));
  assert.equal(lstatSync(join(into, 'd')).mode & 0o7777, 0o700);
});

test('names of 250 bytes, in any script, with spaces and line breaks, arrive whole', async () => {
  const names = [`lang/${'ü'.repeat(120)}`, 'ein name', 'zeile\nzwei', '日本語', '-rf', '"quoted"'];
  const into = await unpack(
    app(...names.flatMap((path) => [pax({ path }), { name: 'cut', contents: path }])),
  );
  for (const name of names) assert.equal(readFileSync(join(into, name), 'utf8'), name);
});

test('a name cut in its header after a "/" is the whole name of the extended header, and a file', async () => {
  const path = `${'a'.repeat(99)}/file`;
  const gnu = { name: 'L', type: 'L', contents: `${path}\0` };
  const into = await unpack(app(gnu, { name: path.slice(0, 100), contents: 'whole' }));
  assert.equal(readFileSync(join(into, path), 'utf8'), 'whole');
});

test('an entry of an old program is a folder when its name ends in "/", and has no owner but us', async () => {
  const into = await unpack(app({ name: 'd/', type: '\0', raw: [[108, '\0'.repeat(16)]] }));
  assert.ok(lstatSync(join(into, 'd')).isDirectory());
  assert.equal(lstatSync(join(into, 'd')).uid, process.getuid?.());
});

test('a folder that is not empty is refused, and left as it is', async () => {
  const into = emptyFolder('into');
  writeFileSync(join(into, 'old'), '');
  const source = Readable.from([tgz(app())]);
  await assert.rejects(extractTarball(source, NAME, DEFAULT_LIMITS, into), {
    code: 'io',
    message: /not empty/,
  });
  assert.deepEqual(readdirSync(into), ['old']);
});

test('a source that breaks is told as what it is, not as a bad tarball', async () => {
  async function* broken() {
    yield tgz(app()).subarray(0, 50);
    throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  }
  const source = Readable.from(broken());
  await assert.rejects(extractTarball(source, NAME, DEFAULT_LIMITS, emptyFolder('into')), {
    code: 'ECONNRESET',
  });
});

for (const format of ['gnu', 'oldgnu', 'pax', 'posix', 'ustar', 'v7']) {
  test(`what GNU tar packs in its format ${format} is unpacked as GNU tar does`, async () => {
    const from = emptyFolder('from');
    const long = format === 'ustar' || format === 'v7' ? 'long' : `${'long-'.repeat(30)}ü`;
    mkdirSync(join(from, 'sub', long), { recursive: true });
    writeFileSync(join(from, 'install.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(from, 'sub', long, 'file'), 'x'.repeat(1_000_000));
    symlinkSync(`${long}/file`, join(from, 'sub/link'));
    linkSync(join(from, 'install.sh'), join(from, 'same.sh'));
    mkdirSync(join(from, 'empty'));
    const tarball = join(scratch, 'gnu.v1.tar.gz');
    execFileSync('tar', ['czf', tarball, `--format=${format}`, '--sort=name', '-C', from, '.']);
    const into = emptyFolder('into');
    await extractTarball(createReadStream(tarball), parseTarballName('gnu.v1.tar.gz'), DEFAULT_LIMITS, into);
    execFileSync('diff', ['-r', '--no-dereference', from, into]);
    assert.equal(
      lstatSync(join(into, 'install.sh')).mtimeMs,
      Math.floor(lstatSync(join(from, 'install.sh')).mtimeMs / 1000) * 1000,
    );
  });
}

test('a tarball can be checked where it lies, by its name too', async () => {
  const path = join(scratch, 'demo.v7.tar.gz');
  writeFileSync(path, tgz(app()));
  assert.equal((await inspectFile(path)).name.version, '7');
  writeFileSync(join(scratch, 'demo.tgz'), tgz(app()));
  await assert.rejects(inspectFile(join(scratch, 'demo.tgz')), {
    code: 'check',
    message: /^name: "demo.tgz" /,
  });
});

test('an unpacked folder can be made durable with and without the system command for it', () => {
  const folder = emptyFolder('durable');
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub/file'), '');
  symlinkSync('/nowhere', join(folder, 'link'));
  syncTree(folder);
  const path = process.env['PATH'];
  process.env['PATH'] = '/nonexistent';
  try {
    syncTree(folder);
  } finally {
    process.env['PATH'] = path;
  }
});
