/** Runs test files, tells of each how it went, and of what failed why; and counts. Which files, and what then, is run.ts's. */
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { ROOT } from './parts.ts';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Files that run at the same time: one for each core of the smallest machine that this is meant for. */
const CONCURRENCY = 2;
/** A file that takes longer hangs. */
const FILE_LIMIT_S = 600;

/** The counts of several tallies together. */
export function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const tally of tallies) {
    total.passed += tally.passed;
    total.failed += tally.failed;
    total.skipped += tally.skipped;
  }
  return total;
}

/** Runs `files` (paths from the root of the checkout), each in a process of its own; a line for each when it has ended. */
export async function runTests(files: readonly string[], say: (line: string) => void): Promise<Tally> {
  const waiting = [...files];
  const tallies: Tally[] = [];
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      tallies.push(await runFile(file, say));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return sum(tallies);
}

async function runFile(file: string, say: (line: string) => void): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  const output: string[] = [];
  const started_ms = performance.now();
  const events = run({ files: [join(ROOT, file)], signal: AbortSignal.timeout(FILE_LIMIT_S * 1000) });
  events.on('test:stdout', ({ message }) => output.push(message));
  events.on('test:stderr', ({ message }) => output.push(message));
  events.on('test:pass', ({ name, skip, details }) => {
    if (details.type === 'suite') return;
    if (skip === undefined || skip === false) tally.passed += 1;
    else {
      tally.skipped += 1;
      notes.push(`  skipped: ${name}${typeof skip === 'string' ? ` (${skip})` : ''}`);
    }
  });
  events.on('test:fail', ({ name, line, details }) => {
    // What holds a test that failed has failed only because of it.
    if (failureType(details.error) === 'subtestsFailed') return;
    tally.failed += 1;
    notes.push(
      `  FAILED: ${name} (${file}:${line})`,
      indented(inspect(details.error.cause ?? details.error)),
    );
  });
  for await (const _ of events);
  if (tally.passed + tally.failed + tally.skipped === 0) {
    tally.failed += 1;
    notes.push('  FAILED: there is no test in it');
  }
  const seconds = ((performance.now() - started_ms) / 1000).toFixed(1);
  say([`${describe(tally)} in ${seconds} s: ${relative('test', file)}`, ...notes].join('\n'));
  if (tally.failed > 0 && output.length > 0) say(indented(`it said:\n${output.join('')}`));
  return tally;
}

function failureType(error: unknown): unknown {
  return error instanceof Error && 'failureType' in error ? error.failureType : undefined;
}

const indented = (text: string): string => text.trimEnd().replace(/^/gm, '    ');

function describe({ passed, failed, skipped }: Tally): string {
  const more = [...(failed > 0 ? [`${failed} FAILED`] : []), ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  return [`${String(passed).padStart(4)} passed`, ...more].join(', ');
}
