/**
 * What was typed → what is done → the exit status. Decides between the three: a command, the flags, or the engine itself.
 * Everything but the tables is loaded only when it is called, so that an engine that wakes up pays for none of it.
 */
import { basename } from 'node:path';
import { asGweError, exitStatus, GweError, systemCode } from '../errors.ts';
import type { CommandArgs, CommandRow } from './command-row.ts';
import { CLIENT_COMMANDS, COMMANDS } from './commands.ts';
import type { CommandContext } from './context.ts';
import { findCommand } from './find-command.ts';
import { CLIENT_OPTIONS, ENGINE_OPTIONS, HELP_OPTION } from './options.ts';
import { parseArgs } from './parse.ts';

/**
 * Does what `argv` (without the program itself) says. `programName` is the name that gwe was called by: as `gdc` it is the
 * device client. Returns the exit status: 0 done, 1 could not be done, 2 wrong usage or configuration, 3 refused by a check.
 */
export async function run(argv: string[], programName: string, context: CommandContext): Promise<number> {
  const program = basename(programName) === 'gdc' ? 'gdc' : 'gwe';
  try {
    return program === 'gdc' ? await runClient(argv, context) : await runAgent(argv, context);
  } catch (error) {
    context.err(errorText(program, error));
    return exitStatus(error);
  }
}

async function runAgent(argv: string[], context: CommandContext): Promise<number> {
  const first = argv[0];
  if (first !== undefined && !first.startsWith('-')) return runCommand('gwe', COMMANDS, argv, context);
  const args = parseArgs('gwe', argv, ENGINE_OPTIONS, []);
  if (args.has('help')) {
    const { programHelp } = await import('./help.ts');
    context.out(programHelp(context.places));
    return 0;
  }
  if (argv.length === 0 || isOnlyOnce(args)) return startEngine(context, args.has('once'));
  const { runFlags } = await import('./flags.ts');
  const status = await runFlags(context, args);
  return status === 0 && args.has('once') ? startEngine(context, true) : status;
}

function isOnlyOnce(args: CommandArgs): boolean {
  return ENGINE_OPTIONS.every(({ long }) => args.has(long) === (long === 'once'));
}

async function startEngine(context: CommandContext, once: boolean): Promise<number> {
  if (context.signal.aborted) return once ? 1 : 0;
  const { runEngine } = await import('../engine/cycle.ts');
  return runEngine(context, { once });
}

async function runClient(argv: string[], context: CommandContext): Promise<number> {
  const first = argv[0];
  if (first !== undefined && !first.startsWith('-')) return runCommand('gdc', CLIENT_COMMANDS, argv, context);
  const { clientHelp } = await import('./help.ts');
  const args = parseArgs('gdc', argv, CLIENT_OPTIONS, []);
  if (args.has('version')) {
    const { versionLine } = await import('./flags.ts');
    context.out(`${versionLine('gdc')}\n`);
    return 0;
  }
  if (!args.has('help')) {
    throw new GweError('usage', 'Cannot run gdc: expected a command', { hint: 'See gdc --help' });
  }
  context.out(clientHelp());
  return 0;
}

async function runCommand(
  program: string,
  commands: readonly CommandRow[],
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [word = '', flag] = argv;
  if (flag === '--help' || flag === '-h') {
    const { wordHelp } = await import('./help.ts');
    const text = wordHelp(program, commands, word);
    if (text !== undefined) {
      context.out(text);
      return 0;
    }
  }
  const { row, rest } = findCommand(program, commands, argv);
  const args = parseArgs(`${program} ${row.name}`, rest, [...row.options, HELP_OPTION], row.operands);
  if (args.has('help')) {
    const { commandHelp } = await import('./help.ts');
    context.out(commandHelp(program, row));
    return 0;
  }
  const { run: runIt } = await row.load();
  return runIt(context, args);
}

/** An error as standard error shows it: wrong usage or configuration in one line, all else with what to do below it. */
export function errorText(program: string, thrown: unknown): string {
  const error = asGweError(thrown);
  const { message } = error;
  const hint = error.hint ?? permissionHint(error);
  if (hint === undefined || hint === '') return `${program}: ${message}\n`;
  if (exitStatus(thrown) !== 2) return `${program}: ${message}\n  ${hint.replaceAll('\n', '\n  ')}\n`;
  return `${program}: ${`${message}. ${hint}`.replace(/\s*\n\s*/g, ' ')}\n`;
}

function permissionHint({ cause }: GweError): string | undefined {
  const code = systemCode(cause);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return undefined;
  return code === 'EROFS'
    ? 'The file system is mounted read-only.'
    : 'Run it as the user that the folder belongs to, often root: sudo gwe …';
}
