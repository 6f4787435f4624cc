/** Reading what callers of the JSON API send: bodies, fields of bodies, numbers of queries. Everything else is refused as malformed. */
import { GweError } from '../errors.ts';
import type { PlatformRequest } from './request.ts';

type Body = Readonly<Record<string, unknown>>;

/** The JSON object in the body of a call. Raises `malformed` for anything else. */
export async function jsonBody(request: PlatformRequest): Promise<Body> {
  const body = await request.text();
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Falls through to the one refusal.
  }
  throw new GweError('malformed', 'Cannot read the request: its body is no JSON object');
}

/** A text of a JSON object. Raises `malformed` when it is missing or something else. */
export function textIn(body: Body, key: string): string {
  const value = body[key];
  if (typeof value === 'string') return value;
  throw new GweError('malformed', `Cannot read the request: "${key}" must be a text`);
}

/** A text that may be missing. */
export function optionalTextIn(body: Body, key: string): string | undefined {
  return body[key] === undefined ? undefined : textIn(body, key);
}

/** A list of texts that may be missing. */
export function textsIn(body: Body, key: string): string[] | undefined {
  const value = body[key];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new GweError('malformed', `Cannot read the request: "${key}" must be a list of texts`);
}

/** A time in milliseconds since 1970 that may be missing. */
export function timeIn(body: Body, key: string): number | undefined {
  const value = body[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new GweError('malformed', `Cannot read the request: "${key}" must be milliseconds since 1970`);
}

/** A number of a query, or `otherwise`. Raises `malformed` for what is none. */
export function number(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new GweError('malformed', `Cannot read the request: "${text.slice(0, 40)}" is no number`);
}

/** A number of a query that may be missing. */
export function optionalNumber(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : number(text, 0);
}

/** One of some words of a query or body. Raises `malformed` for any other. */
export function oneOf<T extends string>(text: string, words: readonly T[], what: string): T {
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw new GweError('malformed', `Cannot read the request: ${what} must be one of ${words.join(', ')}`);
}
