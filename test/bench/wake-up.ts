/** Where the time of a check-in goes: strace tells when gwe passed some calls by which its steps can be told apart. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expectZero, type Gateway } from '../e2e/machine.ts';
import { median, shown } from './figures.ts';
import { runToEnd } from './measure.ts';
import type { Bench, Table } from './part.ts';

const ROUNDS = 15;
const CALLS = 'execve,openat,connect,sendto,write,read,unlink,exit_group';

/** Each step, and the call at which it is over; of several such calls the first one after the step before. */
const STEPS: ReadonlyArray<readonly [step: string, over: (line: string, program: string) => boolean]> = [
  [
    'Linux starts the file; V8 and OpenSSL get ready',
    (line, program) => line.startsWith(`openat(AT_FDCWD, "${program}"`),
  ],
  ["Node.js gets ready; gwe's code is read and run", (line) => /^openat\(.*\/state\/lock"/.test(line)],
  ['the lock, settings, state and journal', (line) => /^connect\(.*AF_UNIX/.test(line)],
  ['the three reports', (line) => /^connect\(.*AF_INET/.test(line)],
  ['connecting, and writing the request', (line) => line.includes('"POST /onep:v1/stack/alias')],
  ['the platform answers', (line) => line.includes('"HTTP/1.1 2')],
  ['counts and state are written and synced', (line) => /^unlink\(.*\/state\/lock"\)/.test(line)],
  ['the process ends', (line) => line.startsWith('exit_group(')],
];

/** Milliseconds of each step in a trace; undefined when one of them is not there. Pure. */
export function stepsIn(trace: string, program: string): number[] | undefined {
  const lines = trace.split('\n').map((line) => /^(?:\d+ +)?(\d+\.\d+) (.*)$/.exec(line));
  const calls = lines.flatMap((found) =>
    found === null ? [] : [{ at_s: Number(found[1]), call: found[2] ?? '' }],
  );
  let [from, before_s] = [1, calls[0]?.at_s ?? 0];
  const took: number[] = [];
  for (const [, isOver] of STEPS) {
    const at = calls.findIndex(({ call }, index) => index >= from && isOver(call, program));
    const end = calls[at];
    if (end === undefined) return undefined;
    took.push((end.at_s - before_s) * 1000);
    [from, before_s] = [at + 1, end.at_s];
  }
  return took;
}

/** Traces check-ins of a gateway over http. */
export async function wakeUpTable(bench: Bench, gateway: Gateway): Promise<Table> {
  const [program = ''] = gateway.command;
  const file = join(bench.folder, `trace-${basename(gateway.state)}`);
  const strace = ['strace', '-f', '--seccomp-bpf', '-ttt', '-e', `trace=${CALLS}`, '-o', file];
  const all: number[][] = [];
  for (let round = 0; round < bench.rounds(ROUNDS); round += 1) {
    expectZero(await runToEnd([...strace, ...gateway.command, '--once'], gateway.env));
    const took = stepsIn(readFileSync(file, 'utf8'), program);
    if (took === undefined) throw new Error('a check-in did not make the calls that are waited for');
    all.push(took);
  }
  const medians = STEPS.map((_, index) => median(all.map((took) => took[index] ?? Number.NaN)));
  const sum = medians.reduce((total, each) => total + each, 0);
  return {
    caption: `Where the time goes, by strace, which adds some of its own (${all.length} rounds)`,
    columns: ['gwe, http', 'ms', 'of all'],
    rows: STEPS.map(([step], index) => {
      const ms = medians[index] ?? Number.NaN;
      return [step, shown(ms), `${Math.round((100 * ms) / sum)} %`];
    }),
  };
}
