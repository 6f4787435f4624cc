/** Measuring one program, and several ways of doing a thing alternately. What is measured, and what it means, is the parts'. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { median, pairedRatio, type Series, shown, withSpread } from './figures.ts';
import type { Bench, Table } from './part.ts';

export interface Taken {
  wall_ms: number;
  cpu_ms: number;
  /** Peak resident size of its largest process. */
  peak_MiB: number;
  stdout: string;
}

/**
 * Bash's own `time` tells milliseconds, GNU time the peak memory; both stand outside of the measured program. (What
 * starts it must be small: the kernel counts the size of the starting process as the peak of the one it starts.)
 */
const TIMED =
  'out=$1; shift; TIMEFORMAT="%3R %3U %3S"; ' +
  '{ time /usr/bin/time -q -f %M -o "$out.peak" "$@" 2>&3; } 3>&2 2>"$out.times"';

/** Runs a program to its end and tells what it took; an Error with what it said when it does not end with 0. */
export async function measure(
  command: readonly string[],
  options: {
    folder: string;
    env?: NodeJS.ProcessEnv;
    cwd?: string;
    /** What the measuring itself is run by, such as `unshare -m …`. */
    within?: readonly string[];
  },
): Promise<Taken> {
  const out = join(options.folder, 'measured');
  const env = options.env ?? { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: options.folder };
  const ran = await runToEnd(
    [...(options.within ?? []), '/bin/bash', '-c', TIMED, 'bash', out, ...command],
    env,
    options.cwd,
  );
  if (ran.status !== 0)
    throw new Error(`${command.join(' ')} ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
  const [wall = Number.NaN, user = 0, system = 0] = readFileSync(`${out}.times`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  return {
    wall_ms: wall * 1000,
    cpu_ms: (user + system) * 1000,
    peak_MiB: Number(readFileSync(`${out}.peak`, 'utf8')) / 1024,
    stdout: ran.stdout,
  };
}

/** Runs a program while this process goes on serving. */
export function runToEnd(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const [file = '', ...args] = command;
  return new Promise((done, failed) => {
    const child = spawn(file, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.once('error', failed);
    child.once('close', (status) => done({ status, ...said }));
  });
}

/** A way of doing what is measured. */
export interface Way {
  name: string;
  run(): Promise<Taken>;
}

/**
 * Does each way once a round, in turn, so that each round gives a set that belongs together; a first round of all of them
 * warms the caches and is thrown away. A way that fails is left out from then on, and said in `failed`.
 */
export async function alternately(
  bench: Bench,
  ways: readonly Way[],
  rounds: number,
): Promise<{ taken: Map<string, Taken[]>; failed: string[] }> {
  const taken = new Map<string, Taken[]>();
  const failed: string[] = [];
  let left = [...ways];
  for (let round = -1; round < rounds; round++) {
    for (const way of left) {
      try {
        const one = await way.run();
        if (round >= 0) taken.set(way.name, [...(taken.get(way.name) ?? []), one]);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        bench.say(`${way.name}: …${why.slice(-600)}`);
        failed.push(`${way.name} could not be measured: …${why.trim().split('\n').at(-1)?.slice(-200)}`);
        taken.delete(way.name);
        left = left.filter((other) => other !== way);
      }
    }
  }
  return { taken, failed };
}

/** One figure of all that was taken, as series. */
export function seriesOf(
  taken: ReadonlyMap<string, readonly Taken[]>,
  pick: (one: Taken) => number,
): Series[] {
  return [...taken].map(([way, all]) => ({ way, values: all.map(pick) }));
}

/** The usual table: wall, CPU and peak of each way, and how many times the floor's wall time it took, pair by pair. */
export function tableOf(caption: string, taken: ReadonlyMap<string, readonly Taken[]>, floor: string): Table {
  const floors = (taken.get(floor) ?? []).map((one) => one.wall_ms);
  const rows = [...taken].map(([way, all]) => [
    way,
    withSpread(all.map((one) => one.wall_ms)),
    shown(
      pairedRatio(
        all.map((one) => one.wall_ms),
        floors,
      ),
    ),
    shown(median(all.map((one) => one.cpu_ms))),
    shown(median(all.map((one) => one.peak_MiB))),
  ]);
  const rounds = Math.max(0, ...[...taken.values()].map((all) => all.length));
  return {
    caption: `${caption} (${rounds} rounds)`,
    columns: ['', 'wall ms: median (middle half)', `÷ ${floor}, by pairs`, 'CPU ms', 'peak RSS MiB'],
    rows,
  };
}

/** What identifies the contents of a folder: names, kinds, permissions and bytes. */
export function digestOfTree(folder: string): string {
  const hash = createHash('sha256');
  if (!existsSync(folder)) throw new Error(`nothing was installed in ${folder}`);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    hash.update(`${name}\0${stat.isDirectory() ? 'folder' : (stat.mode & 0o777).toString(8)}\0`);
    if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stat.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}
