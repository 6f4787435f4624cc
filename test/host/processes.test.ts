import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { makeOutputPipe } from '../../src/host/output-pipe.ts';
import { runScript, type ScriptRun } from '../../src/host/processes.ts';
import { assertEnds } from '../alive.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-run-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, more: Partial<ScriptRun> = {}, clock: Clock = systemClock) =>
  runScript(
    {
      command: ['/bin/sh', '-c', script],
      cwd: folder,
      env: process.env,
      timeout_s: 60,
      killGrace_s: 10,
      outputMax_bytes: 64 * 1024,
      ...more,
    },
    clock,
  );

/** A clock on which every sleep so long as one of `now_s` is over at once, and the others last. */
const clockWith = (...now_s: number[]): Clock => ({
  ...systemClock,
  sleep: (duration_ms, signal) =>
    systemClock.sleep(now_s.includes(duration_ms / 1000) ? 0 : duration_ms, signal),
});
/** Resolves when there is such a file. */
const appears = (path: string) =>
  new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!existsSync(path)) return;
      watcher.close();
      resolve();
    });
  });

test('both streams of output are kept in the order in which they were written', async () => {
  const end = await run('for n in 1 2 3; do echo out $n; echo err $n >&2; done; exit 3');
  assert.equal(String(end.output), 'out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
  assert.equal(end.status, 3);
  assert.equal(end.killedBy, undefined);
  assert.ok(!end.timedOut && !end.aborted);
});

test('a script may open its /dev/stdout and /dev/stderr by name, as scripts do', async () => {
  const script =
    'echo one; echo two >/dev/stderr; echo three | tee /dev/stderr >/dev/null; echo four >/dev/stdout';
  const end = await run(script, { pipe: makeOutputPipe(folder) });
  assert.equal(String(end.output), 'one\ntwo\nthree\nfour\n');
  assert.equal(end.status, 0);
  assert.deepEqual(readdirSync(folder), []);
});

test('output is read from a socket where no fifo can be made, and a fifo that a power cut left does no harm', async () => {
  const end = await run('echo all the same', { pipe: makeOutputPipe(join(folder, 'is not there')) });
  assert.equal(String(end.output), 'all the same\n');
  writeFileSync(join(folder, '.output'), '');
  const after = await run('echo again', { pipe: makeOutputPipe(folder) });
  assert.equal(String(after.output), 'again\n');
});

test('standard input is empty, the folder and the environment are those given', async () => {
  const end = await run('cat; pwd; echo "$GREETING"', { env: { PATH: process.env['PATH'], GREETING: 'hi' } });
  assert.equal(String(end.output), `${folder}\nhi\n`);
});

test('output without end is kept at its head and tail, in bounded memory, and the cut is said', async () => {
  const end = await run('echo HEAD; head -c 50000000 /dev/zero | tr "\\0" x; echo TAIL', {
    outputMax_bytes: 1000,
  });
  const text = String(end.output);
  assert.match(text, /^HEAD\nx+\n\[… 49999\d{3} bytes left out …\]\nx+TAIL\n$/);
  assert.ok(end.output.length < 1100);
});

test('output that just fits is whole', async () => {
  assert.equal(String((await run('printf 0123456789', { outputMax_bytes: 10 })).output), '0123456789');
  assert.match(
    String((await run('printf 01234567890', { outputMax_bytes: 10 })).output),
    /^01234\n\[… 1 bytes left out …\]\n67890$/,
  );
});

test('a script that takes too long is told to stop, and killed when it does not', async () => {
  const polite = await run('trap "echo bye; exit 9" TERM; sleep 60 & wait', { timeout_s: 7 }, clockWith(7));
  assert.ok(polite.timedOut);
  const pids = join(folder, 'pids');
  const stubborn = await run(
    `trap "" TERM; sh -c 'trap "" TERM; echo $$ > "${pids}.new"; mv "${pids}.new" "${pids}"; sleep 60' & wait; sleep 60`,
    { timeout_s: 7, killGrace_s: 0.05 },
    { ...systemClock, sleep: (ms, signal) => (ms === 7000 ? appears(pids) : systemClock.sleep(ms, signal)) },
  );
  assert.ok(stubborn.timedOut);
  assert.equal(stubborn.killedBy, 'SIGKILL');
  await assertEnds(Number(readFileSync(pids, 'utf8')));
});

test('aborting ends the script as a time limit would, and says which it was', async () => {
  const stop = new AbortController();
  const running = run('sleep 60', { signal: stop.signal });
  stop.abort();
  const end = await running;
  assert.ok(end.aborted && !end.timedOut);
  assert.equal(end.killedBy, 'SIGTERM');
  assert.ok((await run('sleep 60', { signal: AbortSignal.abort() })).aborted);
});

test('children that a script leaves behind are ended, and do not hold up the report', async () => {
  const end = await run('sleep 60 & echo $!; exit 0');
  assert.equal(end.status, 0);
  await assertEnds(Number(String(end.output)));
});

test('a child that has left the process group and holds the pipe does not hold up the report', async () => {
  const end = await run('setsid sleep 5 & echo done');
  assert.equal(String(end.output), 'done\n');
  assert.ok(end.duration_ms < 4000);
});

test('what cannot be started says why', async () => {
  assert.equal((await run('true', { cwd: join(folder, 'none') })).startError, 'ENOENT');
  const missing = await run('', { command: ['./none.sh'] });
  assert.equal(missing.status, 127);
  writeFileSync(join(folder, 'plain.sh'), '#!/bin/sh\n', { mode: 0o644 });
  assert.equal((await run('', { command: ['./plain.sh'] })).status, 126);
  writeFileSync(join(folder, 'bad.sh'), '#!/no/such/shell\n', { mode: 0o755 });
  const bad = await run('', { command: ['./bad.sh'] });
  assert.equal(bad.status, 127);
  assert.match(String(bad.output), /not found/);
});

test('a script that a signal ended says which', async () => {
  assert.equal((await run('kill -SEGV $$')).killedBy, 'SIGSEGV');
});
