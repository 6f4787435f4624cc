/**
 * XML-RPC as text: calls written, answers read. Pure. Only what supervisord says is understood (no attributes, no
 * comments, no base64); whatever else arrives is one error, never a crash. Who sends and waits is exchange.ts.
 */
import { GweError } from '../errors.ts';

export type XmlRpcValue = string | number | boolean | null | readonly XmlRpcValue[] | XmlRpcStruct;
/** A Map, so that no member name (`__proto__`) means anything. */
export type XmlRpcStruct = ReadonlyMap<string, XmlRpcValue>;
export type XmlRpcAnswer = { value: XmlRpcValue } | { fault: { code: number; text: string } };

/** supervisord describes a program in some 1.2 kB: room for thousands of them. */
export const ANSWER_MAX_CHARACTERS = 8 * 1024 * 1024;
export const ANSWER_MAX_DEPTH = 32;

/** The text of a call (XML-RPC specification: "Request format"). Numbers must be 32-bit integers. */
export function encodeCall(method: string, params: readonly (string | number | boolean)[]): string {
  const written = params.map((param) => `<param><value>${encodeScalar(param)}</value></param>`).join('');
  return `<?xml version="1.0"?><methodCall><methodName>${escapeXml(method)}</methodName><params>${written}</params></methodCall>`;
}

function encodeScalar(param: string | number | boolean): string {
  if (typeof param === 'boolean') return `<boolean>${param ? 1 : 0}</boolean>`;
  if (typeof param === 'string') return `<string>${escapeXml(param)}</string>`;
  if (param !== Math.trunc(param) || Math.abs(param) > 0x7fffffff) {
    throw new GweError('protocol', `Cannot send ${param} by XML-RPC: it is no 32-bit integer`);
  }
  return `<int>${param}</int>`;
}

