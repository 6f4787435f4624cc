/**
 * What the platform tells a gateway to do, from text to value: the aliases engine_fetch and update_interval. Pure rules;
 * obeying is up to obey.ts. Format: {"install": [{"name": "<APP_NAME>.v<VERSION>.tar.gz"}, …]}.
 */
import { parseTarballName, type TarballName } from '../app/name.ts';
import { asGweError, GweError } from '../errors.ts';

/** Longer text in engine_fetch is malformed. */
export const INSTRUCTION_MAX_CHARACTERS = 64 * 1024;
/** More tarballs in one instruction are malformed. */
export const INSTRUCTION_MAX_ITEMS = 100;
/** How much of a bad value is repeated to whoever wrote it. */
const QUOTE_MAX_CHARACTERS = 80;

export interface InstallItem {
  name: TarballName;
  /** `false`: refuse a version older than the installed one. */
  downgrade?: boolean;
}

export interface ParsedInstruction {
  text: string;
  items: InstallItem[];
  /** Items whose name breaks the rules: each is discarded by itself, the others go on. */
  discarded: { name: string; why: string }[];
}

/**
 * The install instruction in `text`, or `undefined` when the alias is empty. Unknown keys are ignored.
 * Raises `malformed` saying what is wrong and where for anything else.
 */
export function parseInstruction(text: string): ParsedInstruction | undefined {
  if (text === '') return undefined;
  if (text.length > INSTRUCTION_MAX_CHARACTERS) {
    throw malformed(
      `it is ${text.length} characters long, at most ${INSTRUCTION_MAX_CHARACTERS} are allowed`,
    );
  }
  const list = installList(parseJson(text));
  const parsed: ParsedInstruction = { text, items: [], discarded: [] };
  for (const [index, item] of list.entries()) addItem(parsed, item, `install[${index}]`);
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`it is not JSON (${asGweError(error).message.slice(0, 200)})`);
  }
}

function installList(value: unknown): unknown[] {
  if (!isObject(value)) throw malformed(`it is ${kindOf(value)}, not an object with "install"`);
  if (!Object.hasOwn(value, 'install')) throw malformed('it has no "install"');
  const list = value['install'];
  if (!Array.isArray(list)) throw malformed(`"install" is ${kindOf(list)}, not a list`);
  if (list.length === 0) throw malformed('"install" is an empty list');
  if (list.length > INSTRUCTION_MAX_ITEMS) {
    throw malformed(`"install" has ${list.length} items, at most ${INSTRUCTION_MAX_ITEMS} are allowed`);
  }
  return list;
}

function addItem(parsed: ParsedInstruction, item: unknown, where: string): void {
  if (!isObject(item)) throw malformed(`${where} is ${kindOf(item)}, not an object with "name"`);
  const { name, downgrade } = item;
  if (typeof name !== 'string') throw malformed(`${where}.name is ${kindOf(name)}, not text`);
  if (downgrade !== undefined && typeof downgrade !== 'boolean') {
    throw malformed(`${where}.downgrade is ${kindOf(downgrade)}, not true or false`);
  }
  try {
    parsed.items.push({ name: parseTarballName(name), ...(downgrade === undefined ? {} : { downgrade }) });
  } catch (error) {
    parsed.discarded.push({ name: quoted(name), why: asGweError(error).message });
  }
}

/** The interval in `text` in seconds, or `undefined` when the alias is empty. Raises `malformed` for what is no number in range. */
export function parseInterval(text: string, limits: { min: number; max: number }): number | undefined {
  if (text === '') return undefined;
  const interval_s = Number(text);
  if (!/^\d{1,15}$/.test(text) || interval_s < limits.min || interval_s > limits.max) {
    throw new GweError(
      'malformed',
      `update_interval: malformed: "${quoted(text)}" is not a whole number of seconds from ${limits.min} to ${limits.max}`,
    );
  }
  return interval_s;
}

function malformed(what: string): GweError {
  return new GweError('malformed', `engine_fetch: malformed: ${what}`, {
    hint: 'Expected: {"install": [{"name": "<APP_NAME>.v<VERSION>.tar.gz"}]}',
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? `the text "${quoted(value)}"` : `${typeof value} ${String(value)}`;
}

function quoted(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return clean.length > QUOTE_MAX_CHARACTERS ? `${clean.slice(0, QUOTE_MAX_CHARACTERS)}…` : clean;
}
