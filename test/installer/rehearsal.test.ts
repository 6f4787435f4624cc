import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseTarballName } from '../../src/app/name.ts';
import { systemClock } from '../../src/host/clock.ts';
import { CUTS_MAX, cutsOf, rehearse } from '../../src/installer/rehearsal.ts';
import { thisMachine } from '../../src/installer/scratch-world.ts';
import { parseTrace, tracedCommand } from '../../src/installer/step-trace.ts';
import { differences } from '../../src/installer/tree-facts.ts';
import { linesOf, never } from './ground.ts';

describe('a rehearsal', () => {
  it('cuts before the first step, between any two, and after the last one', () => {
    assert.deepEqual(cutsOf(0), [2]);
    assert.deepEqual(cutsOf(3), [2, 3, 4, 5]);
    const many = cutsOf(1000);
    assert.ok(many.length <= CUTS_MAX + 1);
    assert.deepEqual([many[0], many.at(-1)], [2, 1002]);
  });

  it('on the machine itself kills the script alone, counts attempts, and looks at how it ends', async (t) => {
    const worlds = thisMachine(systemClock);
    const world = mkdtempSync(join(tmpdir(), 'gwe-world-'));
    t.after(() => rmSync(world, { recursive: true }));
    t.after(() => worlds.remove());
    const folder = join(worlds.folder, 'app');
    mkdirSync(folder);
    const script =
      'echo "$GWE_ATTEMPT" >>"$WORLD/log"\n[ ! -e "$WORLD/half" ]\ntouch "$WORLD/half"\nrm "$WORLD/half"';
    writeFileSync(join(folder, 'install.sh'), `#!/bin/sh -e\n${script}`);
    chmodSync(join(folder, 'install.sh'), 0o755);
    const app = { name: parseTarballName('app.v1.tar.gz'), folder, hasHealth: false };
    const env = { ...process.env, WORLD: world };
    const deps = { worlds, env, timeout_s: 60, maxAttempts: 3, signal: never() };
    const { end, steps, trials } = await rehearse(deps, app);
    assert.equal(end.status, 0);
    assert.equal(steps, 4);
    // Once it was cut between making the file and removing it, each further run fails.
    assert.deepEqual(
      trials.map(({ why }) => why),
      [undefined, undefined, undefined, 'install.sh ended with 1', 'install.sh ended with 1'],
    );
    assert.match(trials[3]?.after?.command ?? '', /^touch /);
    assert.deepEqual(linesOf(join(world, 'log')).slice(0, 4), ['1', '1', '2', '1']);
  });

  it('tells the steps of a trace from what the script printed', () => {
    const { steps, printed } = parseTrace(
      '<gwe-step 1 > . ./install.sh\nhello\n<<gwe-step 2 7> mkdir /opt/a\nbye\n',
    );
    assert.deepEqual(
      [...steps],
      [
        [1, { line: '', command: '. ./install.sh' }],
        [2, { line: '7', command: 'mkdir /opt/a' }],
      ],
    );
    assert.equal(printed, 'hello\nbye\n');
  });

  it('knows shells by the first line, whatever their folder and options', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gwe-lines-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const traced = (line: string) => {
      writeFileSync(join(folder, 'install.sh'), `${line}\n`);
      return tracedCommand(join(folder, 'install.sh'), '/bench')?.slice(0, -4);
    };
    assert.deepEqual(traced('#!/bin/sh -eu'), ['/bin/sh', '-eu']);
    assert.deepEqual(traced('#! /usr/bin/env bash'), ['/usr/bin/env', 'bash']);
    assert.deepEqual(traced('#!/bin/busybox sh'), ['/bin/busybox', 'sh']);
    assert.equal(traced('#!/usr/bin/python3'), undefined);
  });

  it('takes a path that only one run touched for what it was before', () => {
    const [was, is] = [
      new Map([
        ['/a', 'x'],
        ['/b', 'y'],
      ]),
      new Map([
        ['/a', 'x'],
        ['/c', 'gone'],
      ]),
    ];
    assert.deepEqual(
      differences(was, is, (path) => (path === '/c' ? 'gone' : 'old')),
      [{ path: '/b', expected: 'y', found: 'old' }],
    );
  });
});
