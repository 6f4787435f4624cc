/** `--build-app`: from a buildfile to a tarball beside it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { GweError, systemCode } from '../errors.ts';
import { type Buildfile, parseBuildfile } from './buildfile.ts';
import { DEFAULT_LIMITS, type TarballLimits } from './checks.ts';
import { collectFiles } from './collect.ts';
import { tarballNameOf } from './name.ts';
import { packTarball } from './pack.ts';

/**
 * Runs the commands, packs the files and returns the path of NAME.vVERSION.tar.gz, which keeps every check. What the
 * commands print goes to standard error, so that standard output has the path alone. The buildfile itself and older
 * tarballs of the application are left out. Raises `config` for a bad buildfile, `script` for a command that
 * fails, `check` for what a gateway would discard.
 */
export async function buildApp(
  buildfilePath: string,
  limits: TarballLimits = DEFAULT_LIMITS,
): Promise<string> {
  const path = resolve(buildfilePath);
  const buildfile = parseBuildfile(textOf(path), buildfilePath);
  const root = dirname(path);
  const name = tarballNameOf(buildfile.name, buildfile.version);
  const to = join(root, name.file);
  await runAll('pre_build_cmds', buildfile, root, process.env);
  const files = collectFiles(root, {
    includes: buildfile.includes,
    excludes: [...buildfile.excludes, ...leftOut(path, buildfile)],
  });
  await packTarball({ root, files, to, limits });
  await runAll('post_build_cmds', buildfile, root, { ...process.env, GWE_TARBALL: to });
  return to;
}

/** Patterns with a "/" match from the top alone, so "./" in front keeps files of the same name further down. */
function leftOut(path: string, { name }: Buildfile): string[] {
  return [
    `./${basename(path)}`,
    `./${name}.v*.tar.gz`,
    `./${name}.v*.tar.gz.minisig`,
    `./.${name}.v*.tar.gz.*.new`,
  ];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new GweError('config', `Cannot read the buildfile ${path}: ${systemCode(error) ?? error}`, {
      hint: 'Make one with "gwe --create-buildfile".',
      cause: error,
    });
  }
}

async function runAll(
  list: 'pre_build_cmds' | 'post_build_cmds',
  buildfile: Buildfile,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  for (const command of buildfile[list]) {
    const why = await run(command, cwd, env);
    if (why !== undefined)
      throw new GweError('script', `Cannot build ${buildfile.name}: "${command}" in ${list} ${why}`);
  }
}

/** Runs one command; says how it failed, or nothing when it did not. */
async function run(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const STANDARD_ERROR = 2;
  const child = spawn('/bin/sh', ['-c', command], {
    cwd,
    env,
    stdio: ['ignore', STANDARD_ERROR, STANDARD_ERROR],
  });
  return await new Promise((resolved) => {
    child.once('error', (error) => resolved(`could not be started: ${error.message}`));
    child.once('exit', (status, signal) => {
      if (status === 0) resolved(undefined);
      else resolved(status === null ? `was ended by ${signal}` : `ended with ${status}`);
    });
  });
}
