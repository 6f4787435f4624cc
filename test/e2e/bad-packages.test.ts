/** Every kind of bad package on the built file: each ends in the state that the documents promise, and says so. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { lacks } from '../debian.ts';
import { type Fleet, fleetOf } from './fleet.ts';
import {
  BARE_PATH,
  eventually,
  expectZero,
  type Gateway,
  GWE,
  makeGateway,
  makeTarball,
  type Platform,
  run,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';

interface Scene {
  gateway: Gateway;
  folder: string;
  /** Makes a tarball, uploads it (with its signature beside it), and has the gateway install it. */
  install(
    file: string,
    files: Record<string, string>,
    options?: { sign?: string },
  ): Promise<{ status: number | null; end: string }>;
  /** Has it install what is there. */
  again(...names: string[]): Promise<{ status: number | null; end: string }>;
  ends(): Promise<string[]>;
  installed(): Promise<Record<string, { version: string; outcome: string }>>;
}

let platform: Platform;
let fleet: Fleet;
let serials = 0;
const closing: (() => unknown)[] = [];
// One platform for all rows; each row has a gateway of its own.
before(async () => {
  platform = await startPlatform({
    after: (act: () => unknown) => closing.push(act),
  } as unknown as TestContext);
  fleet = fleetOf(platform);
});
after(async () => {
  for (const close of closing) await close();
});

async function scene(t: TestContext, settings: Record<string, string> = {}): Promise<Scene> {
  serials += 1;
  const serial = `gw-${serials}`;
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, serial, settings });
  const folder = tempFolder(t);
  await fleet.addGateway(serial);
  const ends = () => platform.points(serial, 'fetch_status');
  const again = async (...names: string[]) => {
    const before = (await ends()).length;
    await fleet.install(serial, ...names);
    const { status } = await gateway.gweAsync('--once');
    return { status, end: (await ends()).slice(before).join('\n---\n') };
  };
  return {
    gateway,
    folder,
    ends,
    again,
    install: async (file, files, { sign } = {}) => {
      // Names are the product's: each row has applications of its own.
      const path = makeTarball(folder, file, files);
      if (sign !== undefined) {
        expectZero(run([GWE, 'sign', '-W', '-s', sign, path], { PATH: BARE_PATH, HOME: folder }));
        await fleet.upload(`${path}.minisig`);
      }
      await fleet.upload(path);
      return again(file);
    },
    installed: async () =>
      JSON.parse((await platform.points(serial, 'engine_report')).at(-1) ?? '{}').installed,
  };
}

const script = (...lines: string[]) => `#!/bin/sh\n${lines.join('\n')}\n`;

test('install.sh that fails: failed, nothing installed, its output reported', async (t) => {
  const { install, installed } = await scene(t);
  const { status, end } = await install('fails.v1.tar.gz', {
    'install.sh': script('echo trying', 'echo why >&2', 'exit 4'),
  });
  assert.equal(status, 3);
  assert.match(end, /^fails\.v1\.tar\.gz: failed: install\.sh ended with 4/);
  assert.match(end, /\ntrying\nwhy/);
  const { version, outcome } = (await installed())['fails'] ?? {};
  assert.deepEqual([version, outcome], ['', 'failed']);
});

test('install.sh that hangs is ended with its whole process group after install.timeout', async (t) => {
  const { gateway, install } = await scene(t, { 'install.timeout': '1' });
  const { status, end } = await install('hangs.v1.tar.gz', {
    'install.sh': script(`sh -c 'echo $$ >${gateway.folder}/pid; exec sleep 1000' &`, 'wait'),
  });
  assert.equal(status, 3);
  assert.match(end, /^hangs\.v1\.tar\.gz: failed: .*1 s/);
  assert.equal(isAlive(Number(readFileSync(join(gateway.folder, 'pid'), 'utf8'))), false);
});

test('install.sh that leaves children behind is installed, and they are ended: services belong to supervisord', async (t) => {
  const { gateway, install } = await scene(t);
  const { status, end } = await install('forks.v1.tar.gz', {
    'install.sh': script(`sleep 1000 & echo $! >${gateway.folder}/pid`, 'echo done'),
  });
  assert.equal(status, 0);
  assert.match(end, /^forks\.v1\.tar\.gz: installed/);
  assert.equal(isAlive(Number(readFileSync(join(gateway.folder, 'pid'), 'utf8'))), false);
});

