/** On what, with what and when was measured: the facts without which a figure says nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { GWE } from '../e2e/machine.ts';

export interface Surroundings {
  machine: string;
  system: string;
  gwe: string;
  /** How much of all processors others used in the seconds before it began, in which the bench itself did nothing. */
  othersPercent: number;
  at: string;
  versions: string;
}

/** How each tool tells its version. */
const VERSIONS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['mender', ['mender', '--version']],
  ['swupdate', ['dpkg-query', '-W', 'swupdate']],
  ['rauc', ['rauc', '--version']],
  ['curl', ['curl', '--version']],
  ['tar', ['tar', '--version']],
  ['supervisord', ['supervisord', '--version']],
  ['python3', ['/usr/bin/python3', '--version']],
];

const WATCHED_MS = 3_000;

export async function surroundings(): Promise<Surroundings> {
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${osName()}, Linux ${release()}, ${process.arch}`,
    gwe: firstLine([GWE, '--version']) ?? 'not built',
    othersPercent: await busyPercent(WATCHED_MS),
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    versions: VERSIONS.map(([name, command]) => `${name}: ${firstLine(command) ?? 'not there'}`).join('; '),
  };
}

/** Of the time of all processors, what was not idle within `watched_ms`. */
async function busyPercent(watched_ms: number): Promise<number> {
  const before = processorTimes();
  await setTimeout(watched_ms);
  const after = processorTimes();
  const all = after.all - before.all;
  return all === 0 ? 0 : (100 * (all - (after.idle - before.idle))) / all;
}

function processorTimes(): { all: number; idle: number } {
  const times = cpus().map((each) => each.times);
  const sum = (of: readonly number[]) => of.reduce((total, each) => total + each, 0);
  return {
    all: sum(times.flatMap((each) => Object.values(each))),
    idle: sum(times.map((each) => each.idle)),
  };
}

function osName(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8').match(/^PRETTY_NAME="(.*)"/m)?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}

function firstLine([file = '', ...args]: readonly string[]): string | undefined {
  const { stdout, status } = spawnSync(file, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return status === 0 ? stdout.split('\n')[0]?.trim() : undefined;
}
