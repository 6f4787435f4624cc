/**
 * One 512-byte header of a tar archive. node-tar decodes it; what stands here is what it passes over and a gate must not:
 * what two tar programs could read differently is refused, since a tarball that was judged by one reading could be
 * unpacked by another. Extended headers are tar-extended.ts's, which header belongs to which entry is tar-reader.ts's,
 * what an entry may be is entry-rules.ts's.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
 */
import { isUtf8 } from 'node:buffer';
import { Header } from 'tar/header';
import { failed } from './checks.ts';
import { EXTENDED_TYPES, type Extension, type Name, nameIn } from './tar-extended.ts';

export const BLOCK_BYTES = 512;

/** One entry of a tar archive, as its header and the extended headers before it say; not yet judged. */
export interface TarEntry {
  /** As it stands there: it may be absolute, or end in "/". */
  path: string;
  /** The type flag: '0' file, '1' hard link, '2' symbolic link, '5' folder … */
  type: string;
  mode: number;
  size_bytes: number;
  mtime_s: number;
  linkPath: string;
  /** Whether path and link path are UTF-8; if not, they hold U+FFFD. */
  isUtf8: boolean;
  /** Whether extended headers say that it is sparse: its bytes are then not its contents. */
  isSparse: boolean;
}

type Field = readonly [offset: number, length_bytes: number];
const NAME: Field = [0, 100];
const SIZE: Field = [124, 12];
const TIME: Field = [136, 12];
const TYPE_OFFSET = 156;
const LINK_NAME: Field = [157, 100];
const MAGIC: Field = [257, 6];
const PREFIX: Field = [345, 155];
/** Mode, size, time, checksum. Owners and devices are not used, and may hold what they like. */
const NUMBERS: readonly Field[] = [[100, 8], SIZE, TIME, [148, 8]];
/** All of them, and the owners between, as nearly every program writes them: seen at one glance. */
const ALL_NUMBERS: Field = [100, 56];
const USUAL_NUMBERS = /^[0-7]{7}[\0 ].{16}[0-7]{11}[\0 ][0-7]{11}[\0 ][0-7]{6}[0-7\0][\0 ]$/s;

/** Spaces, octal digits, and then nothing but spaces and zero bytes. node-tar takes whatever begins like a number. */
const OCTAL = /^ *[0-7]*[ \0]*$/;
/** First bytes of a number in base 256 (GNU tar): a positive one, and a negative one. */
const POSITIVE = 0x80;
const NEGATIVE = 0xff;

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Whether the block at `at` is one of those that end an archive. */
export function isZeroBlock(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0 && bytes.compare(ZEROS, 0, BLOCK_BYTES, at, at + BLOCK_BYTES) === 0;
}

/**
 * Reads the header at `at`; `said` is what the extended headers before it say of the entry. Raises `check` (tar) when
 * its checksum or one of its numbers is wrong, or when its name can be read in two ways.
 */
export function readHeader(bytes: Buffer, at: number, said: Extension): TarEntry {
  const block = bytes.subarray(at, at + BLOCK_BYTES);
  const type = String.fromCharCode(block[TYPE_OFFSET] || 0x30);
  const { path, linkPath, size_bytes, mtime_s, isSparse } = EXTENDED_TYPES.has(type) ? {} : said;
  const header = decode(block, path?.text);
  const isFolder = header.typeKey === '5';
  const ownPath = path ?? pathOf(block, header.path ?? '');
  const ownLinkPath = linkPath ?? nameOf(block, LINK_NAME, header.linkpath ?? '');
  return {
    path: ownPath.text,
    type: header.typeKey === 'Unsupported' ? type : header.typeKey,
    mode: header.mode ?? 0,
    size_bytes: size_bytes ?? (isFolder ? claimOf(block) : (header.size ?? 0)),
    mtime_s: mtime_s ?? Math.max(0, Math.floor(Number(header.mtime ?? 0) / 1000)),
    linkPath: ownLinkPath.text,
    isUtf8: ownPath.isUtf8 && ownLinkPath.isUtf8,
    isSparse: isSparse ?? false,
  };
}

function decode(block: Buffer, path: string | undefined): Header {
  const wrong = (what: string) => failed('tar', what, path ?? nameIn(bytesOf(block, NAME)).text);
  const isUsual = USUAL_NUMBERS.test(latin1(block, ALL_NUMBERS));
  const field = isUsual ? undefined : NUMBERS.find((number) => !isNumber(block, number));
  if (field !== undefined) throw wrong(`has a header with a number that cannot be read, at byte ${field[0]}`);
  const header = decoded(block, path);
  if (header === undefined) throw wrong('has a header with a number that cannot be read');
  if (!header.cksumValid) throw wrong('has a header with a wrong checksum: the archive is damaged');
  return header;
}

/** With the path of an extended header node-tar sees by its last "/" whether an old program meant a folder. */
function decoded(block: Buffer, path: string | undefined): Header | undefined {
  try {
    return new Header(block, 0, path === undefined ? undefined : { path });
  } catch {
    return undefined;
  }
}

function isNumber(block: Buffer, field: Field): boolean {
  const first = block[field[0]] ?? 0;
  if (first < POSITIVE) return OCTAL.test(latin1(block, field));
  return first === POSITIVE || (first === NEGATIVE && field === TIME);
}

/** How many bytes a folder claims to hold: node-tar says 0 whatever stands there. */
function claimOf(block: Buffer): number {
  const isBinary = block[SIZE[0]] === POSITIVE;
  return isBinary ? Number.MAX_SAFE_INTEGER : Number.parseInt(`0${latin1(block, SIZE).trim()}`, 8);
}

function pathOf(block: Buffer, text: string): Name {
  const hasPrefix = block[PREFIX[0]] !== 0 && latin1(block, MAGIC) === 'ustar\0';
  if (!hasPrefix) return nameOf(block, NAME, text);
  const raw = Buffer.concat([bytesOf(block, PREFIX), Buffer.from('/'), bytesOf(block, NAME)]);
  return judged(text, raw);
}

/** The name in a field, of which node-tar says that it is `text`. */
function nameOf(block: Buffer, field: Field, text: string): Name {
  const raw = bytesOf(block, field);
  // As long as what stands there, and nothing replaced in it: then it is that.
  const isSame = Buffer.byteLength(text) === raw.length && !text.includes('\ufffd');
  return isSame ? { text, isUtf8: true } : judged(text, raw);
}

/** node-tar replaces what is not UTF-8, and goes on after the end of a name at a line break. */
function judged(text: string, raw: Buffer): Name {
  if (Buffer.from(text).equals(raw)) return { text, isUtf8: true };
  if (!isUtf8(raw)) return { text, isUtf8: false };
  throw failed('tar', 'has a header whose name tar programs read differently', text);
}

/** A text field up to its first zero byte. */
function bytesOf(block: Buffer, [offset, length]: Field): Buffer {
  const zero = block.indexOf(0, offset);
  return block.subarray(offset, zero === -1 ? offset + length : Math.min(zero, offset + length));
}

function latin1(block: Buffer, [offset, length]: Field): string {
  return block.toString('latin1', offset, offset + length);
}
