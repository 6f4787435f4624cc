/**
 * The 512-byte header of a tar entry and the records of a pax extended header, read strictly: what two tar programs
 * could read differently is refused, since a tarball that was judged by one reading could be unpacked by another.
 * Which header belongs to which entry is up to tar-reader.ts; what an entry may be, to entry-rules.ts.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
 */
import { isUtf8 } from 'node:buffer';
import { failed } from './checks.ts';

export const BLOCK_BYTES = 512;

/** Where the fields of a header are: [offset, length]. */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [offset: number, length_bytes: number]>;
type Field = (typeof FIELDS)[keyof typeof FIELDS];

/** A name out of an archive. */
export interface Name {
  text: string;
  /** If not, `text` holds U+FFFD in place of what could not be read. */
  isUtf8: boolean;
}

/** What one header says; an extended header before it may say it better. */
export interface TarHeader {
  path: Name;
  /** The type flag: '0' file, '1' hard link, '2' symbolic link, '5' folder … */
  type: string;
  mode: number;
  size_bytes: number;
  mtime_s: number;
  linkPath: Name;
}

const SPACE = 0x20;
const DIGIT_0 = 0x30;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Whether the block at `at` is one of those that end an archive. */
export function isZeroBlock(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes.compare(ZEROS, 0, BLOCK_BYTES, at, at + BLOCK_BYTES) === 0;
}

/** Reads the header at `at`. Raises `check` (tar) when its checksum or one of its numbers is wrong. */
export function readHeader(bytes: Buffer, at: number): TarHeader {
  const block = bytes.subarray(at, at + BLOCK_BYTES);
  const path = pathOf(block);
  if (number(block, FIELDS.checksum, path) !== checksumOf(block)) {
    throw failed('tar', 'has a header with a wrong checksum: the archive is damaged', path.text);
  }
  return {
    path,
    type: String.fromCharCode(block[FIELDS.type[0]] || 0x30),
    mode: number(block, FIELDS.mode, path),
    size_bytes: number(block, FIELDS.size, path),
    mtime_s: isNegative(block, FIELDS.mtime) ? 0 : number(block, FIELDS.mtime, path),
    linkPath: field(block, FIELDS.linkName),
  };
}

/** The sum of all bytes of a header, its checksum field taken as spaces. */
export function checksumOf(block: Buffer): number {
  const [from, length] = FIELDS.checksum;
  let sum = length * SPACE;
  for (let i = 0; i < from; i++) sum += block[i] ?? 0;
  for (let i = from + length; i < BLOCK_BYTES; i++) sum += block[i] ?? 0;
  return sum;
}

/**
 * The records of a pax extended header, key → value. Raises `check` (tar) when one of them is not `LENGTH KEY=VALUE\n`.
 */
export function readPax(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, Math.min(space, at + 10));
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    const fits = /^[1-9]\d{0,8}$/.test(digits) && end <= bytes.length && bytes[end - 1] === 0x0a;
    if (!fits || equals <= space + 1 || equals >= end) {
      throw failed('tar', `has an extended header that is damaged at byte ${at} of it`);
    }
    records.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A name in `bytes` from `from` up to `end`, or to the first zero byte before it. */
export function nameIn(bytes: Buffer, from = 0, end = bytes.length): Name {
  const zero = bytes.indexOf(0, from);
  const to = zero === -1 || zero > end ? end : zero;
  const text = from === to ? '' : bytes.toString('utf8', from, to);
  // Only a text with a replacement character in it can come from bytes that are not UTF-8.
  return { text, isUtf8: !text.includes('\ufffd') || isUtf8(bytes.subarray(from, to)) };
}

function pathOf(block: Buffer): Name {
  const name = field(block, FIELDS.name);
  if (block[FIELDS.prefix[0]] === 0 || !isPosix(block)) return name;
  const prefix = field(block, FIELDS.prefix);
  return { text: `${prefix.text}/${name.text}`, isUtf8: prefix.isUtf8 && name.isUtf8 };
}

function isPosix(block: Buffer): boolean {
  return block.toString('latin1', FIELDS.magic[0], FIELDS.magic[0] + 6) === 'ustar\0';
}

function field(block: Buffer, [offset, length]: Field): Name {
  return nameIn(block, offset, offset + length);
}

function isNegative(block: Buffer, [offset]: Field): boolean {
  return block[offset] === 0xff;
}

/** Octal digits, or GNU's base 256 where the first bit is set; an empty field is 0. */
function number(block: Buffer, [offset, length]: Field, path: Name): number {
  const isBinary = ((block[offset] ?? 0) & 0x80) !== 0;
  const value = isBinary ? base256(block, offset, length) : octal(block, offset, length);
  if (Number.isSafeInteger(value)) return value;
  throw failed('tar', `has a header with a number that cannot be read, at byte ${offset}`, path.text);
}

/** Spaces, digits, and then nothing but spaces and zero bytes. */
function octal(block: Buffer, offset: number, length: number): number {
  const end = offset + length;
  let at = offset;
  let value = 0;
  while (at < end && block[at] === SPACE) at += 1;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - DIGIT_0;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at++) if (block[at] !== SPACE && block[at] !== 0) return Number.NaN;
  return value;
}

function base256(block: Buffer, offset: number, length: number): number {
  if (block[offset] !== 0x80) return Number.NaN;
  return block.subarray(offset + 1, offset + length).reduce((value, byte) => value * 256 + byte, 0);
}
