/** Words → the command that they name. Pure; raises `usage` with the nearest name. */
import { GweError } from '../errors.ts';
import type { CommandRow } from './command-row.ts';
import { nearest } from './nearest.ts';
import { oneLine } from './values.ts';

/** The row that the first one or two words name, and the words after it. Raises `usage` with the nearest name. */
export function findCommand(
  program: string,
  commands: readonly CommandRow[],
  argv: readonly string[],
): { row: CommandRow; rest: readonly string[] } {
  for (const length of [2, 1]) {
    const name = argv.slice(0, length).join(' ');
    const row = argv.length >= length ? commands.find((each) => each.name === name) : undefined;
    if (row !== undefined) return { row, rest: argv.slice(length) };
  }
  const [first = '', second = ''] = argv;
  const within = commandsUnder(commands, first);
  if (within.length > 0) throw incompleteCommand(program, first, second, within);
  const guess = nearest(first, [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))]);
  throw new GweError(
    'usage',
    `Cannot understand "${oneLine(first)}": expected a command or a flag of ${program}`,
    {
      hint: `The nearest command is ${guess}; see ${program} --help`,
    },
  );
}

/** The rows whose first word is `first`, and that have a second one. */
export function commandsUnder(commands: readonly CommandRow[], first: string): readonly CommandRow[] {
  return commands.filter(({ name }) => name.startsWith(`${first} `));
}

function incompleteCommand(
  program: string,
  first: string,
  second: string,
  within: readonly CommandRow[],
): GweError {
  const words = within.map(({ name }) => name.slice(first.length + 1));
  const typed = oneLine(`${first} ${second}`.trim());
  const guess = second === '' || second.startsWith('-') ? undefined : nearest(second, words);
  return new GweError('usage', `Cannot understand "${typed}": expected ${words.join(', ')} after ${first}`, {
    hint: guess === undefined ? `See ${program} --help` : `The nearest is ${program} ${first} ${guess}`,
  });
}
