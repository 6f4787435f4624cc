/** Whether a value fits a JSON Schema, as far as our own document uses it; a keyword that is not known here is a failure too. */
import { isDeepStrictEqual } from 'node:util';

type Schema = Readonly<Record<string, unknown>>;

const KNOWN = new Set([
  '$ref',
  'type',
  'enum',
  'oneOf',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'minimum',
  'maximum',
  'pattern',
  'description',
]);

/** What is wrong with `value`, each with its path; empty when nothing is. `components` are what `$ref` leads to. */
export function misfits(
  value: unknown,
  schema: Schema,
  components: Readonly<Record<string, Schema>>,
): string[] {
  const check = (at: unknown, by: Schema, path: string): string[] => {
    const strange = Object.keys(by).filter((key) => !KNOWN.has(key));
    if (strange.length > 0) return [`${path}: the schema has ${strange}`];
    const name = by['$ref'];
    if (typeof name === 'string') {
      const target = components[name.replace('#/components/schemas/', '')];
      return target === undefined ? [`${path}: ${name} leads nowhere`] : check(at, target, path);
    }
    if (Array.isArray(by['oneOf'])) {
      const fitting = by['oneOf'].filter((each) => check(at, each, path).length === 0);
      return fitting.length === 1 ? [] : [`${path}: fits ${fitting.length} of oneOf`];
    }
    return [...checkType(at, by, path), ...checkValue(at, by, path), ...checkParts(at, by, path)];
  };
  const checkParts = (at: unknown, by: Schema, path: string): string[] => {
    const { items, additionalProperties: more } = by;
    if (Array.isArray(at)) {
      return isSchema(items) ? at.flatMap((each, index) => check(each, items, `${path}[${index}]`)) : [];
    }
    if (!isSchema(at)) return [];
    const properties = isSchema(by['properties']) ? by['properties'] : {};
    const required = Array.isArray(by['required']) ? by['required'] : [];
    return [
      ...required.filter((key) => !Object.hasOwn(at, key)).map((key) => `${path}.${key} is missing`),
      ...Object.entries(at).flatMap(([key, each]) => {
        const own = properties[key];
        if (isSchema(own)) return check(each, own, `${path}.${key}`);
        if (isSchema(more)) return check(each, more, `${path}.${key}`);
        return more === false ? [`${path}.${key} is not documented`] : [];
      }),
    ];
  };
  return check(value, schema, '$');
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkType(value: unknown, { type }: Schema, path: string): string[] {
  const is: Record<string, boolean> = {
    object: isSchema(value),
    array: Array.isArray(value),
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
    number: typeof value === 'number',
    integer: Number.isSafeInteger(value),
  };
  return type === undefined || is[String(type)] ? [] : [`${path}: ${JSON.stringify(value)} is no ${type}`];
}

function checkValue(value: unknown, schema: Schema, path: string): string[] {
  const { enum: words, minimum, maximum, pattern } = schema;
  const isOff =
    (Array.isArray(words) && !words.some((word) => isDeepStrictEqual(word, value))) ||
    (typeof minimum === 'number' && Number(value) < minimum) ||
    (typeof maximum === 'number' && Number(value) > maximum) ||
    (typeof pattern === 'string' && !new RegExp(pattern).test(String(value)));
  return isOff ? [`${path}: ${JSON.stringify(value)} is not allowed`] : [];
}
