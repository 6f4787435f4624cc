/** gwe updates gwe, under a real supervisord: a good new file stays, a broken one is gone within three starts. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { updateScript } from '../../src/packaging/scripts.ts';
import { lacks } from '../debian.ts';
import {
  BARE_PATH,
  eventually,
  expectZero,
  type Gateway,
  GWE,
  makeGateway,
  type Platform,
  run,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';

const FILE_IN_TARBALL = `gwe-linux-${process.arch}`;
/** A new gwe that passes its self-test, and then does this. */
const standIn = (then: string) =>
  `#!/bin/sh\n[ "$1" != --self-test ] || exit 0\n[ "$1" != --version ] || { echo gwe 9.9.9; exit 0; }\n${then}\n`;

/** How gwe.conf starts gwe: with the trial's own script first, as dist/install.sh writes it, or as plainly as can be. */
const COMMANDS = {
  'the gwe.conf that is shipped': (gateway: Gateway, file: string) =>
    `/bin/sh -c 'start=${gateway.state}/start.sh; if [ -r "$start" ]; then . "$start"; fi; exec ${file}'`,
  'a plain command': (_: Gateway, file: string) => file,
};

async function updatableGateway(t: TestContext, command: keyof typeof COMMANDS) {
  const platform = await startPlatform(t);
  const folder = tempFolder(t);
  const file = join(folder, 'bin', 'gwe');
  mkdirSync(join(folder, 'bin'));
  copyFileSync(GWE, file);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, gwe: [file] });
  Object.assign(gateway.env, { GWE_TRIAL_PAUSE_S: '0', GWE_TRIAL_START_LIMIT_S: '4' });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  const environment = Object.entries(gateway.env).map(([name, value]) => `${name}="${value}"`);
  writeFileSync(
    join(gateway.folder, 'conf.d', 'gwe.conf'),
    `[program:gwe]\ncommand=${COMMANDS[command](gateway, file)}\nautorestart=true\nstartsecs=1\nstartretries=1000\n` +
      `killasgroup=true\nenvironment=${environment.join(',')}\nredirect_stderr=true\nstdout_logfile=${gateway.folder}/log/gwe.log\n`,
  );
  const ctl = await startSupervisord(t, gateway);
  const pidOf = () => Number(ctl('pid', 'gwe').stdout.trim());
  const pid = await eventually('gwe to run', pidOf);
  await asleep(pid);
  return { platform, gateway, file, ctl, pid, pidOf, folder };
}

/** Waits for the sleeping shell: then gwe can be woken without a signal that comes too early. */
const asleep = (pid: number) =>
  eventually('gwe to sleep', () => {
    const [name, children] = [`/proc/${pid}/comm`, `/proc/${pid}/task/${pid}/children`].map((path) =>
      existsSync(path) ? readFileSync(path, 'utf8').trim() : '',
    );
    return name === 'sh' && children !== '' && /^sleep$/m.test(nameOf(children ?? ''));
  });

function nameOf(pids: string): string {
  return pids
    .split(' ')
    .map((pid) => (existsSync(`/proc/${pid}/comm`) ? readFileSync(`/proc/${pid}/comm`, 'utf8').trim() : ''))
    .join('\n');
}

/** The tarball by which gwe becomes `file`. */
function updateTarball(folder: string, version: string, file: string | Buffer): string {
  const source = mkdtempSync(join(folder, 'update-'));
  writeFileSync(join(source, 'install.sh'), updateScript(), { mode: 0o755 });
  writeFileSync(join(source, FILE_IN_TARBALL), file, { mode: 0o755 });
  const path = join(folder, `gwe.v${version}.tar.gz`);
  const pack = ['/bin/sh', '-c', 'cd "$1" && tar -cf - -- * | gzip -1 >"$2"', 'sh', source, path];
  expectZero(run(pack, { PATH: BARE_PATH }));
  rmSync(source, { recursive: true });
  return path;
}

const endsOf = (platform: Platform, gateway: Gateway) => platform.points(gateway.serial, 'fetch_status');
const end = (platform: Platform, gateway: Gateway, pattern: RegExp) =>
  eventually(String(pattern), async () =>
    (await endsOf(platform, gateway)).find((text) => pattern.test(text)),
  );

async function push(platform: Platform, gateway: Gateway, tarball: string, pid: number): Promise<void> {
  expectZero(platform.operator('content', 'upload', tarball));
  expectZero(platform.operator('deploy', gateway.serial, tarball, '--no-wait'));
  process.kill(pid, 'SIGWINCH');
}

