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
    return { text, list: [...values] };
  }
  const names: string[] = [];
  const text = sql.replace(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, list: names.map((name) => values[name]) };
}

function isList(values: Values): values is readonly Value[] {
  return Array.isArray(values);
}
