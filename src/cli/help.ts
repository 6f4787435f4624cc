/** `--help`: the tables and the manual as text that fits 100 columns. */
import type { Places } from '../config/places.ts';
import type { CommandArgs, CommandRow } from './command-row.ts';
import { CLIENT_COMMANDS, COMMAND_GROUPS, COMMANDS } from './commands.ts';
import type { CommandContext } from './context.ts';
import { byGroup, commandTerm, flagSentence, flagTerm } from './describe.ts';
import { commandsUnder, findCommand } from './find-command.ts';
import {
  CLIENT_DESCRIPTION,
  DESCRIPTION,
  ENVIRONMENT,
  type Entry,
  EXAMPLES,
  EXIT_STATUSES,
  FILES,
  SIGNALS,
  TAGLINE,
  USAGE,
} from './manual.ts';
import { ENGINE_OPTIONS, OPTION_GROUPS, type OptionRow } from './options.ts';
import { usageLine } from './parse.ts';
import { wrap } from './wrap.ts';

/** Sentences begin here; a longer term stands on a line of its own. */
const TERM_COLUMNS = 40;
const SHORT_TERM_COLUMNS = 26;

/** `gwe --help`. */
export function programHelp(places: Places): string {
  return [
    `gwe - ${TAGLINE}\n`,
    section('Usage', entries(USAGE, SHORT_TERM_COLUMNS)),
    `${DESCRIPTION.map((text) => wrap(text, 0)).join('\n')}`,
    section('Examples', entries(EXAMPLES, 44)),
    ...byGroup(ENGINE_OPTIONS, OPTION_GROUPS).map(([group, rows]) => section(group, flags(rows))),
    ...byGroup(COMMANDS, COMMAND_GROUPS).map(([group, rows]) =>
      section(`Commands: ${group}`, commands(rows)),
    ),
    section('Files', entries(files(places), TERM_COLUMNS)),
    section('Environment', entries(ENVIRONMENT, SHORT_TERM_COLUMNS)),
    section('Signals', entries(SIGNALS, SHORT_TERM_COLUMNS)),
    section('Exit status', entries(EXIT_STATUSES, 6)),
  ].join('\n');
}

/** `gdc --help`. */
export function clientHelp(): string {
  const examples = CLIENT_COMMANDS.flatMap((row) => row.examples ?? []);
  return [
    'gdc - the device client of gwe\n',
    section('Usage', '  gdc COMMAND [flags] …     gdc COMMAND --help tells more\n'),
    wrap(CLIENT_DESCRIPTION, 0),
    section('Commands', commands(CLIENT_COMMANDS)),
    section('Examples', stacked(examples)),
    section('Exit status', entries(EXIT_STATUSES.slice(0, 3), 6)),
  ].join('\n');
}

/** `gwe COMMAND --help`. */
export function commandHelp(program: string, row: CommandRow): string {
  const usage = usageLine(`${program} ${row.name}`, row.operands, row.options.length > 0);
  return [
    section('Usage', `  ${usage}\n`),
    wrap(row.sentence, 0) + (row.details ?? []).map((text) => wrap(text, 0)).join(''),
    ...byGroup(row.options, []).map(([group, rows]) => section(group, flags(rows))),
    ...(row.examples === undefined ? [] : [section('Examples', stacked(row.examples))]),
  ].join('\n');
}

/** `gwe content --help`: the commands that begin with this word; `undefined` when none does, or the word is a command itself. */
export function wordHelp(program: string, rows: readonly CommandRow[], word: string): string | undefined {
  const within = commandsUnder(rows, word);
  if (within.length === 0 || rows.some(({ name }) => name === word)) return undefined;
  return `${section('Commands', commands(within))}\n${program} ${word} COMMAND --help tells more.\n`;
}

/** The command `gwe help [COMMAND]`. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const [first, second] = args.operands;
  const ofWord = first === undefined || second !== undefined ? undefined : wordHelp('gwe', COMMANDS, first);
  context.out(
    first === undefined
      ? programHelp(context.places)
      : (ofWord ?? commandHelp('gwe', findCommand('gwe', COMMANDS, args.operands).row)),
  );
  return 0;
}

function section(heading: string, body: string): string {
  return `${heading}:\n${body}`;
}

function flags(rows: readonly OptionRow[]): string {
  return entries(
    rows.map((row) => [flagTerm(row), flagSentence(row)]),
    TERM_COLUMNS,
  );
}

function commands(rows: readonly CommandRow[]): string {
  return entries(
    rows.map((row) => [commandTerm(row), row.sentence]),
    TERM_COLUMNS,
  );
}

function files(places: Places): Entry[] {
  return FILES.map(([folder, name, sentence]) => [`${places[folder]}/${name}`, sentence]);
}

function stacked(examples: readonly Entry[]): string {
  return examples.map(([line, sentence]) => `  ${line}\n${wrap(sentence, 6)}`).join('');
}

/** Two columns: terms, and their sentences from `column` on. */
function entries(rows: readonly Entry[], column: number): string {
  return rows
    .map(([term, sentence]) => {
      const start = `  ${term}`;
      const text = wrap(sentence, column);
      return start.length + 2 <= column ? start.padEnd(column) + text.slice(column) : `${start}\n${text}`;
    })
    .join('');
}
