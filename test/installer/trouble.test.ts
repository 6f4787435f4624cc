import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { birthOf } from '../../src/host/lock.ts';
import { exists, type Ground, instructionOf, makeGround, never, tracing } from './ground.ts';

describe('trouble with the machine', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing() });
  });
  afterEach(() => ground.remove());

  it('that keeps the journal from being written loses nothing and throws nothing', async () => {
    const installer = ground.open();
    installer.accept(instructionOf('app.v1.tar.gz'));
    const journal = join(ground.state, 'journal');
    renameSync(journal, `${journal}.away`);
    writeFileSync(journal, '');
    const { ends, held, retry } = await installer.workOff(never());
    assert.deepEqual([ends.length, held[0]?.kind, retry], [0, 'state', undefined]);
    rmSync(journal);
    renameSync(`${journal}.away`, journal);
    const after = await ground.open().workOff(never());
    assert.equal(after.ends[0]?.outcome, 'installed');
  });

  it('that keeps a folder from being written ends in a clear report', async () => {
    writeFileSync(join(ground.state, 'downloads'), 'a file in the place of the folder');
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { ends } = await ground.open().workOff(never());
    assert.equal(ends[0]?.outcome, 'failed');
    assert.match(ends[0]?.why ?? '', /downloads/);
  });

  it('that keeps the program file from being written takes the install back', async () => {
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\n',
      'uninstall.sh': '#!/bin/sh\necho uninstall >>"$WORLD/trace"\n',
    });
    rmSync(ground.confDir, { recursive: true });
    writeFileSync(ground.confDir, '');
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { ends } = await ground.open().workOff(never());
    assert.equal(ends[0]?.outcome, 'failed');
    assert.equal(ground.trace().at(-1), 'uninstall');
  });

  it('leaves nothing of what was half written when the power went', async () => {
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    for (const folder of ['journal', 'downloads', 'staging', 'apps/app']) {
      mkdirSync(join(ground.state, folder), { recursive: true });
      writeFileSync(join(ground.state, folder, '.x.json.1234.new'), '');
    }
    mkdirSync(join(ground.state, 'staging/00000000-old-0/app'), { recursive: true });
    writeFileSync(join(ground.state, 'downloads/old.v1.tar.gz.part'), '');
    await ground.open().workOff(never());
    assert.deepEqual(readdirSync(join(ground.state, 'downloads')), []);
    assert.deepEqual(readdirSync(join(ground.state, 'staging')), []);
    assert.deepEqual(readdirSync(join(ground.state, 'apps/app')).sort(), ['app.v1.tar.gz', 'record.json']);
    assert.ok(!readdirSync(join(ground.state, 'journal')).some((name) => name.endsWith('.new')));
  });

  it('that killed gwe but not the install.sh it ran: the old run is ended before the new one begins', async () => {
    const installer = ground.open();
    const entry = installer.accept(instructionOf('app.v1.tar.gz'));
    const file = join(ground.state, 'journal', `${entry.id}.json`);
    const journal = JSON.parse(readFileSync(file, 'utf8'));
    journal.items[0] = { ...journal.items[0], phase: 'script', attempt: 1 };
    writeFileSync(file, JSON.stringify(journal));
    const old = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const ended = once(old, 'exit');
    const folder = join(ground.state, 'staging', `${entry.id}-0`);
    mkdirSync(folder, { recursive: true });
    const birth = birthOf(old.pid ?? 0) ?? '';
    writeFileSync(join(folder, 'running'), `${old.pid} ${birth}`);
    ground.start = { process: 'other', boot: birth.split('/')[0] ?? '', uptime_ms: 0 };
    const { ends } = await ground.open().workOff(never());
    const [, signal] = await ended;
    assert.equal(signal, 'SIGTERM');
    assert.deepEqual([ends[0]?.outcome, ends[0]?.attempt], ['installed', 2]);
  });

  it('leaves a process alone that only has the number of an old script', async () => {
    const installer = ground.open();
    const entry = installer.accept(instructionOf('app.v1.tar.gz'));
    const other = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const folder = join(ground.state, 'staging', `${entry.id}-0`);
    mkdirSync(folder, { recursive: true });
    const boot = (birthOf(other.pid ?? 0) ?? '').split('/')[0] ?? '';
    writeFileSync(join(folder, 'running'), `${other.pid} ${boot}/1`);
    ground.start = { process: 'other', boot, uptime_ms: 0 };
    await ground.open().workOff(never());
    assert.ok(exists(`/proc/${other.pid}`));
    assert.equal(other.exitCode, null);
    other.kill();
    await once(other, 'exit');
  });

  it('does not make two runs of one journal at once', async () => {
    const installer = ground.open();
    installer.accept(instructionOf('app.v1.tar.gz'));
    const [one, other] = await Promise.all([installer.workOff(never()), installer.workOff(never())]);
    assert.equal(one, other);
    assert.equal(ground.trace().length, 1);
  });

  it('keeps the acknowledgement of a clearing that comes while the install runs', async () => {
    const installer = ground.open();
    const { id } = installer.accept(instructionOf('app.v1.tar.gz'));
    const running = installer.workOff(never());
    installer.cleared(id);
    await running;
    assert.deepEqual(ground.open().pending(), []);
  });
});
