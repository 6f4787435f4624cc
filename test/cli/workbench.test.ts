import assert from 'node:assert/strict';

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

import { type Machine, scratchMachine } from './call.ts';

/** A scratch machine whose current folder holds an application that can be built. */
function workbench(t: TestContext): Machine {
  const machine = scratchMachine(t);
  const before = process.cwd();
  const app = join(machine.folder, 'app');
  mkdirSync(app);
  process.chdir(app);
  t.after(() => process.chdir(before));
  writeFileSync('install.sh', '#!/bin/sh\necho "installing $GWE_APP_NAME $GWE_APP_VERSION"\n');
  chmodSync('install.sh', 0o755);
  return machine;
}

test('a buildfile is asked for, made, checked, and built into the tarball whose path alone is printed', async (t) => {
  const { call } = workbench(t);
  const made = await call(['--create-buildfile'], { typed: 'my.json\nhello\n1.2\n' });
  assert.equal(made.status, 0, made.err);
  assert.match(
    made.err,
    /^Provide build file name \(my_app\.json\): .*app name \(my_app\): .*app version \(1\): /,
  );
  assert.deepEqual(
    { ...JSON.parse(readFileSync('my.json', 'utf8')), excludes: [] },
    { name: 'hello', version: '1.2', includes: ['*'], excludes: [], pre_build_cmds: [], post_build_cmds: [] },
  );
  assert.deepEqual(await call(['-w', 'my.json']), { status: 0, out: '[PASS]\n', err: '' });
  const built = await call(['--build-app', 'my.json']);
  assert.deepEqual(built, { status: 0, out: `${process.cwd()}/hello.v1.2.tar.gz\n`, err: '' });
  const first = readFileSync('hello.v1.2.tar.gz');
  await call(['--build-app', 'my.json']);
  assert.ok(first.equals(readFileSync('hello.v1.2.tar.gz')));
});

test('who answers nothing gets the defaults, and no file is written over', async (t) => {
  const { call } = workbench(t);
  assert.equal((await call(['-x'])).status, 0);
  assert.equal(JSON.parse(readFileSync('my_app.json', 'utf8')).version, '1');
  const again = await call(['-x']);
  assert.deepEqual([again.status, again.out], [1, '']);
  const named = await call(['-x', '-n', 'other', '-s', '7'], { typed: 'o.json\n' });
  assert.equal(named.status, 0);
  assert.equal(JSON.parse(readFileSync('o.json', 'utf8')).name, 'other');
  assert.equal((await call(['-x', '-n', 'a/b'], { typed: 'bad.json\n' })).status, 2);
  assert.ok(!existsSync('bad.json'));
});

test('a bad buildfile is told all that is wrong with it', async (t) => {
  const { call } = workbench(t);
  writeFileSync('bad.json', '{"name": 3, "version": 1, "colour": "red"}');
  const { status, out } = await call(['--check-buildfile', 'bad.json']);
  assert.equal(status, 3);
  assert.ok(out.split('\n').filter((line) => line.startsWith('[FAIL] bad.json: ')).length >= 3, out);
  assert.equal((await call(['-w', 'none.json'])).status, 1);
});

test('-y with a name and a version builds all that lies in this folder', async (t) => {
  const { call } = workbench(t);
  const built = await call(['-y', '-n', 'hello', '-s', '2']);
  assert.deepEqual(built, { status: 0, out: `${process.cwd()}/hello.v2.tar.gz\n`, err: '' });
  assert.match(
    (await call(['-z', 'hello.v2.tar.gz'])).out,
    /application: hello\nversion: 2\n.*has: install\.sh\n\[PASS\]\n$/s,
  );
});

test('-d beside a build is for this call: nothing is stored, and standard output stays the path', async (t) => {
  const { call, places } = workbench(t);
  const { out, err } = await call(['-d', 'DEBUG', '-y', '-n', 'hello', '-s', '2']);
  assert.equal(out, `${process.cwd()}/hello.v2.tar.gz\n`);
  assert.match(err, /sha256: [0-9a-f]{64}/);
  assert.ok(!existsSync(places.engineConfig));
});

