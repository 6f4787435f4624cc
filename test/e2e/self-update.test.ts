/**
 * gwe updates gwe, under a real supervisord: a good new version takes over with the same process id, a bad one is back at
 * the old version after three starts, over power cuts too. Both with gwe.conf as install.sh writes it and with a bare
 * `command=…/gwe`.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { isFresh } from '../../src/packaging/results.ts';
import { updateScript } from '../../src/packaging/scripts.ts';
import { type BuildStamp, inputsDigest } from '../../src/packaging/stamp.ts';
import { CACHE, DIST } from '../../src/packaging/targets.ts';
import { updateTarball } from '../../src/packaging/update-tarball.ts';
import { lacks } from '../debian.ts';
import { cutPower } from './ending.ts';
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
  type Supervisorctl,
  start,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';
import { startTap, type Tap } from './tap.ts';

/** The version to update to, made from the same source. */
const NEXT: BuildStamp = { version: '99.1.0', commit: 'next' };
const NEXT_FOLDER = join(CACHE, 'next');
const OWN_FILE = `gwe-linux-${process.arch}`;
const NOW = run([GWE, '--version'], { PATH: BARE_PATH }).stdout.match(/\d[\w.-]*/)?.[0] ?? '';

before(() => {
  if (isFresh(NEXT_FOLDER, inputsDigest(NEXT), [OWN_FILE])) return;
  const command = [process.execPath, join(import.meta.dirname, 'build-next.ts')];
  expectZero(run([...command, NEXT_FOLDER, NEXT.version, NEXT.commit], process.env));
});

type Program = 'gwe.conf of install.sh' | 'a bare command';
const PROGRAMS: readonly Program[] = ['gwe.conf of install.sh', 'a bare command'];

interface Supervised {
  platform: Platform;
  fleet: Fleet;
  tap: Tap;
  gateway: Gateway;
  ctl: Supervisorctl;
  /** The file under gwe's name. */
  target: string;
  folder: string;
}

/** A gateway on which install.sh of dist/ has installed gwe, in the gateway's own folder. */
async function supervised(t: TestContext, program: Program, limit_s = 120): Promise<Supervised> {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const env = { GWE_TRIAL_PAUSE_S: '0', GWE_TRIAL_START_LIMIT_S: String(limit_s) };
  const gateway = makeGateway(t, { server: tap.url, product: platform.product, env });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  const installer = [join(DIST, 'install.sh'), '--prefix', '/opt'];
  expectZero(run(installer, { PATH: BARE_PATH, DESTDIR: gateway.folder }));
  const target = join(gateway.folder, 'opt/bin/gwe');
  const installed = readFileSync(join(gateway.folder, 'etc/supervisor/conf.d/gwe.conf'), 'utf8')
    .replaceAll('/opt/bin/gwe', target)
    .replaceAll('/var/log/gwe.log', join(gateway.folder, 'log/gwe.log'));
  const text =
    program === 'a bare command' ? installed.replace(/^command=.*$/m, `command=${target}`) : installed;
  const environment = Object.entries(gateway.env).map(([name, value]) => `${name}="${value}"`);
  writeFileSync(join(gateway.folder, 'conf.d/gwe.conf'), `${text}environment=${environment.join(',')}\n`);
  const ctl = await startSupervisord(t, gateway);
  await pidOf(ctl);
  return { platform, fleet, tap, gateway, ctl, target, folder: tempFolder(t) };
}

const pidOf = (ctl: Supervisorctl) =>
  eventually('supervisord to call gwe RUNNING', () => {
    const line = ctl('status', 'gwe').stdout;
    return /RUNNING/.test(line) && Number(line.match(/pid (\d+)/)?.[1]);
  });
