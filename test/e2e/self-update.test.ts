/**
 * gwe updates gwe, under a real supervisord: a good new version takes over with the same process id, over a power cut too.
 * Both with gwe.conf as install.sh writes it and with a bare `command=…/gwe`.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { updateTarball } from '../../src/packaging/update-tarball.ts';
import { lacks } from '../debian.ts';
import { cutPower } from './ending.ts';
import { eventually, startSupervisord } from './machine.ts';
import {
  buildNext,
  deploy,
  endsOf,
  logOf,
  NEXT,
  NEXT_FOLDER,
  NOW,
  PROGRAMS,
  pidOf,
  reportOf,
  supervised,
  trialFilesOf,
  versionOf,
} from './updating.ts';

before(buildNext);

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
