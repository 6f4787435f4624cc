/** Packages that fail in every way, on the built file: each ends in the state that docs/writing-an-application.md promises. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lacks } from '../debian.ts';
import { type Fleet, fleetOf } from './fleet.ts';
import {
  BARE_PATH,
  eventually,
  expectZero,
  type Gateway,
  makeGateway,
  makeTarball,
  type Platform,
  run,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';
import { startTap } from './tap.ts';

type Files = Record<string, string | Buffer>;

/** A gateway that is told to install versions of the application `app`. */
interface Ground {
  platform: Platform;
  fleet: Fleet;
  gateway: Gateway;
  folder: string;
  app: string;
  /** Uploads a version and tells the gateway to install it, without running gwe. */
  tell(version: string, files: Files, item?: object): Promise<string>;
  /** The same, and `gwe --once`; returns its exit status. */
  install(version: string, files: Files, item?: object): Promise<number | null>;
  once(): Promise<{ status: number | null; stderr: string }>;
  ends(): Promise<string[]>;
  /** What engine_report says of the application. */
  report(): Promise<{ version: string; outcome: string } | undefined>;
}

/** Writes down which version is in place, and each run. */
const GOOD = `#!/bin/sh
echo "$GWE_APP_VERSION" >"$HOME/at"
echo "$GWE_APP_VERSION over \${GWE_PREVIOUS_VERSION:-nothing}\${GWE_ROLLBACK_FROM:+, back from $GWE_ROLLBACK_FROM}" >>"$HOME/runs"
`;
const good = (more = ''): Files => ({ 'install.sh': `${GOOD}${more}\n` });

let grounds = 0;

async function layGround(
  t: TestContext,
  platform: Platform,
  options: { settings?: Record<string, string>; server?: string } = {},
): Promise<Ground> {
  grounds += 1;
  const [serial, app] = [`gw-${grounds}`, `app${grounds}`];
  const { settings = {}, server = platform.url } = options;
  const fleet = fleetOf(platform);
  const gateway = makeGateway(t, { server, product: platform.product, serial, settings });
  await fleet.addGateway(serial);
  const folder = tempFolder(t);
  const once = () => gateway.gweAsync('--once');
  const tell = async (version: string, files: Files, item: object = {}) => {
    const name = await fleet.upload(makeTarball(folder, `${app}.v${version}.tar.gz`, files));
    await fleet.write(serial, 'engine_fetch', JSON.stringify({ install: [{ name, ...item }] }));
    return name;
  };
  return {
    ...{ platform, fleet, gateway, folder, app, tell, once },
    install: async (version, files, item) => {
      await tell(version, files, item);
      return (await once()).status;
    },
    ends: () => platform.points(serial, 'fetch_status'),
    report: async () => JSON.parse(await fleet.read(serial, 'engine_report')).installed[app],
  };
}

