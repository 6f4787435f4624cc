/** `gwe config list|get|set`: the settings as a person reads and changes them. */
import { loadSettings } from '../config/places.ts';
import {
  expectation,
  formatSetting,
  isSettingName,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
} from '../config/settings.ts';
import { GweError } from '../errors.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { changeSettings } from './setters.ts';
import { fits, oneLine } from './values.ts';
import { table } from './words.ts';

/** `gwe config list`: every setting; a star marks what differs from its default. */
export async function runList(context: CommandContext, args: CommandArgs): Promise<number> {
  const { settings, problems } = loadSettings(context.places);
  for (const problem of problems) context.err(`gwe: ${problem}\n`);
  if (args.has('json')) {
    context.out(`${JSON.stringify(settings, undefined, 2)}\n`);
    return 0;
  }
  const rows = SETTING_NAMES.map((name) => {
    const changed = settings[name] !== SETTINGS[name].default;
    return [`${changed ? '*' : ' '} ${name}`, formatSetting(settings[name]), unitOf(name)];
  });
  context.out(table(rows));
  return 0;
}

/** `gwe config get SECTION.KEY`: its value alone. */
export async function runGet(context: CommandContext, args: CommandArgs): Promise<number> {
  const { settings, problems } = loadSettings(context.places);
  for (const problem of problems) context.err(`gwe: ${problem}\n`);
  context.out(`${formatSetting(settings[nameOf(args)])}\n`);
  return 0;
}

/** `gwe config set SECTION.KEY VALUE`: stores it and prints Engine.config. */
export async function runSet(context: CommandContext, args: CommandArgs): Promise<number> {
  const name = nameOf(args);
  const value = args.operands[1] ?? '';
  if (!fits({ kind: 'setting', name }, value)) {
    throw new GweError(
      'usage',
      `Cannot set ${name} to "${oneLine(value)}": expected ${expectation(SETTINGS[name])}`,
      {
        hint: SETTINGS[name].sentence,
      },
    );
  }
  context.out(changeSettings(context.places, [[name, value]]));
  return 0;
}

function unitOf(name: SettingName): string {
  const row = SETTINGS[name];
  return row.type === 'integer' ? row.unit : '';
}

function nameOf(args: CommandArgs): SettingName {
  const name = args.operands[0] ?? '';
  if (isSettingName(name)) return name;
  throw new GweError('usage', `Cannot find the setting "${oneLine(name)}"`, { hint: 'See gwe config list' });
}
