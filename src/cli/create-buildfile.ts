/** `--create-buildfile`: asks for three names, as the original does, and writes a buildfile that builds at once. */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { checkBuildfile, createBuildfile } from '../app/buildfile.ts';
import { GweError } from '../errors.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { wrap } from './wrap.ts';

const DEFAULT_NAME = 'my_app';
const DEFAULT_VERSION = '1';

const KEYS = [
  ['name', 'Name of the application: gwe, supervisord and the log file call it so.'],
  ['version', 'Its version, a string. Change it whenever anything in the application changes.'],
  ['includes', 'Files and folders that go into the tarball; patterns such as * may be used.'],
  ['excludes', 'Files that do not, though the patterns above mean them.'],
  ['pre_build_cmds', 'Commands to run before the tarball is made, for instance to fetch something.'],
  ['post_build_cmds', 'Commands to run when it is there, for instance to clean up.'],
] as const;

/** Asks on standard input (an empty answer or none takes the default), writes the file and tells what is in it. */
export async function createBuildfileByAsking(context: CommandContext, args: CommandArgs): Promise<number> {
  const ask = questions(context);
  try {
    const file = await ask('build file name', `${DEFAULT_NAME}.json`);
    const name = args.text('app-name') ?? (await ask('app name', DEFAULT_NAME));
    const version = args.text('app-version') ?? (await ask('app version', DEFAULT_VERSION));
    const text = buildfileText(name, version);
    if (existsSync(file)) {
      throw new GweError('conflict', `Cannot create the buildfile ${file}: it is there already`, {
        hint: 'Give another name, or remove it first',
      });
    }
    writeFileSync(file, text, { flag: 'wx' });
    context.out(summary(resolve(file), text));
    return 0;
  } finally {
    ask.close();
  }
}

/** The text of a buildfile for that name and version. Raises `config`, saying what is wrong with either. */
export function buildfileText(name: string, version: string): string {
  const value: unknown = JSON.parse(createBuildfile(name));
  const text = `${JSON.stringify({ ...Object(value), version }, undefined, 2)}\n`;
  const problems = checkBuildfile(text);
  if (problems.length === 0) return text;
  throw new GweError('config', `Cannot create a buildfile: ${problems.join('; ')}`);
}

function questions(context: CommandContext) {
  const lines = createInterface({ input: context.input ?? process.stdin });
  const answers = lines[Symbol.asyncIterator]();
  const ask = async (what: string, otherwise: string): Promise<string> => {
    context.err(`Provide ${what} (${otherwise}): `);
    const answer = await answers.next();
    return (answer.done ? '' : answer.value.trim()) || otherwise;
  };
  return Object.assign(ask, { close: () => lines.close() });
}

function summary(path: string, text: string): string {
  return [
    `Build file created: ${path}\n`,
    text,
    KEYS.map(([key, sentence]) => `  ${key.padEnd(18)}${wrap(sentence, 20).slice(20)}`).join(''),
    `Next: write an install.sh (executable, first line #!/bin/sh), then run\n  gwe --build-app ${path}\n`,
  ].join('\n');
}
