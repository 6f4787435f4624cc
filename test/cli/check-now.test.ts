import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CHECK_NOW_LIMIT_MS } from '../../src/cli/check-now.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openJournal } from '../../src/installer/journal.ts';
import { type Machine, scratchMachine } from './call.ts';

const SRC = join(import.meta.dirname, '../../src');

/** A process that has the engine's lock and, at the nth WINCH, notes a check-in as the engine does. */
async function standInEngine(
  t: TestContext,
  { places }: Machine,
  checkIn: object,
  atCall: number,
): Promise<void> {
  mkdirSync(places.state, { recursive: true });
  const script = `
    import { takeLock } from '${SRC}/host/lock.ts';
    import { writeDurably } from '${SRC}/host/files.ts';
    let calls = 0;
    process.on('SIGWINCH', () => {
      calls += 1;
      if (calls < ${atCall}) return;
      writeDurably('${places.engine}', JSON.stringify({ layout: 1, lastCheckIn: { time_ms: Date.now(), ...${JSON.stringify(checkIn)} } }));
    });
    takeLock('${places.lock}');
    setInterval(() => {}, 1000);
    console.log('ready');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
}

/** A clock that runs a thousand times as fast, so that waiting costs nothing. */
function fastClock() {
  const started_ms = systemClock.monotonic();
  const monotonic = () => started_ms + (systemClock.monotonic() - started_ms) * 1000;
  return {
    now: systemClock.now,
    monotonic,
    sleep: (duration_ms: number, signal?: AbortSignal) => systemClock.sleep(duration_ms / 1000, signal),
  };
}

test('the running engine is called, and its check-in is waited for', async (t) => {
  const machine = scratchMachine(t);
  await standInEngine(t, machine, { ok: true }, 1);
  const { status, out } = await machine.call(['--check-now']);
  assert.equal(status, 0);
  assert.match(out, /^Checked in at \d{4}-/);
});

test('a call that is lost between two process images is made again', async (t) => {
  const machine = scratchMachine(t);
  await standInEngine(t, machine, { ok: true }, 2);
  assert.equal((await machine.call(['--check-now'], { clock: fastClock() })).status, 0);
});

test('a check-in that fails is told with its reason', async (t) => {
  const machine = scratchMachine(t);
  await standInEngine(t, machine, { ok: false, message: 'Cannot reach the platform' }, 1);
  const { status, err } = await machine.call(['--check-now']);
  assert.equal(status, 1);
  assert.match(err, /Cannot reach the platform/);
});

test('an engine that does not answer is given up after a while, unless it is at work', async (t) => {
  const machine = scratchMachine(t);
  await standInEngine(t, machine, { ok: true }, 1_000_000);
  const silent = await machine.call(['--check-now'], { clock: fastClock() });
  assert.equal(silent.status, 1);
  assert.match(silent.err, new RegExp(`within ${CHECK_NOW_LIMIT_MS / 1000} s.*gwe why`, 's'));
  openJournal(machine.places.journal).add(
    { text: '', items: [{ name: { file: 'a.v1.tar.gz', app: 'a', version: '1' } }] },
    0,
  );
  const busy = await machine.call(['--check-now'], { clock: fastClock() });
  assert.deepEqual([busy.status, busy.out.includes('at work')], [0, true]);
});

test('when no engine runs, check-now says how to start one', async (t) => {
  const { status, err } = await scratchMachine(t).call(['--check-now']);
  assert.equal(status, 1);
  assert.match(err, /none is running\n {2}Start it with "supervisorctl start gwe"/);
});
