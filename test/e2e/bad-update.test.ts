/**
 * A new gwe that does not work, pushed by the fleet, under a real supervisord: the old one is back after three starts, over
 * power cuts too, and has said so.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { updateScript } from '../../src/packaging/scripts.ts';
import { lacks } from '../debian.ts';
import { cutPower } from './ending.ts';
import { fleetOf } from './fleet.ts';
import {
  eventually,
  expectZero,
  type Gateway,
  GWE,
  makeGateway,
  makeTarball,
  run,
  start,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';
import {
  deploy,
  endsOf,
  NOW,
  OWN_FILE,
  PROGRAMS,
  pidOf,
  reportOf,
  supervised,
  trialFilesOf,
  versionOf,
} from './updating.ts';

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
const HANG_LIMIT_S = 2;

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