test('install.sh that is killed: failed, saying by which signal', async (t) => {
  const { install } = await scene(t);
  const { status, end } = await install('killed.v1.tar.gz', { 'install.sh': script('kill -9 $$') });
  assert.equal(status, 3);
  assert.match(end, /^killed\.v1\.tar\.gz: failed: .*SIGKILL/);
});

test('a second version that fails goes back to the first by its own install.sh', async (t) => {
  const { gateway, install, installed } = await scene(t);
  const log = join(gateway.folder, 'log.txt');
  const line = `echo "$GWE_APP_VERSION from=\${GWE_ROLLBACK_FROM:-} previous=\${GWE_PREVIOUS_VERSION:-}" >>${log}`;
  assert.equal((await install('steps.v1.tar.gz', { 'install.sh': script(line) })).status, 0);
  const { status, end } = await install('steps.v2.tar.gz', { 'install.sh': script(line, 'exit 1') });
  assert.equal(status, 3);
  assert.match(end, /^steps\.v2\.tar\.gz: failed: install\.sh ended with 1; back at v1/);
  assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [
    '1 from= previous=',
    '2 from= previous=1',
    '1 from=2 previous=2',
  ]);
  const { version, outcome } = (await installed())['steps'] ?? {};
  assert.deepEqual([version, outcome], ['1', 'failed']);
});

test('a way back that fails too is said in words', async (t) => {
  const { gateway, install } = await scene(t);
  const flag = join(gateway.folder, 'flag');
  await install('stuck.v1.tar.gz', { 'install.sh': script(`[ ! -e ${flag} ]`) });
  writeFileSync(flag, '');
  const { status, end } = await install('stuck.v2.tar.gz', { 'install.sh': script('exit 1') });
  assert.equal(status, 3);
  assert.match(end, /^stuck\.v2\.tar\.gz: failed: install\.sh ended with 1; v1 could not be brought back/);
});

test('health.sh that fails, or hangs, undoes a first install by uninstall.sh', async (t) => {
  const { gateway, install } = await scene(t, { 'install.health_timeout': '1' });
  for (const [app, health] of Object.entries({ sick: 'exit 1', slow: 'sleep 1000' })) {
    const { status, end } = await install(`${app}.v1.tar.gz`, {
      'install.sh': script(`echo in >>${gateway.folder}/${app}`),
      'health.sh': script('echo looking', health),
      'uninstall.sh': script(`echo out >>${gateway.folder}/${app}`),
    });
    assert.equal(status, 3);
    assert.match(end, new RegExp(`^${app}\\.v1\\.tar\\.gz: failed: health\\.sh `));
    assert.equal(readFileSync(join(gateway.folder, app), 'utf8'), 'in\nout\n');
  }
});

test('a program that dies within its health window: the first version runs again, a first install is removed', {
  skip: lacks('supervisor'),
}, async (t) => {
  const { gateway, install } = await scene(t, { 'install.health_window': '3' });
  const ctl = await startSupervisord(t, gateway);
  const conf = (command: string) => `[supervisord]\ncommand=${command}\nstartsecs=0\nautorestart=false\n`;
  const daemon = { 'install.sh': script('true'), 'supervisor.conf': conf('/bin/sleep 1000') };
  const dying = { 'install.sh': script('true'), 'supervisor.conf': conf('/bin/sh -c "exit 3"') };
  const first = await install('mortal.v1.tar.gz', dying);
  assert.equal(first.status, 3);
  assert.match(first.end, /^mortal\.v1\.tar\.gz: failed: /);
  assert.equal(existsSync(join(gateway.folder, 'conf.d', 'mortal.conf')), false);
  assert.match(ctl('status', 'mortal').stdout, /no such process/);
  assert.equal((await install('mortal.v2.tar.gz', daemon)).status, 0);
  const third = await install('mortal.v3.tar.gz', dying);
  assert.match(third.end, /^mortal\.v3\.tar\.gz: failed: .*back at v2/);
  await eventually('the program of v2', () => /RUNNING/.test(ctl('status', 'mortal').stdout));
});