const read = ({ gateway }: Ground, name: string): string => {
  const path = join(gateway.folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
};
const isAlive = (pid: string): boolean =>
  existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** One bad package: what becomes of version 2 where version 1 is in place, and of the same where nothing is. */
interface Row {
  files: Files;
  settings?: Record<string, string>;
  /** The first line in fetch_status, after the name, without what follows for the way back. */
  says: RegExp;
  /** It is installed all the same. */
  isInstalled?: boolean;
  /** How often `gwe --once` is to be called until it is over; 1. */
  calls?: number;
  also?: (ground: Ground, end: string) => void | Promise<void>;
}

const ROWS: Readonly<Record<string, Row>> = {
  'install.sh fails': { files: good('exit 7'), says: /^failed: install\.sh ended with 7/ },
  'install.sh hangs': {
    files: good('sleep 1000'),
    settings: { 'install.timeout': '2' },
    says: /^failed: install\.sh took longer than 2 s/,
  },
  'install.sh hangs and ignores TERM, and so do its children': {
    files: good(
      'trap "" TERM; (while :; do sleep 1; done) & echo $! >$HOME/child; while :; do sleep 1; done',
    ),
    settings: { 'install.timeout': '2' },
    says: /^failed: install\.sh took longer than 2 s/,
    also: (ground) => assert.equal(isAlive(read(ground, 'child')), false),
  },
  'install.sh is killed': {
    files: good('kill -SEGV $$'),
    says: /^failed: install\.sh was ended by SIGSEGV/,
  },
  'install.sh is no program': {
    files: { 'install.sh': '#!/nowhere/at/all\n' },
    says: /^failed: install\.sh (could not be started|ended with 12[67])/,
  },
  'install.sh kills gwe each time': {
    files: good('[ -n "$GWE_ROLLBACK_FROM" ] || kill -9 $PPID'),
    says: /^failed: install\.sh did not come to its end in 3 attempts/,
    calls: 4,
  },
  'install.sh leaves children behind': {
    files: good('sleep 1000 & echo $! >$HOME/child; (sleep 1000 & echo $! >$HOME/grandchild) &\nwait $!'),
    says: /^installed/,
    isInstalled: true,
    also: (ground) => {
      for (const name of ['child', 'grandchild']) assert.equal(isAlive(read(ground, name)), false, name);
    },
  },
  'install.sh leaves a child in a session of its own, which is its own affair': {
    files: good(
      'setsid sh -c "echo \\$\\$ >$HOME/child; exec sleep 1000" </dev/null >/dev/null 2>&1 &\nuntil [ -s $HOME/child ]; do sleep 0.1; done',
    ),
    says: /^installed/,
    isInstalled: true,
    also: (ground) => {
      const pid = read(ground, 'child');
      assert.equal(isAlive(pid), true);
      process.kill(Number(pid));
    },
  },
  'install.sh leaves a child that holds its output open': {
    files: good(
      'setsid sh -c "echo \\$\\$ >$HOME/child; exec sleep 1000" &\nuntil [ -s $HOME/child ]; do sleep 0.1; done',
    ),
    says: /^installed/,
    isInstalled: true,
    also: (ground) => void process.kill(Number(read(ground, 'child'))),
  },
  'health.sh fails': {
    files: { ...good(), 'health.sh': '#!/bin/sh\necho not well; exit 3\n' },
    says: /^failed: health\.sh ended with 3/,
    also: (_, end) => assert.match(end, /--- health\.sh ---\nnot well/),
  },
  'health.sh hangs': {
    files: { ...good(), 'health.sh': '#!/bin/sh\nsleep 1000\n' },
    settings: { 'install.health_timeout': '2' },
    says: /^failed: health\.sh took longer than 2 s/,
  },
  'install.sh prints escape codes and bytes that are no text': {
    files: good(
      `printf '\\033]0;title\\007\\033[31mred\\033[0m\\n\\000\\377\\376 10 %%\\r100 %%\\n\\302\\233 \\342\\200\\256end\\n'; head -c 3000 /dev/urandom`,
    ),
    says: /^installed/,
    isInstalled: true,
    also: (_, end) => {
      assert.match(end, /\nred\n[\s\S]*100 %\n/);
      assert.doesNotMatch(end, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
      assert.ok(end.isWellFormed());
    },
  },
  'install.sh prints 200 MB without a newline': {
    files: good(
      'hwm() { sed -n "s/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p" /proc/$PPID/status; }\nhwm >$HOME/before\nhead -c 200000000 /dev/zero | tr "\\000" x\nhwm >$HOME/after',
    ),
    says: /^installed/,
    isInstalled: true,
    also: (ground, end) => {
      const grown_KiB = Number(read(ground, 'after')) - Number(read(ground, 'before'));
      assert.ok(grown_KiB < 64 * 1024, `the memory of gwe grew by ${grown_KiB} KiB`);
      assert.ok(end.length < 70_000, `${end.length} characters are reported`);
    },
  },
};

async function tryRow(t: TestContext, platform: Platform, row: Row, isFirst: boolean): Promise<void> {
  const ground = await layGround(t, platform, { settings: row.settings ?? {} });
  if (!isFirst) assert.equal(await ground.install('1', good()), 0);
  const files = isFirst ? { ...row.files, 'uninstall.sh': '#!/bin/sh\nrm -f "$HOME/at"\n' } : row.files;
  const name = await ground.tell('2', files);
  const statuses: (number | null)[] = [];
  for (let call = 0; call < (row.calls ?? 1); call += 1) statuses.push((await ground.once()).status);
  const isGood = row.isInstalled === true;
  assert.equal(statuses.at(-1), isGood ? 0 : 3);
  const ends = await ground.ends();
  assert.equal(ends.length, isFirst ? 1 : 2, ends.join('\n'));
  const end = ends.at(-1) ?? '';
  assert.ok(end.startsWith(`${name}: `), end);
  assert.match(end.slice(name.length + 2), row.says);
  const line = end.split('\n')[0] ?? '';
  assert.equal(line.includes('; back at v1'), !isGood && !isFirst, line);
  const report = await ground.report();
  assert.equal(report?.outcome, isGood ? 'installed' : 'failed');
  const inPlace = isGood ? '2' : isFirst ? '' : '1';
  assert.equal(report?.version, inPlace);
  if (!/no program/.test(t.name) || !isGood) assert.equal(read(ground, 'at'), inPlace, 'what is in place');
  if (!isGood && !isFirst) assert.match(read(ground, 'runs'), /1 over 2, back from 2$/);
  await row.also?.(ground, end);
  assert.equal((await ground.once()).status, 0, 'it is over');
  assert.equal((await ground.ends()).length, ends.length, 'and reported once');
  for (const left of ['staging', 'downloads', 'journal']) {
    assert.deepEqual(readdirSync(join(ground.gateway.state, left)), [], left);
  }
}

test('a bad package ends as documented, over a good version and as a first install', {
  concurrency: 3,
}, async (t) => {
  const platform = await startPlatform(t);
  const tests = Object.entries(ROWS).flatMap(([what, row]) => [
    t.test(`over version 1: ${what}`, (each) => tryRow(each, platform, row, false)),
    ...(row.isInstalled === true
      ? []
      : [t.test(`as a first install: ${what}`, (each) => tryRow(each, platform, row, true))]),
  ]);
  await Promise.all(tests);
});

test('an older version whose own install.sh fails on the way back is said to be lost', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  assert.equal(await ground.install('1', good('[ -z "$GWE_ROLLBACK_FROM" ] || exit 4')), 0);
  assert.equal(await ground.install('2', good('exit 1')), 3);
  const end = (await ground.ends()).at(-1) ?? '';
  assert.match(
    end,
    /failed: install\.sh ended with 1; v1 could not be brought back\nv1: install\.sh ended with 4/,
  );
  assert.match(ground.gateway.gwe('why').stdout, /rollback-failed/);
});

test('an install.sh that ends with 194 is run again at the next start, and again, and then it is installed', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  const statuses = [await ground.install('1', good('[ "$GWE_ATTEMPT" = 3 ] || exit 194'))];
  assert.match(ground.gateway.gwe('why').stdout, /reboot-awaited/);
  for (let call = 0; call < 2; call += 1) statuses.push((await ground.once()).status);
  assert.deepEqual(statuses, [3, 3, 0]);
  assert.match((await ground.ends()).join('\n'), /^\S+: installed in .* \(attempt 3, exit 0\)/);
  assert.equal((await ground.ends()).length, 1);
});

