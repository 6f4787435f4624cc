/** Packages that fail in every way, on the built file: each ends in the state that docs/writing-an-application.md promises. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertEnds, isAlive } from '../alive.ts';
import { type Files, type Ground, good, layGround, read } from './ground.ts';
import { type Platform, startPlatform } from './machine.ts';
import { startTap } from './tap.ts';

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
    also: (ground) => assertEnds(Number(read(ground, 'child'))),
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
    also: async (ground) => {
      for (const name of ['child', 'grandchild']) await assertEnds(Number(read(ground, name)), name);
    },
  },
  'install.sh leaves a child in a session of its own, which is its own affair': {
    files: good(
      'setsid sh -c "echo \\$\\$ >$HOME/child; exec sleep 1000" </dev/null >/dev/null 2>&1 &\nuntil [ -s $HOME/child ]; do sleep 0.1; done',
    ),
    says: /^installed/,
    isInstalled: true,
    also: (ground) => {
      const pid = Number(read(ground, 'child'));
      assert.equal(isAlive(pid), true);
      process.kill(pid);
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
