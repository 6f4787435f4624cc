import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { birthOf } from '../../src/host/lock.ts';
import { lacks } from '../debian.ts';
import { GWE } from '../e2e/machine.ts';
import { environmentOf, type Gateway, removeGateway, type Turn } from './gateway.ts';
import { commanded, type Ground } from './ground.ts';
import { judge, momentOf, violationsAtAnyTime } from './judge.ts';
import { onGrounds } from './plan.ts';

/** Which of its calls of a kind the kernel ends gwe at: a sample, since strace is slow. */
const SAMPLE: Record<string, readonly number[]> = {
  fsync: [2, 6, 11, 16, 20, 24, 28, 32],
  rename: [1, 4, 8, 11, 15, 18],
  unlink: [1, 3, 6, 9, 12],
  mkdir: [1, 2],
  link: [1],
  ftruncate: [1],
  fdatasync: [1],
  pwrite64: [1, 3],
  write: [10, 20, 30, 40],
};

/** One check-in of the built file, under strace when it is to die. */
async function checkIn(gateway: Gateway, killing: readonly string[] = []): Promise<Turn> {
  const [file = GWE, ...args] = [...killing, GWE, '--once'];
  const started_ms = performance.now();
  const child = spawn(file, args, { env: environmentOf(gateway), stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [status, signal]: (number | string | null)[] = await once(child, 'close');
  await endScriptsOf(gateway);
  const duration_ms = performance.now() - started_ms;
  return {
    status: typeof status === 'number' ? status : null,
    isKilled: signal === 'SIGKILL',
    operations: [],
    duration_ms,
    stderr,
  };
}

/** All processes of the gateway die with it: whoever has its state folder in the environment. */
async function endScriptsOf({ state }: Gateway): Promise<void> {
  for (const pid of readdirSync('/proc')
    .map(Number)
    .filter((each) => each > 0)) {
    if (!isOf(pid, state)) continue;
    process.kill(pid, 'SIGKILL');
    while (birthOf(pid) !== undefined) await new Promise((again) => setTimeout(again, 1));
  }
}

function isOf(pid: number, state: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GWE_STATE_DIR=${state}\0`);
  } catch {
    return false;
  }
}

async function tryCall(
  ground: Ground,
  call: string,
  n: number,
): Promise<{ isKilled: boolean; violations: string[] }> {
  const gateway = await commanded(ground, `built-${call}-${n}`);
  const inject = `inject=${call}:signal=SIGKILL:when=${n}`;
  const dead = await checkIn(gateway, [
    'strace',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    inject,
  ]);
  const before = violationsAtAnyTime(gateway, ground.scenario);
  const moment = await momentOf(gateway);
  const turn = await checkIn(gateway);
  const { violations } = await judge(gateway, ground.scenario, [moment], turn);
  removeGateway(gateway);
  return {
    isKilled: dead.isKilled,
    violations: [...before, ...violations].map((each) => `${call} ${n}: ${each}`),
  };
}

test('the built file, killed by the kernel in a system call that changes the disk, breaks no promise', {
  skip: lacks('strace'),
}, async () => {
  assert.ok(existsSync(GWE), 'build it first: npm run build');
  await onGrounds(['update'], async ([ground]) => {
    assert.ok(ground !== undefined);
    let killed = 0;
    for (const [call, times] of Object.entries(SAMPLE)) {
      for (const n of times) {
        const { isKilled, violations } = await tryCall(ground, call, n);
        assert.deepEqual(violations, []);
        killed += Number(isKilled);
      }
    }
    assert.ok(killed >= 28, `${killed} were killed`);
  });
});