test('an older version is refused where the command or the gateway says so, and installed where neither does', async (t) => {
  const platform = await startPlatform(t);
  const strict = await layGround(t, platform, { settings: { 'install.allow_downgrade': 'off' } });
  const free = await layGround(t, platform);
  for (const ground of [strict, free]) assert.equal(await ground.install('2', good()), 0);
  assert.equal(await strict.install('1', good(), { downgrade: true }), 3);
  assert.equal(await free.install('1', good(), { downgrade: false }), 3);
  for (const ground of [strict, free]) {
    assert.match(
      (await ground.ends()).at(-1) ?? '',
      /discarded: downgrade: v1 is older than v2, which is installed/,
    );
    assert.equal(read(ground, 'at'), '2');
  }
  assert.equal(await free.install('1', good()), 0);
  assert.equal(read(free, 'at'), '1');
});

/** Makes NAME.pub and NAME.key in `folder`. */
function makeKey(
  { gateway }: Ground,
  folder: string,
  name: string,
): { publicKey: string; secretKey: string } {
  const [publicKey, secretKey] = [join(folder, `${name}.pub`), join(folder, `${name}.key`)];
  expectZero(gateway.gwe('keygen', '--no-password', '-p', publicKey, '-s', secretKey));
  return { publicKey, secretKey };
}

