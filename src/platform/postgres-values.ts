/** Statements with `?` or `:name` for their values, as PostgreSQL numbers them. Pure. */
import { type ArrayKind, binaryArray } from './postgres-arrays.ts';

export type Value = string | number | null | readonly (string | number | null)[];
export type Values = readonly Value[] | Readonly<Record<string, Value>>;

/** What stands for a value, with its type where that is a list. */
const PLACE = /\?(::(?:bigint|text)\[\])?/g;
const NAMED_PLACE = /(?<!:):([a-z]\w*)(::(?:bigint|text)\[\])?/gi;

/** The text with `$1`, `$2`…, and the values in that order; a name that occurs twice is one value. `::type` stays. */
export function bound(sql: string, values: Values): { text: string; list: unknown[] } {
  const list: unknown[] = [];
  if (isList(values)) {
    const text = sql.replace(PLACE, (_, type: string | undefined) => {
      list.push(encoded(values[list.length] ?? null, type));
      return `$${list.length}${type ?? ''}`;
    });
    return { text, list };
  }
  const names: string[] = [];
  const text = sql.replace(NAMED_PLACE, (_, name: string, type: string | undefined) => {
    if (!names.includes(name)) {
      names.push(name);
      list.push(encoded(values[name] ?? null, type));
    }
    return `$${names.indexOf(name) + 1}${type ?? ''}`;
  });
  return { text, list };
}

function isList(values: Values): values is readonly Value[] {
  return Array.isArray(values);
}

/** PostgreSQL keeps no zero byte in a text. What stands for it is a character that nobody uses, which is marked where somebody does. */
const MARK = '\u{10FFFE}';

function encoded(value: Value, type: string | undefined): unknown {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string') return encodedText(value);
  const elements = value.map((each) => (typeof each === 'string' ? encodedText(each) : each));
  const kind = kindOf(type);
  return (kind === undefined ? undefined : binaryArray(elements, kind)) ?? elements;
}

const kindOf = (type: string | undefined): ArrayKind | undefined =>
  type === undefined ? undefined : type === '::text[]' ? 'text' : 'bigint';

function encodedText(text: string): string {
  if (!(text.includes('\0') || text.includes(MARK))) return text;
  return text.replaceAll(MARK, `${MARK}1`).replaceAll('\0', `${MARK}0`);
}

/** A text from the database, as it was given. */
export function decoded(text: string): string {
  return text.includes(MARK) ? text.replaceAll(`${MARK}0`, '\0').replaceAll(`${MARK}1`, MARK) : text;
}
