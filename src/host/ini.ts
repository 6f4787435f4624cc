/**
 * INI files as Python's configparser reads them (the original wrote them so, and supervisord reads its own that way):
 * sections, `key = value` or `key: value`, whole-line comments with `#` or `;`, indented lines that go on with a value.
 * Writing changes one line and leaves everything else, comments and unknown keys too, as it was.
 */
import { GweError } from '../errors.ts';

/** Section name → key (in lower case) → value. */
export type Ini = Map<string, Map<string, string>>;

interface IniLine {
  section: string;
  key: string;
  value: string;
  /** Index of the first line of this key, and the one after its last. */
  from: number;
  to: number;
}

/**
 * Reads INI text. Keys are lower-cased; of a key that comes twice the last one counts.
 * Raises `malformed`, naming the line, for anything that is neither section, key, comment nor blank.
 */
export function parseIni(text: string): Ini {
  const ini: Ini = new Map();
  for (const section of iniSections(text)) ini.set(section, new Map());
  for (const { section, key, value } of keysIn(text)) ini.get(section)?.set(key, value);
  return ini;
}

/**
 * `text` with `key` of `section` set to `value` (one line; a newline in it is refused with `malformed`): in place where
 * the key is there, else at the end of its section, else in a new section at the end.
 */
export function setIniValue(text: string, section: string, key: string, value: string): string {
  if (/[\r\n]/.test(value))
    throw new GweError('malformed', `Cannot set ${section}.${key}: the value has a line break`);
  const lines = splitLines(text);
  const found = keysIn(text).findLast((line) => line.section === section && line.key === key.toLowerCase());
  if (found !== undefined) {
    const name = lines[found.from]?.match(/^\s*([^=:]*?)\s*[=:]/)?.[1] ?? key;
    lines.splice(found.from, found.to - found.from, `${name} = ${value}`);
  } else {
    const end = endOfSection(lines, section);
    if (end === undefined) lines.push(...(lines.length > 0 ? [''] : []), `[${section}]`, `${key} = ${value}`);
    else lines.splice(end, 0, `${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const SECTION = /^\[([^\]]+)\]\s*$/;
const KEY = /^([^=:\s][^=:]*?)\s*[=:]\s*(.*?)\s*$/;
const isComment = (line: string) => /^\s*([#;]|$)/.test(line);

/** The sections of INI text in the order in which they stand; one that stands there twice comes twice. */
export function iniSections(text: string): string[] {
  return splitLines(text).flatMap((line) => line.match(SECTION)?.[1] ?? []);
}

function keysIn(text: string): IniLine[] {
  const keys: IniLine[] = [];
  let section: string | undefined;
  let open: IniLine | undefined;
  splitLines(text.replace(/^\ufeff/, '')).forEach((line, index) => {
    if (isComment(line)) return;
    if (/^\s/.test(line) && open !== undefined) {
      open.value = `${open.value}\n${line.trim()}`;
      open.to = index + 1;
      return;
    }
    const opened = line.match(SECTION)?.[1];
    if (opened !== undefined) {
      section = opened;
      open = undefined;
      return;
    }
    const [, key, value] = line.trim().match(KEY) ?? [];
    if (key === undefined || value === undefined || section === undefined) {
      throw new GweError(
        'malformed',
        `Cannot read line ${index + 1}: "${line.slice(0, 80)}" ${problem(section)}`,
      );
    }
    open = { section, key: key.toLowerCase(), value, from: index, to: index + 1 };
    keys.push(open);
  });
  return keys;
}

function problem(section: string | undefined): string {
  return section === undefined ? 'stands before the first [section]' : 'is neither [section] nor key = value';
}

function endOfSection(lines: string[], section: string): number | undefined {
  let end: number | undefined;
  let inside = false;
  lines.forEach((line, index) => {
    const opened = line.match(SECTION)?.[1];
    if (opened !== undefined) inside = opened === section;
    if (inside && (opened !== undefined || !isComment(line))) end = index + 1;
  });
  return end;
}