test('where a key lies only what it signed under that very name is run; unsigned, wrongly signed, renamed and revoked is not', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  const { gateway, folder, fleet } = ground;
  const [ours, older, theirs] = ['ours', 'older', 'theirs'].map((name) => makeKey(ground, folder, name));
  assert.ok(ours !== undefined && older !== undefined && theirs !== undefined);
  const keys = join(gateway.config, 'keys');
  mkdirSync(keys, { recursive: true });
  for (const { publicKey } of [ours, older])
    renameSync(publicKey, join(keys, publicKey.split('/').at(-1) ?? ''));
  const revoke = () => rmSync(join(keys, 'older.pub'));
  const sign = (secretKey: string, path: string) => expectZero(gateway.gwe('sign', '-s', secretKey, path));
  let version = 0;
  /** Makes the next version; `signed` lays its signature beside it. */
  async function attempt(signed: (path: string, version: number) => void): Promise<string> {
    version += 1;
    const path = makeTarball(folder, `${ground.app}.v${version}.tar.gz`, good());
    signed(path, version);
    if (existsSync(`${path}.minisig`)) await fleet.upload(`${path}.minisig`);
    await fleet.install(gateway.serial, await fleet.upload(path));
    await ground.once();
    return (
      (await ground.ends())
        .at(-1)
        ?.split('\n')[0]
        ?.replace(/^\S+: /, '') ?? ''
    );
  }
  assert.match(await attempt((path) => sign(ours.secretKey, path)), /^installed/);
  assert.match(await attempt((path) => sign(older.secretKey, path)), /^installed/);
  const refusals: Readonly<Record<string, [RegExp, (path: string, version: number) => void]>> = {
    'not signed': [/minisig is not in the Content Area/, () => {}],
    'signed by a stranger': [/key/, (path) => sign(theirs.secretKey, path)],
    'signed, then changed': [
      /./,
      (path) => {
        sign(ours.secretKey, path);
        const other = makeTarball(tempFolder(t), 'other.v1.tar.gz', good('echo changed'));
        renameSync(other, path);
      },
    ],
    'the signature of another version': [
      /./,
      (path, now) => {
        const before = path.replace(`.v${now}.`, '.v1.');
        writeFileSync(path, readFileSync(before));
        writeFileSync(`${path}.minisig`, readFileSync(`${before}.minisig`));
      },
    ],
    'a trusted comment that was changed': [
      /./,
      (path, now) => {
        const before = path.replace(`.v${now}.`, '.v1.');
        writeFileSync(path, readFileSync(before));
        const signature = readFileSync(`${before}.minisig`, 'utf8').replace(`.v1.tar`, `.v${now}.tar`);
        assert.ok(signature.includes(`.v${now}.tar`));
        writeFileSync(`${path}.minisig`, signature);
      },
    ],
    'no signature at all, but a page': [
      /./,
      (path) => writeFileSync(`${path}.minisig`, '<html>\n'.repeat(3)),
    ],
    'a signature of 1 MB': [
      /over 8192 bytes/,
      (path) => writeFileSync(`${path}.minisig`, 'x'.repeat(1 << 20)),
    ],
    'signed by a key that was removed': [
      /key/,
      (path) => {
        revoke();
        sign(older.secretKey, path);
      },
    ],
  };
  for (const [what, [says, signed]] of Object.entries(refusals)) {
    const end = await attempt(signed);
    assert.match(end, /^discarded: signature: /, what);
    assert.match(end, says, what);
    assert.equal(read(ground, 'at'), '2', `${what}: nothing was run`);
  }
  assert.match(ground.gateway.gwe('why').stdout, /^signature: /m);
  assert.match(await attempt((path) => sign(ours.secretKey, path)), /^installed/);
});

test('content that failed is not run again by an instruction that only stands there still, but by a new one', async (t) => {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const ground = await layGround(t, platform, { server: tap.url });
  assert.equal((await ground.once()).status, 0);
  tap.judge = ({ body }) => (body.startsWith('engine_fetch=') ? 'cut' : undefined);
  const name = await ground.tell('1', good('exit 5'));
  for (let turn = 0; turn < 3; turn += 1) await ground.once();
  const runs = () => read(ground, 'runs').split('\n').length;
  assert.equal(runs(), 1);
  assert.match(ground.gateway.gwe('why').stdout, /quarantined/);
  tap.judge = () => undefined;
  assert.equal((await ground.once()).status, 0);
  assert.equal(runs(), 1);
  await ground.fleet.install(ground.gateway.serial, name);
  assert.equal((await ground.once()).status, 3);
  assert.equal(runs(), 2);
  assert.equal((await ground.ends()).length, 2);
});

