/**
 * `node many-check-ins.ts COUNT SECONDS`: as many check-ins of one gateway in one process, or as many as that time allows,
 * an interval apart by a clock of its own. The whole cycle, over the network, with its files; but for the process, which
 * a gateway starts anew each time. Prints a line of JSON at 1, 10, 100, … and at the last: what there was then.
 * Environment as gwe's.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findPlaces } from '../../src/config/places.ts';
import { runEngine } from '../../src/engine/cycle.ts';
import type { Clock } from '../../src/host/clock.ts';

/** What is printed. */
export interface Mark {
  n: number;
  /** Mean of the check-ins since the mark before. */
  each_ms: number;
  state_bytes: number;
  stateFiles: number;
}

const STEP_MS = 12 * 3600 * 1000;

function bytesBelow(folder: string): { bytes: number; files: number } {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((stat) => stat.isFile());
  return { bytes: found.reduce((sum, { size }) => sum + size, 0), files: found.length };
}

async function main(count: number, limit_ms: number): Promise<void> {
  const end_ms = performance.now() + limit_ms;
  let now_ms = Date.now();
  const clock: Clock = {
    now: () => now_ms,
    monotonic: () => performance.now(),
    sleep: () => Promise.reject(new Error('nothing sleeps here')),
  };
  const { signal } = new AbortController();
  const places = findPlaces(process.env);
  const context = { env: process.env, clock, places, signal, executable: ['/bin/true'], isTerminal: false };
  let began_ms = performance.now();
  let before = 0;
  for (let n = 1; n <= count; n++) {
    const status = await runEngine(context, { once: true });
    if (status !== 0) throw new Error(`check-in ${n} ended with ${status}`);
    now_ms += STEP_MS;
    const isOver = n === count || performance.now() > end_ms;
    if (!isOver && !/^10*$/.test(String(n))) continue;
    const each_ms = (performance.now() - began_ms) / (n - before);
    const { bytes, files } = bytesBelow(places.state);
    const mark: Mark = { n, each_ms, state_bytes: bytes, stateFiles: files };
    console.log(JSON.stringify(mark));
    if (isOver) return;
    began_ms = performance.now();
    before = n;
  }
}

if (import.meta.main) {
  // Each of them listens for signals, and a process of a gateway holds one.
  process.setMaxListeners(0);
  await main(Number(process.argv[2]), Number(process.argv[3]) * 1000);
  process.exit();
}