test('a tarball that a gateway would discard is refused with the check, the reason, and what to do', async (t) => {
  const { call } = workbench(t);
  await call(['-y', '-n', 'hello', '-s', '2']);
  appendFileSync('hello.v2.tar.gz', 'x');
  const { status, out } = await call(['--check-tarball', 'hello.v2.tar.gz']);
  assert.equal(status, 3);
  assert.match(out, /^\[FAIL\] gzip: .*\n {7}\S/);
  const none = await call(['-z', 'none.v1.tar.gz']);
  assert.deepEqual([none.status, none.out], [1, '']);
});

test("the limits of this machine's settings hold for the check", async (t) => {
  const { call } = workbench(t);
  await call(['-y', '-n', 'hello', '-s', '2']);
  await call(['config', 'set', 'install.max_entries', '1']);
  writeFileSync('more', '');
  assert.match((await call(['-y', '-n', 'hello', '-s', '3'])).err, /limits/);
});

test('a tarball on this machine is installed through the installer, and says so', async (t) => {
  const { call, places } = workbench(t);
  await call(['config', 'set', 'supervisor.conf_dir', join(places.state, 'conf.d')]);
  await call(['-y', '-n', 'hello', '-s', '2']);
  const { status, out } = await call(['--install-apps', 'hello.v2.tar.gz', '-d', 'ERROR']);
  assert.equal(status, 0, out);
  assert.match(out, /^hello\.v2\.tar\.gz: installed in .*\ninstalling hello 2\n/);
  assert.match((await call(['status'])).out, /hello +v2/);
  appendFileSync('hello.v2.tar.gz', 'x');
  const bad = await call(['-d', 'ERROR', '-I', 'hello.v2.tar.gz']);
  assert.deepEqual([bad.status, /discarded: gzip/.test(bad.out)], [3, true]);
  assert.equal((await call(['-I', 'none.v1.tar.gz'])).status, 1);
});

test('while an engine runs, a local install says how to get past it', async (t) => {
  const { call, places } = workbench(t);
  await call(['-y', '-n', 'hello', '-s', '2']);

  mkdirSync(places.state, { recursive: true });
  writeFileSync(places.lock, lockOfInit());
  const { status, err } = await call(['-I', 'hello.v2.tar.gz']);
  assert.equal(status, 1);
  assert.match(err, /supervisorctl stop gwe/);
});

/** A lock as process 1 would hold it: a process that is there, and is not this one. */
function lockOfInit(): string {
  const stat = readFileSync('/proc/1/stat', 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `1 ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${start}\n`;
}

test('keys are made and sign; the secret one is for its owner alone and is not written over', async (t) => {
  const { call } = workbench(t);
  const made = await call(['keygen', '--no-password', '-p', 'fleet.pub', '-s', 'fleet.key']);
  assert.equal(made.status, 0, made.err);
  assert.equal(statSync('fleet.key').mode & 0o777, 0o600);
  assert.equal((await call(['keygen', '-W', '-p', 'fleet.pub', '-s', 'new.key'])).status, 1);
  await call(['-y', '-n', 'hello', '-s', '2']);
  const signed = await call(['sign', '-s', 'fleet.key', 'hello.v2.tar.gz']);
  assert.deepEqual(signed, { status: 0, out: 'hello.v2.tar.gz.minisig\n', err: '' });
  const [{ parsePublicKey }, { verifySignature, prehashOf }, { createReadStream }] = await Promise.all([
    import('../../src/app/minisign-format.ts'),
    import('../../src/app/minisign.ts'),
    import('node:fs'),
  ]);
  const { blake2b512 } = await prehashOf(createReadStream('hello.v2.tar.gz'));
  const verified = verifySignature({
    signature: readFileSync('hello.v2.tar.gz.minisig', 'utf8'),
    publicKeys: [parsePublicKey(readFileSync('fleet.pub', 'utf8'))],
    fileName: 'hello.v2.tar.gz',
    digest: { blake2b512 },
  });
  assert.match(verified.trustedComment, /file:hello\.v2\.tar\.gz/);
  assert.equal((await call(['sign', '-s', 'fleet.key', 'none'])).status, 1);
  assert.match((await call(['sign', 'hello.v2.tar.gz'])).err, /no secret key minisign\.key/);
  assert.match((await call(['keygen', '-s', 'x.key', '-p', 'x.pub'])).err, /--no-password/);
});
