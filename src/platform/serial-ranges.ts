/** Ranges of serial numbers, as the One Platform's provisioning API has them: a model may own a million of them unnamed. */
import type { Store } from './store.ts';

/** Ranges in one call. */
const RANGES_MAX = 1_000;

export interface SerialRange {
  format: 'base10' | 'base16' | 'mac:48' | 'mac-48' | 'mac.48';
  /** Digits, leading zeros included; of base10 and base16 only. */
  length?: number;
  /** Of hexadecimal letters; base10 has none. */
  casing?: 'upper' | 'lower';
  first: number;
  last: number;
}

/** Reads `{"ranges":[{format,length,casing,first,last}, …]}`; `undefined` for anything else. */
export function parseRanges(json: string): SerialRange[] | undefined {
  const list = asObject(parse(json))['ranges'];
  if (!Array.isArray(list) || list.length === 0 || list.length > RANGES_MAX) return undefined;
  const ranges = list.map(readRange);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

/** One range as text: the same range has the same text. */
export function rangeText({ format, length, casing, first, last }: SerialRange): string {
  return JSON.stringify({ format, length, casing, first, last });
}

/** Whether a serial number has the form of the range, and lies in it. */
export function isInRange(range: SerialRange, serial: string): boolean {
  const digits = digitsOf(range, serial);
  if (digits === undefined) return false;
  const value = Number.parseInt(digits, range.format === 'base10' ? 10 : 16);
  return value >= range.first && value <= range.last;
}

/** Whether a product has a range with this serial number. */
export async function isInRanges(store: Store, who: { product: string; serial: string }): Promise<boolean> {
  const texts = (await store.ranges(who.product)) ?? [];
  const ranges = texts.length === 0 ? [] : (parseRanges(`{"ranges":[${texts.join(',')}]}`) ?? []);
  return ranges.some((range) => isInRange(range, who.serial));
}

/** The digits of a serial number without separators; `undefined` when it has another form. */
function digitsOf({ format, length, casing }: SerialRange, serial: string): string | undefined {
  if (format === 'base10') return /^\d{1,15}$/.test(serial) && hasLength(serial, length) ? serial : undefined;
  const isCase =
    casing === undefined || serial === (casing === 'upper' ? serial.toUpperCase() : serial.toLowerCase());
  if (!isCase) return undefined;
  if (format === 'base16')
    return /^[\da-f]{1,13}$/i.test(serial) && hasLength(serial, length) ? serial : undefined;
  const separator = format.slice(3, 4);
  const pairs = serial.split(separator);
  return pairs.length === 6 && pairs.every((pair) => /^[\da-f]{2}$/i.test(pair)) ? pairs.join('') : undefined;
}

function hasLength(serial: string, length: number | undefined): boolean {
  return length === undefined || serial.length === length;
}

function readRange(value: unknown): SerialRange | undefined {
  const { format, first, last, ...rest } = asObject(value);
  // What does not count for a format is null with some tools.
  const [length, casing] = [rest['length'] ?? undefined, rest['casing'] ?? undefined];
  if (!isFormat(format) || !isCount(first) || !isCount(last) || first > last) return undefined;
  if (length !== undefined && !isCount(length)) return undefined;
  if (casing !== undefined && casing !== 'upper' && casing !== 'lower') return undefined;
  return {
    format,
    ...(length === undefined ? {} : { length }),
    ...(casing === undefined ? {} : { casing }),
    first,
    last,
  };
}

function isFormat(value: unknown): value is SerialRange['format'] {
  return typeof value === 'string' && ['base10', 'base16', 'mac:48', 'mac-48', 'mac.48'].includes(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
