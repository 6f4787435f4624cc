/** Statements with `?` or `:name` for their values, as PostgreSQL numbers them. Pure. */

export type Value = string | number | null | readonly (string | number | null)[];
export type Values = readonly Value[] | Readonly<Record<string, Value>>;

/** The text with `$1`, `$2`…, and the values in that order; a name that occurs twice is one value. `::type` stays. */
export function bound(sql: string, values: Values): { text: string; list: unknown[] } {
  if (isList(values)) {
    let at = 0;
    const text = sql.replace(/\?/g, () => {
      at += 1;
      return `$${at}`;
    });
    return { text, list: values.map(encoded) };
  }
  const names: string[] = [];
  const text = sql.replace(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, list: names.map((name) => encoded(values[name] ?? null)) };
}

function isList(values: Values): values is readonly Value[] {
  return Array.isArray(values);
}

/** PostgreSQL keeps no zero byte in a text. What stands for it is a character that nobody uses, which is marked where somebody does. */
const MARK = '\u{10FFFE}';

function encoded(value: Value): unknown {
  if (typeof value === 'object') return value === null ? null : value.map(encoded);
  if (typeof value !== 'string' || !(value.includes('\0') || value.includes(MARK))) return value;
  return value.replaceAll(MARK, `${MARK}1`).replaceAll('\0', `${MARK}0`);
}

/** A text from the database, as it was given. */
export function decoded(text: string): string {
  return text.includes(MARK) ? text.replaceAll(`${MARK}0`, '\0').replaceAll(`${MARK}1`, MARK) : text;
}