const logOf = ({ folder }: Gateway) => {
  const path = join(folder, 'log/gwe.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const trialFilesOf = ({ state }: Gateway) =>
  ['self-update', 'start.sh', 'self-update-failed'].filter((name) => existsSync(join(state, name)));
const versionOf = (target: string) =>
  run([target, '--version'], { PATH: BARE_PATH }).stdout.match(/\d[\w.-]*/)?.[0];
const reportOf = async ({ fleet, gateway }: Supervised) => {
  const report = JSON.parse(await fleet.read(gateway.serial, 'engine_report'));
  return { own: report.apps.find((app: object) => 'gwe' in app).gwe, installed: report.installed.gwe };
};
const endsOf = ({ platform, gateway }: Supervised) => platform.points(gateway.serial, 'fetch_status');

/** Writes the command and wakes gwe. Waits for the first end that matches. */
async function deploy(here: Supervised, name: string, end: RegExp): Promise<string> {
  const { fleet, gateway, ctl } = here;
  await eventually('gwe to be asleep', async () => {
    const pid = await pidOf(ctl);
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh' && trialFilesOf(gateway).length === 0;
  });
  await fleet.install(gateway.serial, name);
  process.kill(await pidOf(ctl), 'SIGWINCH');
  return await eventually(`an end like ${end} in fetch_status; the log: ${logOf(gateway)}`, async () =>
    (await endsOf(here)).find((each) => end.test(each)),
  );
}

for (const program of PROGRAMS) {
  test(`with ${program}: a new version from the tarball of the build takes over, and keeps the process id`, {
    skip: lacks('supervisor'),
  }, async (t) => {
    const here = await supervised(t, program);
    const { fleet, gateway, ctl, target } = here;
    const pid = await pidOf(ctl);
    const name = await fleet.upload(join(NEXT_FOLDER, updateTarball(NEXT.version)));
    await deploy(here, name, /^gwe\.v99\.1\.0\.tar\.gz: installed/);
    await eventually(
      'the new version to report',
      async () => (await reportOf(here)).own.version === NEXT.version,
    );
    await eventually('the trial to be over', () => trialFilesOf(gateway).length === 0);
    assert.equal(await pidOf(ctl), pid);
    assert.equal(versionOf(target), NEXT.version);
    assert.equal(versionOf(`${target}.previous`), NOW, 'the old one is kept');
    assert.match(logOf(gateway), /gwe 99\.1\.0 has completed a check-in and stays/);
    const { installed } = await reportOf(here);
    assert.deepEqual([installed.version, installed.outcome], [NEXT.version, 'installed']);
    assert.equal((await endsOf(here)).length, 1);
  });

  test(`with ${program}: a power cut in the middle of the trial only makes it go on`, {
    skip: lacks('supervisor'),
  }, async (t) => {
    const here = await supervised(t, program);
    const { fleet, gateway, ctl, tap, target } = here;
    let held = 0;
    // The new version's check-ins get no answer until the power has gone.
    tap.judge = ({ url, headers }) => {
      const isNew = headers['user-agent']?.includes(NEXT.version) === true;
      if (held > 0 || !isNew || !url.includes('engine_fetch')) return undefined;
      held += 1;
      return { answer: () => {} };
    };
    const name = await fleet.upload(join(NEXT_FOLDER, updateTarball(NEXT.version)));
    await deploy(here, name, /installed/);
    await eventually('the new version to check in', () => held > 0 && trialFilesOf(gateway).length > 0);
    await cutPower(ctl.process);
    assert.deepEqual(trialFilesOf(gateway), ['self-update', 'start.sh']);
    await startSupervisord(t, gateway);
    await eventually('the trial to be over', () => trialFilesOf(gateway).length === 0);
    assert.equal((await reportOf(here)).own.version, NEXT.version);
    assert.equal(versionOf(target), NEXT.version);
  });
}

/** A new file that passes its self-test; `once` is what it does for a check-in, `folder` is the gateway's. */
const badGwe = (once: string) => `#!/bin/sh
case $1 in
  --self-test) exit 0 ;;
  --version) echo 'gwe 0 (broken)'; exit 0 ;;
  --once) echo once >>"$HOME/starts" ;;
  *) echo run >>"$HOME/starts" ;;
esac
${once}
`;

/** A start of the trial that takes longer hangs. */
const HANG_LIMIT_S = 4;

/** What may be wrong with a new file that its self-test did not find. */
const BROKEN: Readonly<Record<string, { once: string; says: RegExp }>> = {
  'exits at once': { once: 'exit 1', says: /last exit 1\)/ },
  'crashes in its check-in': { once: 'kill -9 $$', says: /last exit 137\)/ },
  'cannot reach the platform, which the old one can': {
    once: `GWE_CONFIG_DIR=$HOME/astray exec ${GWE} "$@"`,
    says: /last exit 75: it does not reach the platform, which the old version does\)/,
  },
  hangs: { once: 'exec /bin/sleep 100000', says: /last exit 137\)/ },
};

/** A second configuration for the same gateway, whose platform is nowhere. */
function leadAstray({ folder, env }: Gateway): void {
  const copy =
    'cp -r etc astray && sed -i "s,^server = .*,server = http://127.0.0.1:1," astray/Engine.config';
  expectZero(run(['/bin/sh', '-c', copy], env, folder));
}

