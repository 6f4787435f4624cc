/** What the tests of the shipped scripts share: a folder, and running a script in it with an environment of its own. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { DIST, ROOT } from '../../src/packaging/targets.ts';

export { DIST, ROOT };

/** No Node.js is here. */
export const BARE_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** The built file for this machine. */
export const GWE_FILE = `gwe-linux-${process.arch}`;

export interface Ran {
  status: number | null;
  signal: NodeJS.Signals | null;
  /** Standard output and standard error. */
  said: string;
}

/** A folder that goes with the test. */
export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-packaging-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end in `cwd`, with nothing in its environment but PATH and `env`. */
export function run(command: readonly string[], env: Record<string, string>, cwd = '/'): Ran {
  const [file = '', ...args] = command;
  const ran = spawnSync(file, args, { cwd, env: { PATH: BARE_PATH, ...env }, encoding: 'utf8' });
  if (ran.error !== undefined) throw ran.error;
  return { status: ran.status, signal: ran.signal, said: ran.stdout + ran.stderr };
}

/** Writes a program. */
export function writeProgram(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}
