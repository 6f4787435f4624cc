/** What a row of the tables of calls is, and what several rows share. */
import { COUNT, type Schema, said, TEXT } from './openapi-schema.ts';

/** Who may call: `anyone` needs no token. Each role may all that the one before may. */
export type Caller = 'anyone' | 'viewer' | 'operator' | 'admin';

export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  by: Caller;
  summary: string;
  query?: Readonly<Record<string, Schema>>;
  /** Name of a schema; `bytes` for raw bytes. */
  body?: string;
  /** Status → name of a schema; `bytes`, `text`, `events`, or '' for no body. */
  answers: Readonly<Record<number, string>>;
}

export const A = '/api/v1';
export const PAGE = {
  limit: said(COUNT, 'Rows of a page, 1 to 1000.'),
  after: said(TEXT, 'The "next" of the page before.'),
};
export const PRODUCT = { product: said(TEXT, 'Those of one product.') };

/** One answer, by its usual status. */
export const ok = (schema: string) => ({ 200: schema });
export const made = (schema: string) => ({ 201: schema });
export const done = { 204: '' };