test("an application named like a program that is somebody else's is discarded, and that program stays", {
  skip: lacks('supervisor'),
}, async (t) => {
  const { gateway, install } = await scene(t);
  const ctl = await startSupervisord(t, gateway, '[program:taken]\ncommand=/bin/sleep 1000\n');
  const pid = await eventually(
    'the program',
    () => ctl('status', 'taken').stdout.match(/RUNNING\s+pid (\d+)/)?.[1],
  );
  const files = {
    'install.sh': script('true'),
    'supervisor.conf': '[supervisord]\ncommand=/bin/sleep 1000\n',
  };
  const { status, end } = await install('taken.v1.tar.gz', files);
  assert.equal(status, 3);
  assert.match(
    end,
    /^taken\.v1\.tar\.gz: discarded: supervisor\.conf: supervisord runs a program taken already/,
  );
  assert.match(ctl('status', 'taken').stdout, new RegExp(`pid ${pid},`));
});

test('signatures: unsigned, wrongly signed, signed for another name and signed by a revoked key are all discarded', async (t) => {
  const { gateway, folder, install } = await scene(t);
  const keygen = (name: string) =>
    expectZero(
      gateway.gwe('keygen', '-W', '-p', join(folder, `${name}.pub`), '-s', join(folder, `${name}.key`)),
    );
  keygen('ours');
  keygen('theirs');
  const keys = join(gateway.config, 'keys');
  mkdirSync(keys, { recursive: true });
  writeFileSync(join(keys, 'ours.pub'), readFileSync(join(folder, 'ours.pub')));
  const files = { 'install.sh': script(`echo ran >>${gateway.folder}/ran`) };
  const refused = async (file: string, sign: string | undefined, why: RegExp) => {
    const { status, end } = await install(file, files, sign === undefined ? {} : { sign });
    assert.equal(status, 3, end);
    assert.match(end, /discarded: signature: /);
    assert.match(end, why);
    assert.equal(existsSync(join(gateway.folder, 'ran')), false);
  };
  await refused('plain.v1.tar.gz', undefined, /plain\.v1\.tar\.gz\.minisig/);
  await refused('foreign.v1.tar.gz', join(folder, 'theirs.key'), /key/);
  const ours = join(folder, 'ours.key');
  assert.equal((await install('signed.v1.tar.gz', files, { sign: ours })).status, 0);
  rmSync(join(gateway.folder, 'ran'));
  // The signature of signed.v1, laid beside the same bytes under another name.
  const borrowed = join(folder, 'other.v9.tar.gz');
  renameSync(join(folder, 'signed.v1.tar.gz'), borrowed);
  renameSync(join(folder, 'signed.v1.tar.gz.minisig'), `${borrowed}.minisig`);
  await fleet.upload(`${borrowed}.minisig`);
  await fleet.upload(borrowed);
  await fleet.install(gateway.serial, 'other.v9.tar.gz');
  assert.equal((await gateway.gweAsync('--once')).status, 3);
  assert.match(
    (await platform.points(gateway.serial, 'fetch_status')).at(-1) ?? '',
    /discarded: signature: .*signed\.v1/,
  );
  writeFileSync(join(keys, 'theirs.pub'), readFileSync(join(folder, 'theirs.pub')));
  rmSync(join(keys, 'ours.pub'));
  await refused('revoked.v1.tar.gz', ours, /key/);
});

test('an older version is refused where the instruction says so', async (t) => {
  const { gateway, install, ends } = await scene(t);
  await install('ages.v2.tar.gz', { 'install.sh': script('true') });
  const older = makeTarball(tempFolder(t), 'ages.v1.tar.gz', { 'install.sh': script('true') });
  await fleet.upload(older);
  const text = JSON.stringify({ install: [{ name: 'ages.v1.tar.gz', downgrade: false }] });
  await fleet.write(gateway.serial, 'engine_fetch', text);
  assert.equal((await gateway.gweAsync('--once')).status, 3);
  assert.match((await ends()).at(-1) ?? '', /^ages\.v1\.tar\.gz: (discarded|failed): .*(older|v2)/);
});

