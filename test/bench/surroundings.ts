/** On what, with what and when was measured: the facts without which a figure says nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { GWE } from '../e2e/machine.ts';

export interface Surroundings {
  machine: string;
  system: string;
  gwe: string;
  /** One-minute load before it began: above some 0.3 others had a share of the cores. */
  load: number;
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

export function surroundings(): Surroundings {
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${osName()}, Linux ${release()}, ${process.arch}`,
    gwe: firstLine([GWE, '--version']) ?? 'not built',
    load: loadavg()[0] ?? Number.NaN,
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    versions: VERSIONS.map(([name, command]) => `${name}: ${firstLine(command) ?? 'not there'}`).join('; '),
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