/** The built file, but of another version: every `0.1.0` in it made `0.1.9`, which is as long. */
function otherVersion(): Buffer {
  const bytes = readFileSync(GWE);
  const [from, to] = [Buffer.from('"0.1.0"'), Buffer.from('"0.1.9"')];
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at);
  return bytes;
}

for (const command of Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]) {
  test(`a good new gwe takes over with the same process id, and the old one is kept (${command})`, {
    skip: lacks('supervisor'),
  }, async (t) => {
    const { platform, gateway, file, pid, pidOf, folder } = await updatableGateway(t, command);
    await push(platform, gateway, updateTarball(folder, '0.1.9', otherVersion()), pid);
    await end(platform, gateway, /^gwe\.v0\.1\.9\.tar\.gz: installed/);
    await eventually('the trial to be settled', () => !existsSync(join(gateway.state, 'self-update')));
    await asleep(pid);
    assert.equal(pidOf(), pid);
    assert.ok(existsSync(`${file}.previous`));
    assert.equal(existsSync(join(gateway.state, 'start.sh')), false);
    assert.deepEqual(
      (await endsOf(platform, gateway)).filter((text) => /failed/.test(text)),
      [],
    );
  });

  const broken = { 'ends at once': 'exit 7', crashes: 'kill -9 $$', hangs: 'exec /bin/sleep 1000' };
  for (const [how, then] of Object.entries(broken)) {
    test(`a new gwe that ${how} is back at the old version within three starts, which says so (${command})`, {
      skip: lacks('supervisor'),
    }, async (t) => {
      const { platform, gateway, file, ctl, pid, folder } = await updatableGateway(t, command);
      const script = standIn(`echo start >>${folder}/starts\n${then}`);
      await push(platform, gateway, updateTarball(folder, '9.9.9', script), pid);
      const said = await end(platform, gateway, /^gwe\.v9\.9\.9\.tar\.gz: failed: /);
      assert.match(said, /did not complete a check-in within 3 starts.*back at v0\.1\.0/);
      assert.equal(statSync(file).size, statSync(GWE).size, 'the old file has the name again');
      assert.equal(readFileSync(join(folder, 'starts'), 'utf8'), 'start\n'.repeat(3));
      assert.match(ctl('status', 'gwe').stdout, new RegExp(`RUNNING\\s+pid ${pid},`));
      const report = JSON.parse(await platform.value(gateway.serial, 'engine_report'));
      assert.equal(report.apps[0].gwe.version, '0.1.0');
      assert.equal(report.installed.gwe.outcome, 'failed');
    });
  }
}

test('a power cut in the middle of a trial goes on with it at the next start', {
  skip: lacks('supervisor'),
}, async (t) => {
  const { platform, gateway, file, ctl, pid, pidOf, folder } = await updatableGateway(
    t,
    'the gwe.conf that is shipped',
  );
  const script = standIn(
    `echo start >>${folder}/starts\n[ -e ${folder}/cut ] || exec /bin/sleep 1000\nexit 7`,
  );
  await push(platform, gateway, updateTarball(folder, '9.9.9', script), pid);
  await eventually('the first start of the new gwe', () => existsSync(join(folder, 'starts')));
  writeFileSync(join(folder, 'cut'), '');
  process.kill(-pid, 'SIGKILL');
  await eventually('supervisord to start it again', () => pidOf() !== pid && pidOf() > 0);
  await end(platform, gateway, /^gwe.*: failed: .*within 3 starts/);
  assert.equal(statSync(file).size, statSync(GWE).size);
  assert.equal(
    readFileSync(join(folder, 'starts'), 'utf8'),
    'start\n'.repeat(3),
    'the start before the cut counts',
  );
  await eventually('gwe to run', () => /RUNNING/.test(ctl('status', 'gwe').stdout));
});

test('a new gwe that fails its self-test never takes the name', { skip: lacks('supervisor') }, async (t) => {
  const { platform, gateway, file, pid, folder } = await updatableGateway(t, 'a plain command');
  const before = statSync(file).ino;
  await push(platform, gateway, updateTarball(folder, '9.9.9', '#!/bin/sh\necho no >&2\nexit 1\n'), pid);
  const said = await end(platform, gateway, /^gwe\.v9\.9\.9\.tar\.gz: failed: /);
  assert.match(said, /does not pass its self-test/);
  assert.equal(statSync(file).ino, before);
  assert.equal(existsSync(join(gateway.state, 'self-update')), false);
});
