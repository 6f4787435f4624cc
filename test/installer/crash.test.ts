import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { InstallEnd } from '../../src/reports/ends.ts';
import type { ProcessInfo } from '../../src/supervisor/supervisor.ts';
import { type Content, type Ground, instructionOf, makeGround, never, tracing } from './ground.ts';

const PROGRAM = '[supervisord]\ncommand=/bin/true\n';

/** The disk, and the world around it, as they were when the power went. */
interface Moment {
  name: string;
  root: string;
  content: Map<string, Content>;
  reports: Map<string, InstallEnd>;
  programs: Map<string, ProcessInfo>;
}

/** Carries the instruction out, and keeps the state of everything at each durable transition. */
async function record(ground: Ground, files: readonly string[]): Promise<Moment[]> {
  const moments: Moment[] = [];
  const keep = (name: string) => {
    const root = mkdtempSync(join(tmpdir(), 'gwe-moment-'));
    cpSync(ground.root, root, { recursive: true, verbatimSymlinks: true });
    const { content, reports, programs } = ground;
    moments.push({ name, root, content, reports: new Map(reports), programs: new Map(programs) });
  };
  const installer = ground.open({ checkpoint: keep });
  const entry = installer.accept(instructionOf(...files));
  keep('accepted');
  installer.cleared(entry.id);
  keep('cleared');
  await installer.workOff(never());
  return moments;
}

/** Starts again from a moment, on a machine that was switched off and on. */
async function startAgain(moment: Moment, prepare: (ground: Ground) => void): Promise<Ground> {
  const ground = makeGround(moment.root);
  ground.content = moment.content;
  ground.reports = moment.reports;
  ground.programs = moment.programs;
  ground.start = { process: 'boot-2/100', boot: 'boot-2', uptime_ms: 0 };
  prepare(ground);
  const installer = ground.open();
  for (const { id, clearing } of installer.pending()) if (clearing === 'pending') installer.cleared(id);
  await installer.workOff(never());
  return ground;
}

function assertClean(ground: Ground, where: string): void {
  for (const folder of ['journal', 'downloads', 'staging']) {
    let left: string[] = [];
    try {
      left = readdirSync(join(ground.state, folder));
    } catch {}
    assert.deepEqual(left, [], `${where}: ${folder}`);
  }
}

async function everyMoment(
  files: readonly string[],
  prepare: (ground: Ground) => Promise<void> | void,
  restart: (ground: Ground) => void,
  check: (ground: Ground, moment: Moment) => void,
): Promise<string[]> {
  const ground = makeGround();
  const moments: Moment[] = [];
  try {
    await prepare(ground);
    moments.push(...(await record(ground, files)));
    for (const moment of moments) {
      const after = await startAgain(moment, restart);
      assertClean(after, moment.name);
      check(after, moment);
    }
    return moments.map(({ name }) => name);
  } finally {
    ground.remove();
    for (const { root } of moments) rmSync(root, { recursive: true, force: true });
  }
}

const goodFirst = async (ground: Ground) => {
  ground.upload('app.v1.tar.gz', { 'install.sh': tracing(), 'supervisor.conf': PROGRAM });
  await record(ground, ['app.v1.tar.gz']).then((moments) => {
    for (const { root } of moments) rmSync(root, { recursive: true, force: true });
  });
};

describe('a power cut at any transition', () => {
  it('of a good update ends in the new version, reported once, install.sh run once more only if it had begun', async () => {
    const names = await everyMoment(
      ['app.v2.tar.gz'],
      async (ground) => {
        await goodFirst(ground);
        ground.upload('app.v2.tar.gz', {
          'install.sh': tracing('echo v2 >"$WORLD/version"'),
          'supervisor.conf': '[supervisord]\ncommand=/bin/v2\n',
          'health.sh': '#!/bin/sh\ngrep -q v2 "$WORLD/version"\n',
        });
      },
      () => {},
      (ground, { name }) => {
        const ends = [...ground.reports.values()].filter(({ version }) => version === '2');
        assert.deepEqual(
          ends.map(({ outcome }) => outcome),
          ['installed'],
          name,
        );
        const runs = ground.trace().filter((line) => line.startsWith('install app v2'));
        const wasCut = name.startsWith('script') || name.startsWith('install.sh ended');
        const attempts = name.startsWith('install.sh ended') ? [1, 2] : name.startsWith('script') ? [2] : [1];
        assert.deepEqual(
          runs,
          attempts.map((n) => `install app v2 from '1' attempt ${n}`),
          name,
        );
        assert.equal(ends[0]?.attempt, wasCut ? 2 : 1, name);
        assert.match(readFileSync(join(ground.confDir, 'app.conf'), 'utf8'), /bin\/v2/, name);
        assert.equal(ground.open().installed()[0]?.good?.version, '2', name);
        assert.deepEqual(
          readdirSync(join(ground.state, 'apps/app')).sort(),
          ['app.v2.tar.gz', 'record.json'],
          name,
        );
      },
    );
    assert.ok(names.length >= 12, names.join(', '));
  });

  it('of an update that fails ends back at the old version, reported once', async () => {
    const names = await everyMoment(
      ['app.v2.tar.gz'],
      async (ground) => {
        await goodFirst(ground);
        ground.upload('app.v2.tar.gz', {
          'install.sh': tracing(),
          'supervisor.conf': '[supervisord]\ncommand=/bin/v2\n',
          'health.sh': '#!/bin/sh\nexit 1\n',
        });
      },
      () => {},
      (ground, { name }) => {
        const ends = [...ground.reports.values()].filter(({ version }) => version === '2');
        assert.deepEqual(
          ends.map(({ outcome, rolledBackTo, why }) => [outcome, rolledBackTo, why]),
          [['failed', '1', 'health.sh ended with 1']],
          name,
        );
        assert.match(readFileSync(join(ground.confDir, 'app.conf'), 'utf8'), /bin\/true/, name);
        assert.equal(ground.open().installed()[0]?.good?.version, '1', name);
      },
    );
    assert.ok(names.some((name) => name.startsWith('rollback begins')));
  });

  it('of a first install that fails leaves no program behind', async () => {
    await everyMoment(
      ['app.v1.tar.gz'],
      (ground) => {
        ground.upload('app.v1.tar.gz', {
          'install.sh': tracing(),
          'supervisor.conf': PROGRAM,
          'health.sh': '#!/bin/sh\nexit 1\n',
          'uninstall.sh': '#!/bin/sh\necho uninstall >>"$WORLD/trace"\n',
        });
      },
      () => {},
      (ground, { name }) => {
        assert.deepEqual(
          [...ground.reports.values()].map(({ outcome }) => outcome),
          ['failed'],
          name,
        );
        assert.deepEqual(readdirSync(ground.confDir), [], name);
        assert.ok(ground.trace().includes('uninstall'), name);
      },
    );
  });

  it('of an instruction with two tarballs does both, in order, though the first fails', async () => {
    await everyMoment(
      ['a.v1.tar.gz', 'b.v1.tar.gz'],
      (ground) => {
        ground.upload('a.v1.tar.gz', { 'install.sh': tracing('exit 1') });
        ground.upload('b.v1.tar.gz', { 'install.sh': tracing() });
      },
      () => {},
      (ground, { name }) => {
        const ends = [...ground.reports.values()].map(({ app, outcome }) => `${app} ${outcome}`);
        assert.deepEqual(ends, ['a failed', 'b installed'], name);
      },
    );
  });
});

