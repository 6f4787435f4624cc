/** Programs that die or cannot be started, under a real supervisord, on the built file. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacks } from '../debian.ts';
import { type Files, GOOD, layGround, read } from './ground.ts';
import { eventually, startPlatform, startSupervisord } from './machine.ts';

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
        /failed: app\d+ .*is EXITED with 9.*\n[\s\S]*uninstalled 1/,
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
