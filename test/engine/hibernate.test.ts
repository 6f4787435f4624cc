import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SLEEPING_LINE } from '../../src/engine/hibernate.ts';
import { assertEnds } from '../alive.ts';

/** A call is lost, if at all, in some of a hundred such instants. */
const INSTANTS = 100;
const HEARD_WITHIN_MS = 20_000;

/** A shell that sleeps for an hour and then says that it is awake. */
const sleepingShell = () =>
  spawn('/bin/sh', ['-c', SLEEPING_LINE, 'gwe', '3600', '/bin/echo', 'awake'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** The process id of its `sleep`, in the instant in which that is forked: it is looked for without a pause. */
function sleepOf({ pid }: ChildProcess): number {
  for (;;) {
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    if (child !== '') return Number(child);
  }
}

async function endOf(shell: ReturnType<typeof sleepingShell>) {
  let said = '';
  shell.stdout.on('data', (text) => {
    said += text;
  });
  const [status] = await once(shell, 'close', { signal: AbortSignal.timeout(HEARD_WITHIN_MS) });
  return { status, said };
}

for (const signal of ['SIGHUP', 'SIGWINCH'] as const) {
  test(`${signal} wakes the sleeping shell, also in the instant in which it lies down`, async () => {
    for (let n = 0; n < INSTANTS; n += 1) {
      const shell = sleepingShell();
      const sleep = sleepOf(shell);
      shell.kill(signal);
      assert.deepEqual(await endOf(shell), { status: 0, said: 'awake\n' });
      await assertEnds(sleep);
    }
  });
}

test('TERM ends the sleeping shell with its sleep, also in the instant in which it lies down', async () => {
  for (let n = 0; n < INSTANTS; n += 1) {
    const shell = sleepingShell();
    const sleep = sleepOf(shell);
    shell.kill('SIGTERM');
    assert.deepEqual(await endOf(shell), { status: 143, said: '' });
    await assertEnds(sleep);
  }
});
