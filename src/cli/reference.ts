/** docs/command-line.md and docs/config.md, made from the tables. */
import {
  expectation,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  splitSettingName,
} from '../config/settings.ts';
import { CAUSE_CODES, CAUSES } from './cause-table.ts';
import type { CommandRow } from './command-row.ts';
import { CLIENT_COMMANDS, COMMAND_GROUPS, COMMANDS } from './commands.ts';
import { byGroup, commandTerm, defaultInWords, flagSentence, flagTerm } from './describe.ts';
import {
  CLIENT_DESCRIPTION,
  DESCRIPTION,
  ENVIRONMENT,
  EXAMPLES,
  EXIT_STATUSES,
  FILES,
  FOLDERS,
  SIGNALS,
} from './manual.ts';
import { ENGINE_OPTIONS, OPTION_GROUPS } from './options.ts';

const NOTICE = '<!-- Made from the tables in src/ by `npm run docs`. Change those. -->';

/** docs/command-line.md. */
export function commandLineReference(): string {
  return [
    '# The command line',
    NOTICE,
    ...DESCRIPTION,
    ...markdownTable(['example', 'what it does'], EXAMPLES),
    '## Flags',
    ...byGroup(ENGINE_OPTIONS, OPTION_GROUPS).flatMap(([group, rows]) => [
      `### ${group}`,
      ...markdownTable(
        ['flag', 'meaning'],
        rows.map((row) => [flagTerm(row).trim(), flagSentence(row)]),
      ),
    ]),
    '## Commands',
    ...byGroup(COMMANDS, COMMAND_GROUPS).flatMap(([group, rows]) => [
      `### ${group}`,
      ...rows.flatMap((row) => command('gwe', row)),
    ]),
    '## What `gwe why` can say',
    'Each cause has a code that stays the same from version to version. The most pressing come first. Those without a mark hold up something that was asked for, and make `gwe why` end with 1; those with a star are only worth knowing.',
    ...markdownTable(
      ['code', 'meaning', 'what to do'],
      CAUSE_CODES.map((code) => [
        code,
        `${CAUSES[code].blocks ? '' : '\\* '}${CAUSES[code].sentence}`,
        CAUSES[code].todo,
      ]),
    ),
    '## gdc, the device client',
    CLIENT_DESCRIPTION,
    ...CLIENT_COMMANDS.flatMap((row) => command('gdc', row)),
    '## Signals to the engine',
    ...markdownTable(['signal', 'what the engine does'], SIGNALS, false),
    '## Exit statuses',
    ...markdownTable(['status', 'meaning'], EXIT_STATUSES),
    '## Differences from the original',
    DIFFERENCES,
  ]
    .join('\n\n')
    .concat('\n');
}

const DIFFERENCES = [
  'Every flag of the original is there, short and long, with its meaning. What is more than it had: `--set-server`, `--check-now`, `--self-test`, and the commands. What is not the same:',
  '',
  '- A flag must be spelled in full; the original took any beginning of a long flag that was unambiguous.',
  '- A value that cannot be right is refused with exit status 2, and nothing is changed by that call.',
  '- `--set-debug-level` beside a workbench flag counts for that call alone and is not stored, so that `--build-app` prints the path of the tarball and nothing else.',
  '- `--download-latest` takes the name of an application and looks for its newest tarball in the Content Area; the release areas of the original are gone.',
].join('\n');

function command(program: string, row: CommandRow): string[] {
  return [
    `#### \`${program} ${commandTerm(row)}\``,
    [row.sentence, ...(row.details ?? [])].join(' '),
    ...(row.options.length === 0
      ? []
      : markdownTable(
          ['flag', 'meaning'],
          row.options.map((option) => [flagTerm(option).trim(), flagSentence(option)]),
        )),
    ...(row.examples === undefined ? [] : markdownTable(['example', 'what it does'], row.examples)),
  ];
}

/** docs/config.md. */
export function configurationReference(): string {
  const sections = [...new Set(SETTING_NAMES.map((name) => splitSettingName(name)[0]))];
  return [
    '# Configuration',
    NOTICE,
    '## Where things are',
    ...markdownTable(
      ['what', 'as root', 'else', 'override'],
      FOLDERS.map(([folder, ...rest]) => [folder === 'config' ? 'configuration' : 'state', ...rest]),
      false,
    ),
    ...markdownTable(['variable', 'meaning'], ENVIRONMENT),
    ...markdownTable(
      ['file', 'what is in it'],
      FILES.map(([folder, name, sentence]) => [
        `${FOLDERS.find(([each]) => each === folder)?.[1] ?? ''}/${name}`,
        sentence,
      ]),
    ),
    '## Gateway.cfg',
    GATEWAY_CFG,
    '## Engine.config',
    ENGINE_CONFIG,
    ...sections.flatMap((section) => [
      `### [${section}]`,
      ...markdownTable(['key', 'default', 'value', 'meaning'], settingRows(section)),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}

const GATEWAY_CFG = [
  'One section, `[device]`, with five keys; a key that is not set is written as two quotes. Comments and unknown keys stay when gwe changes the file.',
  '',
  '| key | meaning | flag |',
  '| --- | --- | --- |',
  '| `cik` | the key that activation gave this gateway; gwe writes it | `--set-cik` |',
  '| `model`, `vendor` | the product; Exosite takes the product id for both | `--set-product-id` |',
  '| `uuid` | the serial number; comes before `iface` | `--set-uuid` |',
  '| `iface` | network interface whose MAC address, in upper case with colons, is the serial number | `--set-iface` |',
].join('\n');

const ENGINE_CONFIG = [
  'INI: a section, and in it `key = value`. What is not there has its default, so the file may be short or missing. A value that cannot be used costs itself only: its default is in force, and the log says so; but where one of security.* or budget.* cannot be used, or the file is not INI, nothing is contacted and gwe ends with 2. Comments and unknown keys stay when gwe changes the file. A switch is `on` or `off`; empty text is written as two quotes.',
  '',
  '    gwe config list',
  '    gwe config get install.timeout',
  '    gwe config set install.timeout 600',
  '',
  'A running engine reads the file at its next check-in, and at once when it gets HUP.',
].join('\n');

function settingRows(section: string): string[][] {
  const names: SettingName[] = SETTING_NAMES.filter((name) => splitSettingName(name)[0] === section);
  return names.map((name) => {
    const row = SETTINGS[name];
    return [splitSettingName(name)[1], `\`${defaultInWords(name)}\``, expectation(row), row.sentence];
  });
}

/** A table whose first column is code, unless told otherwise. */
function markdownTable(
  heads: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
  code = true,
): string[] {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [
    [
      line(heads),
      line(heads.map(() => '---')),
      ...rows.map(([first = '', ...rest]) => line([code ? `\`${first}\`` : first, ...rest])),
    ].join('\n'),
  ];
}
