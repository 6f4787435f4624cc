import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { carryOut, exists, type Ground, makeGround, processOf, tracing } from './ground.ts';

const PROGRAM = '[supervisord]\ncommand=/bin/true\n';

describe('going back', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
  });
  afterEach(() => ground.remove());

  const installGood = async (files: Record<string, string> = {}) => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing('echo good'), ...files });
    await carryOut(ground, 'app.v1.tar.gz');
    ground.supervised.length = 0;
  };

  it('installs the last good version again when install.sh fails, telling it from where', async () => {
    await installGood();
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing('echo bad; exit 7') });
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.equal(ends[0]?.outcome, 'failed');
    assert.equal(ends[0]?.why, 'install.sh ended with 7');
    assert.equal(ends[0]?.exit, 7);
    assert.equal(ends[0]?.rolledBackTo, '1');
    assert.equal(String(ends[0]?.output), 'bad\n--- install.sh of v1, going back ---\ngood\n');
    assert.deepEqual(ground.trace().slice(1), [
      "install app v2 from '1' attempt 1",
      "install app v1 from '2' attempt 1 back from 2",
    ]);
    const [app] = ground.open().installed();
    assert.equal(app?.good?.version, '1');
    assert.equal(app?.last?.outcome, 'failed');
    assert.equal(app?.quarantine[0]?.version, '2');
    assert.deepEqual(readdirSync(join(ground.state, 'apps/app')).sort(), ['app.v1.tar.gz', 'record.json']);
    assert.deepEqual(readdirSync(join(ground.state, 'staging')), []);
  });

  it('goes back when the program does not stay RUNNING through the health window', async () => {
    await installGood({ 'supervisor.conf': PROGRAM });
    const before = readFileSync(join(ground.confDir, 'app.conf'), 'utf8');
    ground.upload('app.v2.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/false\n',
    });
    let taken = 0;
    ground.onTakeUp = (app) => {
      taken += 1;
      if (taken === 1)
        ground.programs.set(app, processOf(app, { state: 'FATAL', spawnError: 'no such file' }));
    };
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.equal(ends[0]?.why, 'app is FATAL (no such file)');
    assert.equal(ends[0]?.rolledBackTo, '1');
    assert.deepEqual(ground.supervised, ['takeUp app', 'takeUp app']);
    assert.equal(readFileSync(join(ground.confDir, 'app.conf'), 'utf8'), before);
  });

  it('sees a program that crashes and is started again within the window', async () => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing(), 'supervisor.conf': PROGRAM });
    const sleep = ground.clock.sleep;
    ground.clock.sleep = async (duration_ms, signal) => {
      await sleep(duration_ms, signal);
      if (ground.clock.elapsed_ms > 5000) ground.programs.set('app', processOf('app', { pid: 999 }));
    };
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.outcome, 'failed');
    assert.match(ends[0]?.why ?? '', /app ended after it had been RUNNING/);
  });

  it('gives up on a program that never comes up', async () => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing(), 'supervisor.conf': PROGRAM });
    ground.onTakeUp = (app) => void ground.programs.set(app, processOf(app, { state: 'BACKOFF' }));
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.match(ends[0]?.why ?? '', /^app is BACKOFF, 60 s after it was started/);
  });

  it('goes back when health.sh is not content', async () => {
    await installGood();
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing(), 'health.sh': '#!/bin/sh\necho ill; exit 4\n' });
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.deepEqual([ends[0]?.why, ends[0]?.rolledBackTo], ['health.sh ended with 4', '1']);
    assert.match(String(ends[0]?.output), /^--- health.sh ---\nill\n/);
  });

  it('goes back when health.sh takes too long', async () => {
    await installGood();
    ground.settings = { ...ground.settings, 'install.health_timeout': 2 };
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing(), 'health.sh': '#!/bin/sh\nexec sleep 600\n' });
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.deepEqual([ends[0]?.why, ends[0]?.rolledBackTo], ['health.sh took longer than 2 s', '1']);
  });

  it('undoes a first install: uninstall.sh runs, its program goes', async () => {
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': PROGRAM,
      'health.sh': '#!/bin/sh\nexit 1\n',
      'uninstall.sh': '#!/bin/sh\necho "uninstall from $GWE_ROLLBACK_FROM" >>"$WORLD/trace"\n',
    });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.outcome, 'failed');
    assert.equal(ends[0]?.rolledBackTo, undefined);
    assert.equal(ends[0]?.note, 'uninstall.sh ended with 0');
    assert.deepEqual(ground.trace().slice(1), ['uninstall from 1']);
    assert.deepEqual(ground.supervised, ['takeUp app', 'remove app']);
    assert.ok(!exists(join(ground.confDir, 'app.conf')));
    assert.equal(ground.open().installed()[0]?.good, undefined);
  });

  it('puts back the program file that somebody else had there before a first install', async () => {
    writeFileSync(join(ground.confDir, 'app.conf'), '[program:app]\ncommand=/old\n');
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': PROGRAM,
      'health.sh': '#!/bin/sh\nexit 1\n',
    });
    await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(readFileSync(join(ground.confDir, 'app.conf'), 'utf8'), '[program:app]\ncommand=/old\n');
    assert.deepEqual(ground.supervised, ['takeUp app', 'takeUp app']);
  });

  it('says so when the last good version cannot be brought back', async () => {
    await installGood();
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing('touch "$WORLD/broken"; exit 1') });
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing('[ ! -e "$WORLD/broken" ]') });
    await carryOut(ground, 'app.v1.tar.gz');
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.equal(ends[0]?.rollbackFailed, '1');
    assert.equal(ends[0]?.rolledBackTo, undefined);
    assert.equal(ends[0]?.note, 'v1: install.sh ended with 1');
    assert.ok(exists(join(ground.state, 'apps/app/app.v1.tar.gz')), 'the way back is still there');
  });

  it('says so when the kept tarball is damaged, and runs nothing of it', async () => {
    await installGood();
    writeFileSync(
      join(ground.state, 'apps/app/app.v1.tar.gz'),
      ground.upload('app.v9.tar.gz', { 'install.sh': tracing() }),
    );
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing('exit 1') });
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.equal(ends[0]?.rollbackFailed, '1');
    assert.match(ends[0]?.note ?? '', /its kept tarball is damaged/);
    assert.equal(ground.trace().length, 2);
  });

  it('leaves everything as it is where rollback is off, and says so', async () => {
    await installGood();
    ground.settings = { ...ground.settings, 'install.rollback': false };
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing('exit 1') });
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.equal(ends[0]?.rolledBackTo, undefined);
    assert.match(ends[0]?.note ?? '', /install.rollback is off/);
    assert.equal(ground.trace().length, 2);
  });

  it('takes a digest out of quarantine once a new command has installed it', async () => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing('[ -e "$WORLD/ready" ]') });
    await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ground.open().installed()[0]?.quarantine.length, 1);
    writeFileSync(join(ground.world, 'ready'), '');
    await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ground.open().installed()[0]?.quarantine.length, 0);
    assert.equal(ground.trace().length, 2);
  });

  it('fails, and goes back, when supervisord refuses the program', async () => {
    await installGood({ 'supervisor.conf': PROGRAM });
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing(), 'supervisor.conf': PROGRAM });
    let taken = 0;
    ground.onTakeUp = () => {
      taken += 1;
      if (taken === 1) throw new Error('refused');
    };
    const { ends } = await carryOut(ground, 'app.v2.tar.gz');
    assert.deepEqual([ends[0]?.outcome, ends[0]?.why, ends[0]?.rolledBackTo], ['failed', 'refused', '1']);
  });
});