const MB = 1_000_000;

/** Gives the state of the gateway a small disk of its own for the time of `act`, where we may mount one. */
async function onSmallDisk(
  t: TestContext,
  { gateway }: Ground,
  size_MB: number,
  act: () => Promise<void>,
): Promise<void> {
  mkdirSync(gateway.state, { recursive: true });
  const command = ['/bin/mount', '-t', 'tmpfs', '-o', `size=${size_MB * MB}`, 'gwe-test', gateway.state];
  if (run(command, { PATH: BARE_PATH }).status !== 0) return t.skip('needs to be root, and allowed to mount');
  try {
    await act();
  } finally {
    expectZero(run(['/bin/umount', '-l', gateway.state], { PATH: BARE_PATH }));
  }
}

test('too little disk: said once, with figures; installed by itself as soon as there is room', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  await onSmallDisk(t, ground, 12, () => waitForRoom(ground));
});

async function waitForRoom(ground: Ground): Promise<void> {
  const filler = join(ground.gateway.state, 'filler');
  writeFileSync(filler, Buffer.alloc(9 * MB));
  const name = await ground.tell('1', { ...good(), data: randomBytes(2 * MB) });
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await ground.once()).status, 3);
  const [waiting, ...more] = await ground.ends();
  assert.match(waiting ?? '', /^\S+: waiting: needs [\d.]+ MB of disk, [\d.]+ MB are free$/);
  assert.deepEqual(more, []);
  assert.match(ground.gateway.gwe('why').stdout, /waiting-for-disk/);
  rmSync(filler);
  assert.equal((await ground.once()).status, 0);
  assert.match((await ground.ends()).at(-1) ?? '', new RegExp(`^${name}: installed`));
}

test('an install.sh that fills the disk: its end is noted and reported, and with room again the way back is gone', async (t) => {
  const platform = await startPlatform(t);
  for (const [status, says] of [
    [1, /^failed: install\.sh ended with 1; back at v1/],
    [0, /^installed/],
  ] as const) {
    const ground = await layGround(t, platform);
    await onSmallDisk(t, ground, 6, () => fillUp(ground, status, says));
  }
});

async function fillUp(ground: Ground, status: number, says: RegExp): Promise<void> {
  const fill = 'cat /dev/zero >"$GWE_STATE_DIR/filler" 2>/dev/null;';
  assert.equal(await ground.install('1', good()), 0);
  await ground.tell('2', good(`${fill} echo full; exit ${status}`));
  await ground.once();
  const again = await ground.once();
  assert.ok(again.status === 0 || again.status === 3, `the engine goes on with a full disk: ${again.stderr}`);
  rmSync(join(ground.gateway.state, 'filler'));
  await ground.once();
  const ends = await ground.ends();
  assert.match(ends.at(-1)?.replace(/^\S+: /, '') ?? '', says, ends.join('\n'));
  assert.equal(ends.filter((each) => /: (failed|installed)/.test(each)).length, 2, 'each end once');
  assert.equal(read(ground, 'at'), status === 0 ? '2' : '1');
  assert.equal((await ground.once()).status, 0);
}

/** An application whose program does `body`. */
const program = (body: string, more: Files = {}): Files => ({
  'install.sh': `${GOOD}cp program.sh "$HOME/program.new" && mv "$HOME/program.new" "$HOME/program.sh"\n`,
  'program.sh': `#!/bin/sh\n${body}\n`,
  'supervisor.conf':
    '[supervisord]\ncommand=/bin/sh -c "exec $HOME/program.sh"\nautorestart=false\nstartsecs=0\n',
  ...more,
});

