/** docs/gwe.1: the tables and the manual as a manual page, in the man macros that every roff knows. */
import type { CommandRow } from './command-row.ts';
import { CLIENT_COMMANDS, COMMAND_GROUPS, COMMANDS } from './commands.ts';
import { byGroup, commandTerm, flagSentence, flagTerm } from './describe.ts';
import {
  CLIENT_DESCRIPTION,
  DESCRIPTION,
  ENVIRONMENT,
  type Entry,
  EXAMPLES,
  EXIT_STATUSES,
  FILES,
  FOLDERS,
  SIGNALS,
  TAGLINE,
} from './manual.ts';
import { ENGINE_OPTIONS, OPTION_GROUPS, type OptionRow } from './options.ts';

/** The whole page. The same tables give the same bytes: it carries no date and no version. */
export function manPage(): string {
  return [
    '.\\" Made from the tables in src/cli by "npm run docs". Change those.',
    '.TH GWE 1 "" "gwe" "User Commands"',
    '.SH NAME',
    `gwe, gdc \\- ${roff(TAGLINE)}`,
    '.SH SYNOPSIS',
    '.B gwe',
    '.RI [ flags ]',
    '.br',
    '.B gwe',
    '.I command',
    '.RI [ flags ]',
    '.RI [ words ...]',
    '.br',
    '.B gdc',
    '.I command',
    '.RI [ words ...]',
    '.SH DESCRIPTION',
    ...DESCRIPTION.flatMap((text) => ['.PP', roff(text)]),
    '.SH OPTIONS',
    ...byGroup(ENGINE_OPTIONS, OPTION_GROUPS).flatMap(([group, rows]) => [
      `.SS "${roff(group)}"`,
      ...rows.flatMap(flag),
    ]),
    '.SH COMMANDS',
    ...byGroup(COMMANDS, COMMAND_GROUPS).flatMap(([group, rows]) => [
      `.SS "${roff(group)}"`,
      ...rows.flatMap((row) => command('gwe', row)),
    ]),
    '.SH DEVICE CLIENT',
    roff(CLIENT_DESCRIPTION),
    ...CLIENT_COMMANDS.flatMap((row) => command('gdc', row)),
    ...list('FILES', files()),
    ...list('ENVIRONMENT', ENVIRONMENT),
    ...list('SIGNALS', SIGNALS),
    ...list('EXIT STATUS', EXIT_STATUSES),
    ...list('EXAMPLES', EXAMPLES),
    '.SH SEE ALSO',
    '.BR supervisord (1),',
    '.BR minisign (1)',
    '',
  ].join('\n');
}

function list(heading: string, entries: readonly Entry[]): string[] {
  return [
    `.SH ${heading}`,
    ...entries.flatMap(([term, sentence]) => ['.TP', `.B ${roff(term)}`, roff(sentence)]),
  ];
}

function flag(row: OptionRow): string[] {
  return ['.TP', `.B ${roff(flagTerm(row).trim())}`, roff(flagSentence(row))];
}

function command(program: string, row: CommandRow): string[] {
  return [
    '.TP',
    `.B ${roff(`${program} ${commandTerm(row)}`)}`,
    roff([row.sentence, ...(row.details ?? [])].join(' ')),
    ...row.options.flatMap((option) => [
      '.RS',
      '.TP',
      `.B ${roff(flagTerm(option).trim())}`,
      roff(flagSentence(option)),
      '.RE',
    ]),
    ...(row.examples ?? []).flatMap(([line, sentence]) => [
      '.RS',
      '.TP',
      `.I ${roff(line)}`,
      roff(sentence),
      '.RE',
    ]),
  ];
}

function files(): Entry[] {
  return FILES.map(([folder, name, sentence]) => {
    const asRoot = FOLDERS.find(([each]) => each === folder)?.[1] ?? '';
    return [`${asRoot}/${name}`, sentence];
  });
}

/** Text that roff prints as it is: backslashes, dashes, and a dot or quote that would begin a request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('…', '...')
    .replace(/^\./, '\\&.');
}