for (const program of PROGRAMS) {
  test(`with ${program}: a new version that does not work is back at the old one within three starts, which reports it`, {
    skip: lacks('supervisor'),
  }, async (t) => {
    const here = await supervised(t, program, HANG_LIMIT_S);
    const { fleet, gateway, ctl, target, folder } = here;
    leadAstray(gateway);
    const pid = await pidOf(ctl);
    for (const [index, [what, { once, says }]] of Object.entries(BROKEN).entries()) {
      writeFileSync(join(gateway.folder, 'starts'), '');
      const file = `gwe.v99.${index}.tar.gz`;
      const name = await fleet.upload(
        makeTarball(folder, file, { 'install.sh': updateScript(), [OWN_FILE]: badGwe(once) }),
      );
      const end = await deploy(here, name, new RegExp(`^gwe\\.v99\\.${index}\\.tar\\.gz: failed`));
      assert.match(end, says, what);
      assert.ok(end.includes(`within 3 starts`) && end.includes(`; back at v${NOW}`), end);
      assert.equal(readFileSync(join(gateway.folder, 'starts'), 'utf8'), 'once\n'.repeat(3), what);
      assert.equal(versionOf(target), NOW, what);
      const { own, installed } = await eventually('the old version to report', async () => {
        const report = await reportOf(here);
        return report.installed.outcome === 'failed' && report;
      });
      assert.deepEqual([own.version, installed.version], [NOW, NOW], what);
      assert.match(gateway.gwe('why').stdout, /rolled-back: gwe\.v99/, what);
      assert.equal((await endsOf(here)).filter((each) => each.startsWith(name)).length, 2, what);
    }
    assert.equal(await pidOf(ctl), pid, 'the process id is still the same');
  });
}

test('with gwe.conf of install.sh: a new version that cannot even be started, and three power cuts, end at the old one', {
  skip: lacks('supervisor'),
}, async (t) => {
  const here = await supervised(t, 'gwe.conf of install.sh');
  const { fleet, gateway, target, folder } = here;
  let { ctl } = here;
  const starts = () =>
    existsSync(join(gateway.folder, 'starts')) ? readFileSync(join(gateway.folder, 'starts'), 'utf8') : '';
  const once = 'while [ ! -e "$HOME/go" ]; do /bin/sleep 0.1; done; exit 1';
  const name = await fleet.upload(
    makeTarball(folder, 'gwe.v98.tar.gz', { 'install.sh': updateScript(), [OWN_FILE]: badGwe(once) }),
  );
  await deploy(here, name, /installed/);
  for (const start of [1, 2, 3]) {
    await eventually(`start ${start}`, () => starts() === 'once\n'.repeat(start));
    await cutPower(ctl.process);
    ctl = await startSupervisord(t, gateway);
  }
  await eventually('the report of it', async () =>
    (await endsOf(here)).some((end) => /^gwe\.v98.*: failed/.test(end)),
  );
  assert.equal(starts(), 'once\n'.repeat(3));
  assert.equal(versionOf(target), NOW);
  assert.deepEqual(trialFilesOf(gateway), []);
});

test('a new file that does not pass its self-test never takes the name, also after a version that had failed its trial', {
  skip: lacks('supervisor'),
}, async (t) => {
  const here = await supervised(t, 'a bare command');
  const { fleet, gateway, target, folder } = here;
  const tarball = (version: string, text: string) =>
    fleet.upload(
      makeTarball(folder, `gwe.v${version}.tar.gz`, { 'install.sh': updateScript(), [OWN_FILE]: text }),
    );
  await deploy(here, await tarball('98', badGwe('exit 1')), /gwe\.v98.*: failed/);
  writeFileSync(join(gateway.folder, 'starts'), '');
  const before_ino = statSync(target).ino;
  const end = await deploy(
    here,
    await tarball('99', '#!/bin/sh\necho "no disk"; exit 9\n'),
    /gwe\.v99.*: failed/,
  );
  assert.match(end, /install\.sh ended with 1\b[\s\S]*no disk[\s\S]*does not pass its self-test \(exit 9\)/);
  assert.equal(statSync(target).ino, before_ino);
  assert.equal(
    readFileSync(join(gateway.folder, 'starts'), 'utf8'),
    '',
    'nobody went back to the one that had failed',
  );
  assert.deepEqual(trialFilesOf(gateway), []);
});

test('a power cut just after the way back does not leave gwe waiting for a trial that is over', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  await fleetOf(platform).addGateway(gateway.serial);
  expectZero(await gateway.gweAsync('--once'));
  writeFileSync(join(gateway.state, 'self-update'), `previous=${gateway.folder}/gone\nstarts=3\n`);
  const checkIns = async () => (await platform.points(gateway.serial, 'usage_report')).length;
  const before_count = await checkIns();
  start(t, [...gateway.command], gateway.env);
  await eventually('a check-in', async () => (await checkIns()) > before_count);
  assert.deepEqual(trialFilesOf(gateway), []);
});

test('a gateway that takes no downgrade takes no older gwe either, however that one came onto it', async (t) => {
  const platform = await startPlatform(t);
  const settings = { 'install.allow_downgrade': 'off' };
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, settings });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  const files = { 'install.sh': '#!/bin/sh\necho ran\n' };
  await fleet.install(
    gateway.serial,
    await fleet.upload(makeTarball(tempFolder(t), 'gwe.v0.0.1.tar.gz', files)),
  );
  assert.equal((await gateway.gweAsync('--once')).status, 3);
  const end = await fleet.read(gateway.serial, 'fetch_status');
  assert.ok(end.includes(`discarded: downgrade: v0.0.1 is older than v${NOW}, which is installed`), end);
});