test('programs that die, under a real supervisord', { skip: lacks('supervisor') }, async (t) => {
  const platform = await startPlatform(t);
  const settings = { 'install.health_window': '2' };
  const ground = await layGround(t, platform, { settings });
  const { gateway, app } = ground;
  const ctl = await startSupervisord(t, gateway, '[program:bystander]\ncommand=/bin/sleep 100000\n');
  const bystander = await eventually(
    'the bystander',
    () => ctl('status', 'bystander').stdout.match(/RUNNING\s+pid (\d+)/)?.[1],
  );
  const conf = join(gateway.folder, 'conf.d', `${app}.conf`);
  const uninstall = { 'uninstall.sh': '#!/bin/sh\necho "uninstalled $GWE_APP_VERSION"; rm -f $HOME/at\n' };

  await t.test(
    'a first install whose program dies: uninstall.sh is run, and supervisord forgets it',
    async () => {
      assert.equal(await ground.install('1', program('exit 9', uninstall)), 3);
      assert.match(
        (await ground.ends()).at(-1) ?? '',
        /failed: app\d+ is EXITED with 9\n[\s\S]*uninstalled 1/,
      );
      assert.equal(read(ground, 'at'), '');
      assert.equal(existsSync(conf), false);
      assert.match(ctl('status', app).stdout, /no such process/);
      assert.equal((await ground.report())?.version, '');
    },
  );
  await t.test('one that lives is installed', async () => {
    assert.equal(await ground.install('2', program('echo two; exec sleep 100000')), 0);
    assert.match(ctl('status', app).stdout, /RUNNING/);
  });
  await t.test('the next one dies within its window: the old program runs again', async () => {
    const before = readFileSync(conf, 'utf8');
    assert.equal(await ground.install('3', program('sleep 1; exit 9')), 3);
    assert.match((await ground.ends()).at(-1) ?? '', /failed: app\d+ .*is EXITED with 9.*; back at v2/);
    assert.match(ctl('status', app).stdout, /RUNNING/);
    assert.match(read(ground, 'program.sh'), /two/);
    assert.equal(readFileSync(conf, 'utf8'), before);
  });
  await t.test('one that supervisord cannot start is taken back too', async () => {
    const files = {
      ...program('exit 0'),
      'supervisor.conf': '[supervisord]\ncommand=/nowhere/at/all\nstartretries=0\n',
    };
    assert.equal(await ground.install('4', files), 3);
    assert.match((await ground.ends()).at(-1) ?? '', /failed: app\d+ is (FATAL|BACKOFF).*; back at v2/);
    assert.match(ctl('status', app).stdout, /RUNNING/);
  });
  await t.test('values that supervisord would refuse discard it before anything is run', async () => {
    const files = {
      ...program('exit 0'),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\nnumprocs=many\n',
    };
    assert.equal(await ground.install('5', files), 3);
    assert.match((await ground.ends()).at(-1) ?? '', /discarded: supervisor\.conf: /);
    assert.equal(read(ground, 'at'), '2');
  });
  await t.test(
    'one that dies after its window stays installed, and the next report says how it is',
    async () => {
      assert.equal(
        await ground.install('6', program('until [ -e $HOME/die ]; do sleep 0.1; done; exit 4')),
        0,
      );
      writeFileSync(join(gateway.folder, 'die'), '');
      await eventually('it to die', () => ctl('status', app).stdout.includes('EXITED'));
      assert.equal((await ground.once()).status, 0);
      const report = JSON.parse(await ground.fleet.read(gateway.serial, 'engine_report'));
      const row = report.apps.find((each: object) => app in each)[app];
      assert.deepEqual([row.status, row.exitstatus, row.version], ['EXITED', 4, '6']);
    },
  );
  assert.equal(
    ctl('status', 'bystander').stdout.match(/pid (\d+)/)?.[1],
    bystander,
    'nobody else was touched',
  );
});

test("an application named like a program that is somebody else's is discarded, and that program stays", {
  skip: lacks('supervisor'),
}, async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  const { app } = ground;
  const ctl = await startSupervisord(t, ground.gateway, `[program:${app}]\ncommand=/bin/sleep 1000\n`);
  const pid = await eventually(
    'the program',
    () => ctl('status', app).stdout.match(/RUNNING\s+pid (\d+)/)?.[1],
  );
  assert.equal(await ground.install('1', program('exec sleep 1000')), 3);
  const says = new RegExp(`discarded: supervisor\\.conf: supervisord runs a program ${app} already`);
  assert.match((await ground.ends()).at(-1) ?? '', says);
  assert.equal(read(ground, 'at'), '');
  assert.match(ctl('status', app).stdout, new RegExp(`pid ${pid},`));
});
