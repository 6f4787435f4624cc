/** Whether a process is alive, as the tests of every layer ask it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** How long a process that was told to end may take. It takes microseconds, but on its own time, not on ours. */
const END_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** Whether process `pid` runs: one that has ended and that nobody has reaped yet does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Resolves when process `pid` has ended; asserts that it does.
 *
 * A signal is sent before it is obeyed: who looks at once may find a killed process still on its way out.
 */
export async function assertEnds(pid: number, name = 'it'): Promise<void> {
  assert.ok(Number.isInteger(pid) && pid > 0, `no process id: ${pid}`);
  const deadline = performance.now() + END_WITHIN_MS;
  while (isAlive(pid)) {
    assert.ok(performance.now() < deadline, `${name} (${pid}) is still alive`);
    await new Promise((again) => setTimeout(again, LOOK_EVERY_MS));
  }
}
