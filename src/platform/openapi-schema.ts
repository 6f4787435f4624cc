/** JSON Schema as a few short words, for the documents beside: openapi-*.ts. Answers are closed: nothing undocumented is in them. */

export type Schema = { readonly [key: string]: unknown };
type Fields = Readonly<Record<string, Schema>>;

export const TEXT: Schema = { type: 'string' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const FLAG: Schema = { type: 'boolean' };
export const TIME: Schema = {
  type: 'integer',
  minimum: 0,
  description: 'Milliseconds since 1970; 0: never.',
};
export const TEXTS: Schema = { type: 'array', items: TEXT };

/** A schema with a sentence. */
export function said(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

export function choice(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** Values by a name that is not known beforehand. */
export function byName(additionalProperties: Schema): Schema {
  return { type: 'object', additionalProperties };
}

/** Fields that are always there, and those that may be. */
export function object(required: Fields, optional: Fields = {}): Schema {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

/** A schema of `components/schemas`. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}
