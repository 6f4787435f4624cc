/**
 * `node many-check-ins.ts COUNT SECONDS`: as many check-ins of one gateway in one process, or as many as that time allows: the
 * engine that does not hibernate, with a clock that does not wait. Prints a line of JSON at 1, 10, 100, … and at the last:
 * what there was then. Environment as gwe's.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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
  /** What V8 holds after a collection of garbage, and what the whole process has resident. */
  heap_bytes: number;
  rss_bytes: number;
}

function filesBelow(folder: string): { bytes: number; files: number } {
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((stat) => stat.isFile());
  return { bytes: found.reduce((sum, { size }) => sum + size, 0), files: found.length };
}

/** All garbage, so that what is left is what is kept. Node.js hands the function out to whoever asks V8 for it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

async function main(count: number, limit_ms: number): Promise<void> {
  const stop = new AbortController();
  const places = findPlaces(process.env);
  const end_ms = performance.now() + limit_ms;
  let [now_ms, began_ms] = [Date.now(), performance.now()];
  let [n, before] = [0, 0];
  const note = () => {
    const each_ms = (performance.now() - began_ms) / (n - before);
    const { bytes, files } = filesBelow(places.state);
    collectGarbage();
    const { heapUsed: heap_bytes, rss: rss_bytes } = process.memoryUsage();
    const mark: Mark = { n, each_ms, state_bytes: bytes, stateFiles: files, heap_bytes, rss_bytes };
    console.log(JSON.stringify(mark));
    [began_ms, before] = [performance.now(), n];
  };
  const clock: Clock = {
    now: () => now_ms,
    monotonic: () => performance.now(),
    // Called once for each check-in, for the time until the next.
    sleep: async (duration_ms) => {
      n += 1;
      now_ms += duration_ms;
      const isOver = n === count || performance.now() > end_ms;
      if (isOver || /^10*$/.test(String(n))) note();
      if (isOver) stop.abort();
    },
  };
  // On a terminal the engine stays awake between two check-ins.
  const context = { env: process.env, clock, places, signal: stop.signal, executable: ['/bin/true'] };
  const status = await runEngine({ ...context, isTerminal: true }, { once: false });
  if (status !== 0) throw new Error(`the engine ended with ${status}`);
}

if (import.meta.main) {
  await main(Number(process.argv[2]), Number(process.argv[3]) * 1000);
  process.exit();
}
