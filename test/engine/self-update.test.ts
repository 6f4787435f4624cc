import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { failedTrial, TRIAL_LINE, trialFiles, trialUnderWay } from '../../src/engine/self-update.ts';
import { assertEnds } from '../alive.ts';

/** A folder with an old and a new gwe that are scripts, a trial under way, and naps that take no time. */
function gateway(newGwe: string, oldGwe = 'settle') {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-trial-'));
  const script = (name: string, body: string) => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `#!/bin/sh\necho "${name} $*" >>${folder}/log\n[ "$GWE_TRIAL" ] || exit 0\n${body}\n`,
    );
    chmodSync(path, 0o755);
    return path;
  };
  const settle = `rm ${folder}/self-update; exit 0`;
  const file = script('gwe', newGwe.replace('settle', settle));
  const previous = script('gwe.previous', oldGwe.replace('settle', 'exit 0'));
  writeFileSync(join(folder, 'sync'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(folder, 'sleep'), '#!/bin/sh\n[ $1 -gt 1 ] || exec /bin/sleep 0.05\n', { mode: 0o755 });
  writeFileSync(trialFiles(folder).mark, `previous=${previous}\nstarts=0\n`);
  return { folder, file, previous, log: () => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n') };
}

const run = (folder: string, file: string) =>
  spawnSync('/bin/sh', ['-c', TRIAL_LINE, 'gwe', folder, file, '--x'], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
    timeout: 20_000,
  });

test('a new gwe that completes a check-in stays, and the shell becomes it with its own arguments', () => {
  const { folder, file, log } = gateway('settle');
  assert.equal(run(folder, file).status, 0);
  assert.deepEqual(
    log().filter((line) => line.startsWith('gwe ')),
    ['gwe --x --once', 'gwe --x'],
  );
  assert.equal(failedTrial(folder), undefined);
});

test('a new gwe that crashes three times is replaced by the old one, which learns why', () => {
  const { folder, file, log } = gateway('exit 9');
  const { status, stderr } = run(folder, file);
  assert.equal(status, 0);
  assert.equal(log().filter((line) => line === 'gwe --x --once').length, 3);
  assert.match(readFileSync(file, 'utf8'), /gwe\.previous/, 'the old file has the name again');
  assert.match(stderr, /start 3 of 3/);
  assert.match(failedTrial(folder) ?? '', /did not complete a check-in within 3 starts \(last exit 9\)/);
  assert.equal(trialUnderWay(folder), undefined);
});

test('starts before a reboot count: a new gwe does not get three more after each', () => {
  const { folder, file, previous, log } = gateway('exit 9');
  writeFileSync(trialFiles(folder).mark, `previous=${previous}\nstarts=2\n`);
  run(folder, file);
  assert.equal(log().filter((line) => line === 'gwe --x --once').length, 1);
});

test('a new gwe that cannot reach a platform which the old one reaches is a failure', () => {
  const { folder, file, log } = gateway('exit 75');
  run(folder, file);
  assert.equal(log().filter((line) => line === 'gwe --x --once').length, 3);
  assert.match(readFileSync(file, 'utf8'), /gwe\.previous/);
  assert.match(failedTrial(folder) ?? '', /last exit 75: it does not reach the platform, which the old/);
});

test('an outage that stops both versions counts against neither', () => {
  const { folder, file, log } = gateway(
    'n=$(cat $0.n 2>/dev/null || echo 0); echo $((n + 1)) >$0.n; [ $n -lt 6 ] && exit 75; settle',
    'exit 75',
  );
  run(folder, file);
  assert.equal(log().filter((line) => line === 'gwe --x --once').length, 7);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /gwe\.previous/);
});

test('a power cut just after the way back leaves no trial: the file is started, and the mark goes', () => {
  const { folder, file, previous, log } = gateway('exit 9');
  rmSync(previous);
  writeFileSync(trialFiles(folder).mark, `previous=${previous}\nstarts=3\n`);
  writeFileSync(trialFiles(folder).start, '');
  assert.equal(run(folder, file).status, 0);
  assert.deepEqual(log(), ['gwe --x']);
  assert.equal(trialUnderWay(folder), undefined);
  assert.equal(existsSync(trialFiles(folder).start), false);
});

test('where the old file cannot be put back, it runs where it lies', () => {
  const { folder, file, log } = gateway('exit 9');
  writeFileSync(join(folder, 'mv'), '#!/bin/sh\necho refused >&2; exit 1\n', { mode: 0o755 });
  assert.equal(run(folder, file).status, 0);
  assert.equal(log().at(-1), 'gwe.previous --x');
});

test('TERM ends a trial at once, with the start that is under way', async () => {
  const { folder, file } = gateway('echo $$ >$0.pid; exec /bin/sleep 1000');
  const shell = spawn('/bin/sh', ['-c', TRIAL_LINE, 'gwe', folder, file], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  const written = () => (existsSync(`${file}.pid`) ? readFileSync(`${file}.pid`, 'utf8') : '');
  while (!written().endsWith('\n')) await new Promise(setImmediate);
  const pid = Number(written());
  shell.kill('SIGTERM');
  const [status] = await once(shell, 'exit');
  assert.equal(status, 143);
  await assertEnds(pid);
});