function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Reads an answer (XML-RPC specification: "Response format"). Raises `protocol`, and nothing else, for what is none. */
export function decodeAnswer(text: string): XmlRpcAnswer {
  if (text.length > ANSWER_MAX_CHARACTERS) throw bad(`it has ${text.length} characters`);
  const cursor: Cursor = { text, at: 0 };
  const declaration = /^\ufeff?\s*<\?xml [^<>]{0,200}\?>/.exec(text.slice(0, 300));
  cursor.at = declaration?.[0].length ?? 0;
  expectTag(cursor, '<methodResponse>');
  const answer = tryTag(cursor, '<fault>') ? readFault(cursor) : readParams(cursor);
  expectTag(cursor, '</methodResponse>');
  if (cursor.text.slice(cursor.at).trim() !== '') throw bad('something follows its end');
  return answer;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function readParams(cursor: Cursor): XmlRpcAnswer {
  expectTag(cursor, '<params>');
  expectTag(cursor, '<param>');
  const value = readValue(cursor, 0);
  expectTag(cursor, '</param>');
  expectTag(cursor, '</params>');
  return { value };
}

function readFault(cursor: Cursor): XmlRpcAnswer {
  const value = readValue(cursor, 0);
  expectTag(cursor, '</fault>');
  const code = value instanceof Map ? value.get('faultCode') : undefined;
  const text = value instanceof Map ? value.get('faultString') : undefined;
  if (typeof code !== 'number' || typeof text !== 'string') throw bad('its fault has no code and text');
  return { fault: { code, text } };
}

function readValue(cursor: Cursor, depth: number): XmlRpcValue {
  if (depth > ANSWER_MAX_DEPTH) throw bad(`it is nested deeper than ${ANSWER_MAX_DEPTH}`);
  if (tryTag(cursor, '<value/>')) return '';
  expectTag(cursor, '<value>');
  const untyped = tryUntyped(cursor);
  if (untyped !== undefined) return untyped;
  const value = readTyped(cursor, depth);
  expectTag(cursor, '</value>');
  return value;
}

/** A value without a type is a string, blanks and all. */
function tryUntyped(cursor: Cursor): string | undefined {
  const end = cursor.text.indexOf('<', cursor.at);
  if (end < 0 || !cursor.text.startsWith('</value>', end)) return undefined;
  const text = unescapeXml(cursor.text.slice(cursor.at, end));
  cursor.at = end + '</value>'.length;
  return text;
}

function readTyped(cursor: Cursor, depth: number): XmlRpcValue {
  const type = /^[a-zA-Z0-9]{1,10}/.exec(openTag(cursor))?.[0];
  if (tryTag(cursor, `<${type}/>`)) {
    if (type === 'nil') return null;
    if (type === 'string') return '';
    throw bad(`<${type}/> is no value`);
  }
  expectTag(cursor, `<${type}>`);
  if (type === 'array') return readArray(cursor, depth);
  if (type === 'struct') return readStruct(cursor, depth);
  const value = scalar(type, readText(cursor));
  expectTag(cursor, `</${type}>`);
  return value;
}

/** What follows the `<` of the next tag, blanks before it skipped; nothing is consumed. */
function openTag(cursor: Cursor): string {
  skipBlanks(cursor);
  return cursor.text.charAt(cursor.at) === '<' ? cursor.text.slice(cursor.at + 1, cursor.at + 12) : '';
}

function scalar(type: string | undefined, text: string): XmlRpcValue {
  if (type === 'string') return text;
  const bare = text.trim();
  if (type === 'boolean' && (bare === '0' || bare === '1')) return bare === '1';
  if ((type === 'int' || type === 'i4' || type === 'i8') && /^[+-]?\d{1,15}$/.test(bare)) return Number(bare);
  if (type === 'double' && /^[+-]?\d{1,300}(\.\d{1,300})?$/.test(bare)) return Number(bare);
  throw bad(`"${bare.slice(0, 40)}" is no value of type ${type}`);
}

function readArray(cursor: Cursor, depth: number): XmlRpcValue[] {
  const values: XmlRpcValue[] = [];
  if (!tryTag(cursor, '<data/>')) {
    expectTag(cursor, '<data>');
    while (!tryTag(cursor, '</data>')) values.push(readValue(cursor, depth + 1));
  }
  expectTag(cursor, '</array>');
  return values;
}

function readStruct(cursor: Cursor, depth: number): XmlRpcStruct {
  const members = new Map<string, XmlRpcValue>();
  while (!tryTag(cursor, '</struct>')) {
    expectTag(cursor, '<member>');
    expectTag(cursor, '<name>');
    const name = readText(cursor);
    expectTag(cursor, '</name>');
    members.set(name, readValue(cursor, depth + 1));
    expectTag(cursor, '</member>');
  }
  return members;
}

function readText(cursor: Cursor): string {
  const end = cursor.text.indexOf('<', cursor.at);
  if (end < 0) throw bad('it is cut short');
  const text = unescapeXml(cursor.text.slice(cursor.at, end));
  cursor.at = end;
  return text;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&([^;&\s]{0,10})(;?)/g, (written, name: string, end: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name) ?? [];
    const point = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
    const character = Number.isNaN(point)
      ? Object.hasOwn(ENTITIES, name) && ENTITIES[name]
      : point <= 0x10ffff && String.fromCodePoint(point);
    if (end === '' || typeof character !== 'string') throw bad(`"${written}" stands for no character`);
    return character;
  });
}

function tryTag(cursor: Cursor, tag: string): boolean {
  skipBlanks(cursor);
  if (!cursor.text.startsWith(tag, cursor.at)) return false;
  cursor.at += tag.length;
  return true;
}

function expectTag(cursor: Cursor, tag: string): void {
  if (tryTag(cursor, tag)) return;
  const found = cursor.text.slice(cursor.at, cursor.at + 40);
  throw bad(found === '' ? 'it is cut short' : `"${found}" stands where ${tag} is due`);
}

function skipBlanks(cursor: Cursor): void {
  while (/[ \t\r\n]/.test(cursor.text.charAt(cursor.at))) cursor.at++;
}

function bad(why: string): GweError {
  return new GweError('protocol', `Cannot read supervisord's answer: ${why}`);
}