test('what install.sh prints cannot hurt: escape codes, invalid UTF-8, 64 MB without a line break', async (t) => {
  const { install } = await scene(t);
  const { status, end } = await install('noisy.v1.tar.gz', {
    'install.sh': script(
      String.raw`printf 'a\033[31mred\033[0m\007\b\377\376\303 z\n'`,
      `head -c 64000000 /dev/zero | tr '\\0' x`,
      'echo; echo the end',
    ),
  });
  assert.equal(status, 0);
  const [line, ...output] = end.split('\n');
  assert.match(line ?? '', /^noisy\.v1\.tar\.gz: installed/);
  assert.doesNotMatch(output.join(''), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  assert.match(output[0] ?? '', /^ared/);
  assert.match(end, /left out/);
  assert.match(end, /the end\s*$/);
  assert.ok(end.length < 70_000, `${end.length} characters`);
});

test('install.sh that asks for a start of its own (194) is run again, and counts its attempts', async (t) => {
  const { gateway, install, ends } = await scene(t);
  const { end } = await install('reboots.v1.tar.gz', {
    'install.sh': script(
      `echo "$GWE_ATTEMPT" >>${gateway.folder}/attempts`,
      '[ "$GWE_ATTEMPT" -ge 3 ] || exit 194',
    ),
  });
  assert.equal(end, '', 'a reboot on purpose is no end');
  for (let start = 0; start < 2; start += 1) await gateway.gweAsync('--once');
  assert.equal(readFileSync(join(gateway.folder, 'attempts'), 'utf8'), '1\n2\n3\n');
  assert.match((await ends()).at(-1) ?? '', /^reboots\.v1\.tar\.gz: installed .*attempt 3, exit 0/);
});

test('too little disk: waiting, with figures, said once; installed by itself when there is room', async (t) => {
  const { gateway, install, ends } = await scene(t, { 'install.reserve_bytes': String(1024 ** 4) });
  const { status, end } = await install('roomy.v1.tar.gz', { 'install.sh': script('true') });
  assert.equal(status, 3);
  assert.match(end, /^roomy\.v1\.tar\.gz: waiting: needs [\d.]+ [kMGT]?B of disk, [\d.]+ [kMGT]?B are free/);
  await gateway.gweAsync('--once');
  assert.equal((await ends()).length, 1, 'said once');
  expectZero(gateway.gwe('config', 'set', 'install.reserve_bytes', '0'));
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.match((await ends()).at(-1) ?? '', /^roomy\.v1\.tar\.gz: installed/);
});

test('install.sh that fills the disk ends in a report, and the engine goes on', {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  const { gateway, install, ends, again } = await scene(t);
  mkdirSync(gateway.state);
  expectZero(run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'gwe-test', gateway.state], { PATH: BARE_PATH }));
  try {
    const { status } = await install('greedy.v1.tar.gz', {
      'install.sh': script('head -c 100000000 /dev/zero >filler || { echo no room left; exit 1; }'),
    });
    assert.equal(status, 3);
    assert.match(
      (await ends()).at(-1) ?? '',
      /^greedy\.v1\.tar\.gz: failed: install\.sh ended with 1[\s\S]*no room left/,
    );
    const modest = makeTarball(tempFolder(t), 'modest.v1.tar.gz', { 'install.sh': script('echo fits') });
    await fleet.upload(modest);
    assert.equal((await again('modest.v1.tar.gz')).status, 0);
    assert.deepEqual(readdirSync(join(gateway.state, 'staging')), []);
  } finally {
    run(['umount', gateway.state], { PATH: BARE_PATH });
  }
});

test('a digest that failed is run again only by a new command', async (t) => {
  const { gateway, install, again } = await scene(t);
  await install('poor.v1.tar.gz', { 'install.sh': script(`echo ran >>${gateway.folder}/ran`, 'exit 1') });
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(readFileSync(join(gateway.folder, 'ran'), 'utf8'), 'ran\n');
  await again('poor.v1.tar.gz');
  assert.equal(readFileSync(join(gateway.folder, 'ran'), 'utf8'), 'ran\nran\n');
});

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
