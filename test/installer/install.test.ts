import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { assertEnds } from '../alive.ts';
import {
  carryOut,
  exists,
  type Ground,
  instructionOf,
  makeGround,
  never,
  processOf,
  tracing,
} from './ground.ts';

describe('installing', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
  });
  afterEach(() => ground.remove());

  it('runs install.sh with what it needs to know, reports its output, and keeps the tarball as the way back', async () => {
    const bytes = ground.upload('app.v1.tar.gz', {
      'install.sh': tracing('echo hello; echo oops >&2; env | grep ^GWE_ | sort; pwd'),
    });
    const result = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(result.ends.length, 1);
    const [end] = ground.reports.values();
    assert.equal(end?.outcome, 'installed');
    assert.equal(end?.exit, 0);
    assert.equal(end?.attempt, 1);
    const output = String(end?.output);
    assert.match(
      output,
      /^hello\noops\nGWE_APP_NAME=app\nGWE_APP_VERSION=1\nGWE_ATTEMPT=1\nGWE_EXECUTABLE=.*\n/,
    );
    assert.match(output, /GWE_SERIAL=SN-1\nGWE_STATE_DIR=/);
    assert.deepEqual(ground.trace(), ["install app v1 from '' attempt 1"]);
    assert.deepEqual(readFileSync(join(ground.state, 'apps/app/app.v1.tar.gz')), bytes);
    const [app] = ground.open().installed();
    assert.equal(app?.good?.version, '1');
    assert.equal(app?.last?.outcome, 'installed');
  });

  it('leaves nothing behind but the record and the last good tarball', async () => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing() });
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing() });
    await carryOut(ground, 'app.v1.tar.gz');
    await carryOut(ground, 'app.v2.tar.gz');
    assert.deepEqual(readdirSync(join(ground.state, 'apps/app')).sort(), ['app.v2.tar.gz', 'record.json']);
    for (const folder of ['journal', 'downloads', 'staging']) {
      assert.deepEqual(readdirSync(join(ground.state, folder)), [], folder);
    }
  });

  it('does not have the disk written with what it is about to remove, but with what a health check still needs', async () => {
    const unpacked: boolean[] = [];
    const flush = async () => {
      const staging = join(ground.state, 'staging');
      const [key = ''] = readdirSync(staging);
      unpacked.push(exists(join(staging, key, 'app')));
      return true;
    };
    ground.upload('plain.v1.tar.gz', { 'install.sh': tracing() });
    ground.upload('healthy.v1.tar.gz', { 'install.sh': tracing(), 'health.sh': tracing('exit 0') });
    const installer = ground.open({ flusher: async () => ({ flush, dismiss: () => {} }) });
    for (const file of ['plain.v1.tar.gz', 'healthy.v1.tar.gz']) {
      installer.cleared(installer.accept(instructionOf(file)).id);
      await installer.workOff(never());
    }
    assert.deepEqual(unpacked, [false, true]);
  });

  it('ends what stood by for an install.sh that is never run', async () => {
    let standing = 0;
    const flusher = async () => {
      standing += 1;
      const dismiss = () => {
        standing -= 1;
      };
      return { flush: async () => true, dismiss };
    };
    ground.upload('app.v1.tar.gz', { 'install.sh': 'no first line\n' });
    const installer = ground.open({ flusher });
    installer.cleared(installer.accept(instructionOf('app.v1.tar.gz')).id);
    const { ends } = await installer.workOff(never());
    assert.deepEqual([ends[0]?.outcome, standing], ['discarded', 0]);
    assert.deepEqual(readdirSync(join(ground.state, 'staging')), []);
  });

  it('writes nothing and asks nobody when there is nothing to do', async () => {
    const result = await ground.open().workOff(never());
    assert.deepEqual(result, { ends: [], held: [], retry: undefined });
    assert.deepEqual(readdirSync(ground.state), []);
    assert.deepEqual(ground.asked, []);
  });

  it('goes on with the next tarball after one failed, in order', async () => {
    ground.upload('a.v1.tar.gz', { 'install.sh': '#!/bin/sh\nexit 3\n' });
    ground.upload('b.v1.tar.gz', { 'install.sh': tracing() });
    const { ends } = await carryOut(ground, 'a.v1.tar.gz', 'gone.v1.tar.gz', 'b.v1.tar.gz');
    assert.deepEqual(
      ends.map(({ name, outcome, why }) => [name, outcome, why]),
      [
        ['a.v1.tar.gz', 'failed', 'install.sh ended with 3'],
        ['gone.v1.tar.gz', 'gone', 'not in the Content Area'],
        ['b.v1.tar.gz', 'installed', undefined],
      ],
    );
    assert.equal(ground.asked.filter((each) => each === 'info gone.v1.tar.gz').length, 1);
  });

  it('discards a tarball that fails a check without running anything of it, and forgets the download', async () => {
    ground.upload('app.v1.tar.gz', { 'readme.txt': 'no install.sh' });
    ground.content.set('junk.v1.tar.gz', { bytes: Buffer.alloc(1000, 0xff), updated_s: 1, meta: '' });
    ground.room = { bytes: 100e6, inodes: 1e6 };
    const { ends } = await carryOut(ground, 'app.v1.tar.gz', 'junk.v1.tar.gz');
    assert.deepEqual(
      ends.map(({ outcome, check }) => [outcome, check]),
      [
        ['discarded', 'install.sh'],
        ['discarded', 'gzip'],
      ],
    );
    assert.ok(!ends[0]?.why?.startsWith('install.sh:'), ends[0]?.why);
    assert.deepEqual(readdirSync(join(ground.state, 'downloads')), []);
    assert.ok(!exists(join(ground.state, 'apps/app')));
  });

  it('reports the names of an instruction that break the rules, each by itself', async () => {
    const installer = ground.open();
    const entry = installer.accept({
      text: 'x',
      items: [],
      discarded: [{ name: '../x', why: 'name: it has a "/"' }],
    });
    const { ends } = await installer.workOff(never());
    assert.deepEqual(
      ends.map(({ name, outcome, check, why }) => ({ name, outcome, check, why })),
      [{ name: '../x', outcome: 'discarded', check: 'name', why: 'it has a "/"' }],
    );
    assert.equal(installer.pending().length, 1);
    installer.cleared(entry.id);
    assert.deepEqual(installer.pending(), []);
  });

  it('ends whatever install.sh leaves running, and what it prints cannot hurt', async () => {
    ground.upload('app.v1.tar.gz', {
      'install.sh': `#!/bin/sh\nsleep 600 &\necho $! >"$WORLD/child"\nprintf '\\033[2Jred\\377'\nhead -c 300000 /dev/zero | tr '\\0' x\n`,
    });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.outcome, 'installed');
    const output = ends[0]?.output ?? Buffer.alloc(0);
    assert.ok(output.length < ground.settings['install.output_max_bytes'] + 100);
    assert.match(output.toString('latin1'), /bytes left out/);
    const child = Number(readFileSync(join(ground.world, 'child'), 'utf8'));
    await assertEnds(child);
  });

  it('stops an install.sh that takes too long', async () => {
    ground.settings = { ...ground.settings, 'install.timeout': 2 };
    ground.upload('app.v1.tar.gz', { 'install.sh': '#!/bin/sh\nexec sleep 600\n' });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.why, 'install.sh took longer than 2 s');
  });

  it('has supervisord take the program up, and commits once it stayed RUNNING and health.sh is content', async () => {
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\n',
      'health.sh': '#!/bin/sh\necho fine; echo health >>"$WORLD/trace"\n',
    });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.outcome, 'installed');
    assert.match(
      readFileSync(join(ground.confDir, 'app.conf'), 'utf8'),
      /\[program:app\]\ncommand=\/bin\/true\n/,
    );
    assert.deepEqual(ground.supervised, ['takeUp app']);
    assert.ok(ground.clock.elapsed_ms >= 10_000, 'the health window passed');
    assert.equal(String(ends[0]?.output), '--- health.sh ---\nfine\n');
    assert.deepEqual(ground.trace(), ["install app v1 from '' attempt 1", 'health']);
  });

  it('works without supervisord, and says so', async () => {
    ground.hasSupervisord = false;
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\n',
    });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.equal(ends[0]?.outcome, 'installed');
    assert.match(ends[0]?.note ?? '', /^no supervisord: app.conf is written, not started/);
    assert.ok(exists(join(ground.confDir, 'app.conf')));
  });

  it('does not restart itself when gwe is what is installed', async () => {
    ground.upload('gwe.v2.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\n',
    });
    ground.programs.set('gwe', processOf('gwe'));
    const { ends } = await carryOut(ground, 'gwe.v2.tar.gz');
    assert.equal(ends[0]?.outcome, 'installed');
    assert.deepEqual(ground.supervised, []);
  });

  it('discards a program that supervisord would refuse before anything is run', async () => {
    ground.upload('app.v1.tar.gz', {
      'install.sh': tracing(),
      'supervisor.conf': '[supervisord]\ncommand=/bin/true\nstartsecs=soon\n',
    });
    const { ends } = await carryOut(ground, 'app.v1.tar.gz');
    assert.deepEqual([ends[0]?.outcome, ends[0]?.check], ['discarded', 'supervisor.conf']);
    assert.deepEqual(ground.trace(), []);
  });

  it('carries the same text out again when it is a new command', async () => {
    ground.upload('job.v1.tar.gz', { 'install.sh': tracing() });
    await carryOut(ground, 'job.v1.tar.gz');
    await carryOut(ground, 'job.v1.tar.gz');
    assert.deepEqual(ground.trace(), [
      "install job v1 from '' attempt 1",
      "install job v1 from '1' attempt 1",
    ]);
    assert.equal(new Set(ground.reportCalls).size, 2);
  });

  it('keeps an ended instruction until its clearing is acknowledged, and does not do it again', async () => {
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing() });
    const installer = ground.open();
    const entry = installer.accept(instructionOf('app.v1.tar.gz'));
    await installer.workOff(never());
    const later = ground.open();
    assert.equal(later.hasWork(), false);
    assert.deepEqual(
      later.pending().map(({ id }) => id),
      [entry.id],
    );
    await later.workOff(never());
    assert.equal(ground.trace().length, 1);
    later.cleared(entry.id);
    assert.deepEqual(ground.open().pending(), []);
  });

  it('reports what a defect of the installer left, and goes on', async () => {
    ground.upload('a.v1.tar.gz', { 'install.sh': tracing() });
    ground.upload('b.v1.tar.gz', { 'install.sh': tracing() });
    ground.network.onGet = (id) => {
      if (id === 'a.v1.tar.gz') throw new TypeError('x is not a function');
    };
    const { ends } = await carryOut(ground, 'a.v1.tar.gz', 'b.v1.tar.gz');
    assert.deepEqual(
      ends.map(({ outcome }) => outcome),
      ['failed', 'installed'],
    );
    assert.equal(ends[0]?.why, 'x is not a function');
    assert.match(String(ends[0]?.output), /TypeError: x is not a function\n +at /);
  });
});