describe('an install.sh that is cut short', () => {
  const cutShort = async (ground: Ground, times: number) => {
    for (let n = 0; n < times; n++) {
      const stop = new AbortController();
      const before = ground.trace().length;
      const stopOnceItRuns = () => {
        if (ground.trace().length > before) stop.abort();
        else setTimeout(stopOnceItRuns, 5);
      };
      const installer = ground.open({
        checkpoint: (name) => {
          if (name.startsWith('script')) stopOnceItRuns();
        },
      });
      const result = await installer.workOff(stop.signal);
      assert.equal(result.held[0]?.kind, 'stopped');
      assert.equal(result.retry, undefined);
    }
  };

  it('by TERM to gwe is run again at the next start, and counted', async () => {
    const ground = makeGround();
    try {
      ground.upload('app.v1.tar.gz', {
        'install.sh': tracing('[ "$GWE_ATTEMPT" = 3 ] || exec sleep 600'),
      });
      ground.open().accept(instructionOf('app.v1.tar.gz'));
      await cutShort(ground, 2);
      assert.equal(ground.reports.size, 0);
      const { ends } = await ground.open().workOff(never());
      assert.deepEqual([ends[0]?.outcome, ends[0]?.attempt], ['installed', 3]);
      assert.deepEqual(
        ground.trace().map((line) => line.at(-1)),
        ['1', '2', '3'],
      );
    } finally {
      ground.remove();
    }
  });

  it('too often is rolled back and reported', async () => {
    const ground = makeGround();
    try {
      ground.upload('app.v1.tar.gz', {
        'install.sh': tracing('exec sleep 600'),
        'uninstall.sh': '#!/bin/sh\necho uninstall >>"$WORLD/trace"\n',
      });
      ground.open().accept(instructionOf('app.v1.tar.gz'));
      await cutShort(ground, 3);
      const { ends } = await ground.open().workOff(never());
      assert.equal(ends[0]?.outcome, 'failed');
      assert.equal(ends[0]?.why, 'install.sh did not come to its end in 3 attempts');
      assert.equal(ground.trace().at(-1), 'uninstall');
    } finally {
      ground.remove();
    }
  });
});

describe('an install.sh that reboots the gateway on purpose', () => {
  it('with 194 is run again after the next start, not before, and its output has no gap', async () => {
    const ground = makeGround();
    try {
      ground.upload('app.v1.tar.gz', {
        'install.sh': tracing('echo "part $GWE_ATTEMPT"; [ "$GWE_ATTEMPT" = 2 ] || exit 194'),
      });
      const installer = ground.open();
      installer.accept(instructionOf('app.v1.tar.gz'));
      const first = await installer.workOff(never());
      assert.deepEqual([first.ends.length, first.held[0]?.kind, first.retry], [0, 'reboot', undefined]);
      await ground.open().workOff(never());
      assert.equal(ground.trace().length, 1, 'a wake-up is no start');
      ground.start = { process: 'boot-2/7', boot: 'boot-2', uptime_ms: 0 };
      const { ends } = await ground.open().workOff(never());
      assert.deepEqual([ends[0]?.outcome, ends[0]?.attempt], ['installed', 2]);
      assert.equal(String(ends[0]?.output), 'part 1\n--- install.sh, attempt 2 ---\npart 2\n');
    } finally {
      ground.remove();
    }
  });

  it('and never does is run again after a while all the same, and given up in the end', async () => {
    const ground = makeGround();
    try {
      ground.upload('app.v1.tar.gz', { 'install.sh': tracing('exit 194') });
      ground.open().accept(instructionOf('app.v1.tar.gz'));
      for (let n = 0; n < 3; n++) {
        await ground.open().workOff(never());
        ground.start = { ...ground.start, uptime_ms: ground.start.uptime_ms + 11 * 60_000 };
      }
      const { ends } = await ground.open().workOff(never());
      assert.deepEqual([ends[0]?.outcome, ground.trace().length], ['failed', 3]);
    } finally {
      ground.remove();
    }
  });
});
