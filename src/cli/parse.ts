/**
 * Words of a command line → checked values, by the rows of a table. minimist collects them; before it does, every flag is
 * spelled out as --long=value, because by itself minimist reads `-uABC` as four switches, lets `-t -5` pass as a flag
 * without a value, and turns `--no-x` into its opposite. Pure; raises `usage` with one line that says what is wrong.
 */
import minimist from 'minimist';
import { GweError } from '../errors.ts';
import type { CommandArgs, OperandRow } from './command-row.ts';
import { nearest } from './nearest.ts';
import type { OptionRow } from './options.ts';
import { checkValue, expected, flagName, oneLine } from './values.ts';

/**
 * Reads `words` by the rows of `options` and `operands`; `command` is what error messages call the program.
 * Raises `usage` for a flag that is not there (with the nearest that is), a value that is missing or does not fit, and
 * too few or too many operands.
 */
export function parseArgs(
  command: string,
  words: readonly string[],
  options: readonly OptionRow[],
  operands: readonly OperandRow[],
): CommandArgs {
  const args = collect(spellOut(command, words, options), options);
  // Whoever asks for help need not have the rest right.
  if (args.has('help')) return args;
  for (const row of options) checkOption(row, args, options);
  checkOperands(command, args.operands, operands);
  return args;
}

function collect(spelled: readonly string[], options: readonly OptionRow[]): CommandArgs {
  const parsed = minimist([...spelled], {
    string: [...options.map(({ long }) => long), '_'],
    unknown: (word) => !word.startsWith('-'),
  });
  const values = new Map<string, string[]>();
  for (const { long } of options) {
    const value: unknown = Object.hasOwn(parsed, long) ? parsed[long] : undefined;
    if (value !== undefined) values.set(long, [value].flat().map(String));
  }
  return {
    operands: parsed._.map(String),
    has: (long) => values.has(long),
    text: (long) => values.get(long)?.at(-1),
    all: (long) => values.get(long) ?? [],
    integer: (long) => {
      const text = values.get(long)?.at(-1);
      return text === undefined ? undefined : Number(text);
    },
  };
}

/** The same command line with every flag as `--long=value` (a switch as `--long=on`), operands after `--`. */
export function spellOut(command: string, words: readonly string[], options: readonly OptionRow[]): string[] {
  const flags: string[] = [];
  const operands: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') operands.push(...queue.splice(0));
    else if (word.startsWith('--')) flags.push(...spellLong(command, word, queue, options));
    else if (!isValue(word)) flags.push(...spellShort(command, word, queue, options));
    else operands.push(word);
  }
  return [...flags, '--', ...operands];
}

function spellLong(command: string, word: string, queue: string[], options: readonly OptionRow[]): string[] {
  const [, name = '', attached] = word.match(/^--([^=]*)(?:=([\s\S]*))?$/) ?? [];
  const row = options.find(({ long, alias }) => long === name || alias === name);
  if (row === undefined) throw unknownFlag(command, `--${name}`, options);
  return spellValues(row, attached, queue);
}

function spellShort(command: string, word: string, queue: string[], options: readonly OptionRow[]): string[] {
  if (word.length > 2 && options.some(({ long }) => `-${long}` === word))
    throw unknownFlag(command, word, options);
  const flags: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word.slice(at, at + 1);
    const row = options.find(({ short }) => short === letter);
    if (row === undefined) throw unknownFlag(command, `-${letter}`, options);
    const rest = word.slice(at + 1);
    if (row.value !== undefined) {
      return [...flags, ...spellValues(row, rest === '' ? undefined : rest.replace(/^=/, ''), queue)];
    }
    // `-C=1`: let the switch itself say that it takes no value.
    flags.push(...spellValues(row, rest.startsWith('=') ? rest.slice(1) : undefined, queue));
  }
  return flags;
}

function spellValues(row: OptionRow, attached: string | undefined, queue: string[]): string[] {
  if (row.value === undefined) {
    if (attached === undefined) return [`--${row.long}=on`];
    throw new GweError('usage', `Cannot use "${oneLine(attached)}" for ${flagName(row)}: it takes no value`);
  }
  const values = attached === undefined ? [] : [attached];
  while (isValue(queue[0]) && (values.length === 0 || row.takesMany)) values.push(queue.shift() ?? '');
  if (values.length > 0) return values.map((value) => `--${row.long}=${value}`);
  throw new GweError(
    'usage',
    `Cannot use ${flagName(row)}: it needs a value, ${row.value}: ${expected(row.type)}`,
    { hint: queue[0] === undefined ? '' : `To give a value that begins with a dash: --${row.long}=VALUE` },
  );
}

/** Flags begin with a dash; a single dash (standard input) and negative numbers are values. */
function isValue(word: string | undefined): boolean {
  return word !== undefined && (!/^-./.test(word) || /^-\d+(\.\d+)?$/.test(word));
}

function unknownFlag(command: string, typed: string, options: readonly OptionRow[]): GweError {
  const short = options.flatMap((row) => (row.short === undefined ? [] : [`-${row.short}`]));
  const long = options.flatMap(({ long, alias }) =>
    alias === undefined ? [`--${long}`] : [`--${long}`, `--${alias}`],
  );
  const guess = nearest(typed, typed.length === 2 ? [...short, ...long] : long);
  return new GweError('usage', `Cannot understand ${oneLine(typed)}: expected a flag of ${command}`, {
    hint: guess === undefined ? `See ${command} --help` : `The nearest is ${guess}; see ${command} --help`,
  });
}

function checkOption(row: OptionRow, args: CommandArgs, options: readonly OptionRow[]): void {
  if (!args.has(row.long)) return;
  if (row.value !== undefined) {
    for (const value of args.all(row.long)) checkValue(flagName(row), row.type, value);
  }
  if (row.needs !== undefined && !row.needs.some((long) => args.has(long))) {
    const needed = options.filter(({ long }) => row.needs?.includes(long)).map(flagName);
    throw new GweError(
      'usage',
      `Cannot use ${flagName(row)} alone: expected ${needed.join(' or ')} beside it`,
    );
  }
}

function checkOperands(command: string, words: readonly string[], rows: readonly OperandRow[]): void {
  const missing = rows[words.length];
  if (missing !== undefined && !missing.optional && !(missing.repeats && words.length >= rows.length)) {
    throw new GweError('usage', `Cannot run ${command}: ${missing.name} is missing`, {
      hint: `Usage: ${usageLine(command, rows)}`,
    });
  }
  words.forEach((word, index) => {
    const row = rows[index] ?? (rows.at(-1)?.repeats ? rows.at(-1) : undefined);
    if (row === undefined) {
      throw new GweError('usage', `Cannot run ${command}: did not expect "${oneLine(word)}"`, {
        hint: `Usage: ${usageLine(command, rows)}`,
      });
    }
    checkValue(row.name, row.type, word);
  });
}

/** `gwe deploy [flags] SERIAL TARBALL…` */
export function usageLine(command: string, operands: readonly OperandRow[], hasFlags = true): string {
  const words = operands.map(({ name, optional, repeats }) => {
    const many = repeats ? `${name}…` : name;
    return optional ? `[${many}]` : many;
  });
  return [command, ...(hasFlags ? ['[flags]'] : []), ...words].join(' ');
}
