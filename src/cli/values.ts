/** Checks one word against what the tables say it may be, and says in words what that is. Pure. */
import { expectation, isSettingName, parseSetting, SETTING_NAMES, SETTINGS } from '../config/settings.ts';
import { GweError } from '../errors.ts';
import { nearest } from './nearest.ts';
import type { OptionRow, ValueKind } from './options.ts';

/** What a value of this kind must be, as it completes "expected …". */
export function expected(type: ValueKind | undefined): string {
  switch (type?.kind) {
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}${type.unit ? ` ${type.unit}` : ''}`;
    case 'choice':
      return `one of ${type.choices.join(', ')}`;
    case 'pattern':
      return type.expected;
    case 'url':
      return 'an http or https URL';
    case 'setting':
      return type.name === 'engine.server' ? "an http or https URL, or ''" : expectation(SETTINGS[type.name]);
    case 'setting-name':
      return 'the name of a setting, such as engine.update_interval';
    case 'file':
      return 'the path of a file';
    case 'folder':
      return 'the path of a folder';
    case 'interface':
      return 'the name of a network interface';
    default:
      return 'text';
  }
}

/** Whether `written` may stand where this kind of value is wanted. Says nothing about the machine: a file need not exist. */
export function fits(type: ValueKind | undefined, written: string): boolean {
  switch (type?.kind) {
    case 'integer':
      return /^\d{1,15}$/.test(written) && Number(written) >= type.min && Number(written) <= type.max;
    case 'choice':
      return type.choices.includes(written);
    case 'pattern':
      return type.pattern.test(written);
    case 'url':
      return isHttpUrl(written);
    case 'setting':
      return fitsSetting(type.name, written);
    case 'setting-name':
      return isSettingName(written);
    case 'file':
    case 'folder':
    case 'interface':
      return written !== '' && !written.includes('\0');
    default:
      return !/[\r\n\0]/.test(written) || type === undefined;
  }
}

function fitsSetting(name: Extract<ValueKind, { kind: 'setting' }>['name'], written: string): boolean {
  if (/[\r\n\0]/.test(written)) return false;
  if (name === 'engine.server') return /^(''|""|)$/.test(written) || isHttpUrl(written);
  try {
    parseSetting(name, written);
    return true;
  } catch {
    return false;
  }
}

function isHttpUrl(written: string): boolean {
  const url = URL.parse(written);
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '';
}

/** How a flag is written in a sentence: `--set-update-interval (-t)`. */
export function flagName(row: OptionRow): string {
  return row.short === undefined ? `--${row.long}` : `--${row.long} (-${row.short})`;
}

/** The words that a shell may offer for a value of this kind; files, folders and interfaces are the shell's own matter. */
export function wordsFor(type: ValueKind | undefined): readonly string[] {
  if (type?.kind === 'choice') return type.choices;
  if (type?.kind === 'setting-name') return SETTING_NAMES;
  if (type?.kind !== 'setting') return [];
  const row = SETTINGS[type.name];
  if (row.type === 'choice') return row.choices;
  return row.type === 'switch' ? ['on', 'off'] : [];
}

/** Raises `usage` when `written` may not stand for the flag or operand called `name`. */
export function checkValue(name: string, type: ValueKind | undefined, written: string): void {
  if (fits(type, written)) return;
  const guess = type?.kind === 'setting-name' ? nearest(written, SETTING_NAMES) : undefined;
  throw new GweError('usage', `Cannot use "${oneLine(written)}" for ${name}: expected ${expected(type)}`, {
    hint: guess === undefined ? `See gwe --help` : `The nearest is ${guess}`,
  });
}

/** `text` fit to stand in a message of one line. */
export function oneLine(text: string): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}
