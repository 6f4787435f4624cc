import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { openScratchWorlds } from '../../src/installer/scratch-world.ts';
import { tarballOf } from '../installer/ground.ts';
import { scratchMachine } from './call.ts';

/** Nobody has it, so whoever finds it afterwards knows that a script got out of its world. */
const PLACE = `/opt/gwe-test-package-${process.pid}`;
const probe = await openScratchWorlds(systemClock);
probe?.remove();
const canBeApart = probe?.haveRoot === true;

/** A tarball beside this test's machine, and what `gwe --test-package` says of it. */
async function tried(
  t: Parameters<typeof scratchMachine>[0],
  files: Record<string, string>,
  before?: Record<string, string>,
) {
  const machine = scratchMachine(t);
  const write = (name: string, contents: Record<string, string>) => {
    const path = join(machine.folder, name);
    writeFileSync(path, tarballOf(contents));
    return path;
  };
  const argv = ['--test-package', write('app.v2.tar.gz', files)];
  if (before !== undefined) argv.push('--previous', write('app.v1.tar.gz', before));
  const called = await machine.call(argv);
  assert.equal(existsSync(PLACE), false, 'this machine stays as it is');
  if (canBeApart) return called;
  // Without the rights for a world apart it must refuse, and touch nothing.
  assert.notEqual(called.status, 0);
  return undefined;
}

test('a package that can be run again after a cut at any step passes', async (t) => {
  const script = `#!/bin/sh\nset -e\nmkdir -p ${PLACE}\ncp data ${PLACE}/data.new\nmv ${PLACE}/data.new ${PLACE}/data\n`;
  const called = await tried(t, { 'install.sh': script, data: 'x\n' });
  if (called === undefined) return;
  assert.equal(called.out.split('\n').at(-2), '[PASS] it can be cut anywhere');
  assert.match(called.out, /install\.sh takes 4 steps\nIt was cut .* 5 times/);
  assert.equal(called.status, 0, called.err);
});

test('a step that cannot be done twice is named, with what it said', async (t) => {
  const script = `#!/bin/sh\nset -e\nversion=2\nmkdir ${PLACE}\ncp data ${PLACE}/data\n`;
  const called = await tried(t, { 'install.sh': script, data: 'x\n' });
  if (called === undefined) return;
  assert.equal(called.status, 3);
  assert.match(
    called.out,
    /\[FAIL\] cut after step 3.*: mkdir .*, and run again: install\.sh ended with 1 \(and after the 1 cuts/,
  );
  assert.match(called.out, /File exists/);
});

test('a step that leaves another state when it is done twice is named, with the files', async (t) => {
  const script = `#!/bin/bash\nmkdir -p ${PLACE}\necho line >>${PLACE}/list\ndate +%N >${PLACE}/when\n`;
  const called = await tried(t, { 'install.sh': script });
  if (called === undefined) return;
  assert.equal(called.status, 3);
  assert.match(called.out, /no two runs leave it the same: .*\/when/);
  assert.match(
    called.out,
    /\[FAIL\] cut after step 2, line 3: echo line, and run again: it does not end in the same state/,
  );
  assert.match(called.out, /list\n\s+is file, .*10 bytes.*\n\s+not file, .*5 bytes/);
});

test('an update is tried over the version before it, and what that one left is not taken for its work', async (t) => {
  const before = {
    'install.sh': `#!/bin/sh\nmkdir ${PLACE}\necho 1 >${PLACE}/version\nchmod 700 ${PLACE}\n`,
  };
  const script = `#!/bin/sh\nset -e\n[ "$GWE_PREVIOUS_VERSION" = 1 ]\necho 2 >${PLACE}/version\nrm -f ${PLACE}/old\n`;
  const called = await tried(t, { 'install.sh': script }, before);
  if (called === undefined) return;
  assert.equal(called.status, 0, called.out + called.err);
  const broken = await tried(
    t,
    { 'install.sh': `#!/bin/sh\nset -e\nmv ${PLACE}/version ${PLACE}/former\n` },
    before,
  );
  assert.match(broken?.out ?? '', /cut after step 2.*: mv .*install\.sh ended with 1/);
});

test('a package whose install.sh fails by itself, or is not for a shell, is told so', async (t) => {
  const failing = await tried(t, { 'install.sh': '#!/bin/sh\necho no luck\nexit 4\n' });
  if (failing === undefined) return;
  assert.equal(failing.status, 3);
  assert.match(
    failing.out,
    /^\[FAIL\] app\.v2\.tar\.gz: install\.sh ended with 4, though nothing cut it\n\s+no luck/,
  );
  const perl = await tried(t, { 'install.sh': '#!/usr/bin/perl\nprint "hello\\n";\n' });
  assert.match(perl?.out ?? '', /not for a shell[\s\S]*after its end, 1 times[\s\S]*\[PASS\]/);
});
