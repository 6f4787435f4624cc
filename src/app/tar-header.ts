/**
 * The 512-byte header of a tar entry and the records of a pax extended header, read strictly: what two tar programs
 * could read differently is refused, since a tarball that was judged by one reading could be unpacked by another.
 * Which header belongs to which entry is up to tar-reader.ts; what an entry may be, to entry-rules.ts.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
 */
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

/** What one header says. Names are bytes still: an extended header before it may say them better. */
export interface TarHeader {
  path: Buffer;
  /** The type flag: '0' file, '1' hard link, '2' symbolic link, '5' folder … */
  type: string;
  mode: number;
  size_bytes: number;
  mtime_s: number;
  linkPath: Buffer;
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Whether the block at `at` is one of those that end an archive. */
export function isZeroBlock(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes.compare(ZEROS, 0, BLOCK_BYTES, at, at + BLOCK_BYTES) === 0;
}

/** Reads the header at `at`. Raises `check` (tar) when its checksum or one of its numbers is wrong. */
export function readHeader(bytes: Buffer, at: number): TarHeader {
  // A copy: what is kept of a header must not hold on to the whole chunk it came in, nor change with the next one.
  const block = Buffer.from(bytes.subarray(at, at + BLOCK_BYTES));
  const path = pathOf(block);
  if (number(block, FIELDS.checksum, path) !== checksumOf(block)) {
    throw failed('tar', 'has a header with a wrong checksum: the archive is damaged', path.toString());
  }
  return {
    path,
    type: String.fromCharCode(block[FIELDS.type[0]] || 0x30),
    mode: number(block, FIELDS.mode, path),
    size_bytes: number(block, FIELDS.size, path),
    mtime_s: isNegative(block, FIELDS.mtime) ? 0 : number(block, FIELDS.mtime, path),
    linkPath: fieldBytes(block, FIELDS.linkName),
  };
}

/** The sum of all bytes of a header, its checksum field taken as spaces. */
export function checksumOf(block: Buffer): number {
  const [from, length] = FIELDS.checksum;
  let sum = length * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < from || i >= from + length) sum += block[i] ?? 0;
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

function pathOf(block: Buffer): Buffer {
  const name = fieldBytes(block, FIELDS.name);
  const isPosix = block.toString('latin1', FIELDS.magic[0], FIELDS.magic[0] + 6) === 'ustar\0';
  const prefix = isPosix ? fieldBytes(block, FIELDS.prefix) : block.subarray(0, 0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function fieldBytes(block: Buffer, [offset, length]: Field): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

function isNegative(block: Buffer, [offset]: Field): boolean {
  return block[offset] === 0xff;
}

/** Octal digits, or GNU's base 256 where the first bit is set; an empty field is 0. */
function number(block: Buffer, [offset, length]: Field, path: Buffer): number {
  const field = block.subarray(offset, offset + length);
  const value = (field[0] ?? 0) & 0x80 ? base256(field) : octal(field);
  if (Number.isSafeInteger(value)) return value;
  throw failed('tar', `has a header with a number that cannot be read, at byte ${offset}`, path.toString());
}

function octal(field: Buffer): number {
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  if (digits === undefined) return Number.NaN;
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function base256(field: Buffer): number {
  if (field[0] !== 0x80) return Number.NaN;
  return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
}
