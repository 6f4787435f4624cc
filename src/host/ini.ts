/**
 * INI files as Python's configparser reads them (the original wrote them so, and supervisord reads its own that way):
 * sections, `key = value` or `key: value`, whole-line comments with `#` or `;`, lines that are indented deeper than their
 * key go on with its value. Writing changes one key and leaves everything else, comments and unknown keys too, as it was.
 */
import { GweError } from '../errors.ts';

/** Section name → key (in lower case) → value. */
export type Ini = Map<string, Map<string, string>>;

interface IniKey {
  section: string;
  /** As it is written. */
  name: string;
  /** Blanks before it. */
  indent: number;
  key: string;
  value: string;
  /** Index of its first line, and the one after its last. */
  from: number;
  to: number;
}

interface Scan {
  /** Name and line of each section header. */
  sections: { name: string; line: number }[];
  keys: IniKey[];
  /** The first line that is nothing that an INI file can hold. */
  problem: GweError | undefined;
}

/**
 * Reads INI text. Keys are lower-cased; of a key that comes twice the last one counts.
 * Raises `malformed`, naming the line, for anything that is neither section, key, comment nor blank.
 */
export function parseIni(text: string): Ini {
  const { sections, keys } = scanWhole(text);
  const ini: Ini = new Map(sections.map(({ name }) => [name, new Map()]));
  for (const { section, key, value } of keys) ini.get(section)?.set(key, value);
  return ini;
}

/** The sections of INI text in the order in which they stand; one that stands there twice comes twice. Raises nothing. */
export function iniSections(text: string): string[] {
  return scan(splitLines(text)).sections.map(({ name }) => name);
}

/**
 * `text` with `key` of `section` set to `value` (one line; a line break in it is refused with `malformed`): in place where
 * the key is there, else at the end of its section, else in a new section at the end.
 */
export function setIniValue(text: string, section: string, key: string, value: string): string {
  if (/[\r\n]/.test(value))
    throw new GweError('malformed', `Cannot set ${section}.${key}: the value has a line break`);
  const { keys, sections } = scanWhole(text);
  const lines = splitLines(text);
  const found = keys.findLast((each) => each.section === section && each.key === key.toLowerCase());
  const end = endOfSection(lines, { sections, keys }, section);
  // A line less deep than it was would take in those that follow it, as going on with its value.
  const written = (name: string, indent: number) => `${' '.repeat(indent)}${name} = ${value}`;
  if (found !== undefined) lines.splice(found.from, found.to - found.from, written(found.name, found.indent));
  else if (end !== undefined) lines.splice(end.line, 0, written(key, end.indent));
  else lines.push(...(lines.length > 0 ? [''] : []), `[${section}]`, `${key} = ${value}`);
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  return lines.map((line) => `${line}${lineEnd}`).join('');
}

/** The line after the last key of a section, or after its header while it has none, and how deep a key may stand there. */
function endOfSection(
  lines: readonly string[],
  { sections, keys }: Pick<Scan, 'sections' | 'keys'>,
  section: string,
): { line: number; indent: number } | undefined {
  const last = keys.findLast((each) => each.section === section);
  const header = sections.findLast(({ name }) => name === section);
  if (header === undefined) return undefined;
  if (last !== undefined && last.to > header.line) return { line: last.to, indent: last.indent };
  const next = lines.slice(header.line + 1).find((line) => !isBlank(line.trim()));
  return { line: header.line + 1, indent: Math.max(0, next?.search(/\S/) ?? 0) };
}

/** Python takes a bare carriage return for the end of a line too. */
function splitLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function scanWhole(text: string): Scan {
  const found = scan(splitLines(text));
  if (found.problem !== undefined) throw found.problem;
  return found;
}

function scan(lines: readonly string[]): Scan {
  const found: Scan = { sections: [], keys: [], problem: undefined };
  let open: IniKey | undefined;
  lines.forEach((line, index) => {
    const bare = line.trim();
    if (isBlank(bare)) return;
    const indent = line.search(/\S/);
    if (open !== undefined && indent > open.indent) {
      open.value += `\n${bare}`;
      open.to = index + 1;
      return;
    }
    open = undefined;
    const header = headerOf(bare);
    if (header !== undefined) found.sections.push({ name: header, line: index });
    const section = found.sections.at(-1)?.name;
    const key = header === undefined && section !== undefined ? keyOf(line, section, index) : undefined;
    if (key !== undefined) {
      open = key;
      found.keys.push(key);
    } else if (header === undefined) found.problem ??= unreadable(line, index, section);
  });
  return found;
}

const isBlank = (bare: string) => bare === '' || bare.startsWith('#') || bare.startsWith(';');

/** `[name]`; whatever follows the bracket means nothing, as for Python. */
function headerOf(bare: string): string | undefined {
  const end = bare.indexOf(']');
  return bare.startsWith('[') && end > 1 ? bare.slice(1, end) : undefined;
}

function keyOf(line: string, section: string, from: number): IniKey | undefined {
  const [bare, indent] = [line.trim(), line.search(/\S/)];
  const separator = bare.search(/[=:]/);
  if (separator < 1) return undefined;
  const name = bare.slice(0, separator).trimEnd();
  const value = bare.slice(separator + 1).trimStart();
  return { section, name, indent, key: name.toLowerCase(), value, from, to: from + 1 };
}

function unreadable(line: string, index: number, section: string | undefined): GweError {
  const problem =
    section === undefined ? 'stands before the first [section]' : 'is neither [section] nor key = value';
  return new GweError('malformed', `Cannot read line ${index + 1}: "${line.slice(0, 80)}" ${problem}`);
}
