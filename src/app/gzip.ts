/**
 * One gzip member, taken apart strictly: its header, the deflated bytes, its checksum and length, and then the end of
 * the file. Node's own gunzip also takes a second member and zero bytes after the first one, so only its inflating is
 * used. Source: RFC 1952.
 */
import type { InflateRaw } from 'node:zlib';
import { freeBuffer } from '../host/buffers.ts';
import { failed } from './checks.ts';

/** Longest header (a file name, a comment, extra fields) of a gzip member. */
export const GZIP_HEADER_MAX_BYTES = 128 * 1024;
/** Inflated bytes come in blocks of this size: measured, larger ones cost memory and smaller ones time. */
const BLOCK_BYTES = 256 * 1024;
/** Checksum and length, four bytes each. */
const TRAILER_BYTES = 8;

const FLAG = { headerChecksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
const FIXED_HEADER_BYTES = 10;

type Zlib = Pick<typeof import('node:zlib'), 'createInflateRaw' | 'crc32'>;

/** Bytes are fed in, blocks come out; the two go on side by side, since inflating happens in another thread. */
export class GzipMember {
  readonly #zlib: Zlib;
  readonly #inflate: InflateRaw;
  #header: Buffer | undefined = Buffer.alloc(0);
  /** The last bytes fed so far, behind the header: when nothing follows they are the trailer. */
  #tail = Buffer.alloc(0);
  #fed_bytes = 0;
  /** Resolved when what was fed last is not needed any more. */
  #used: Promise<void> = Promise.resolve();
  #inflated_bytes = 0;
  #checksum = 0;
  #isOver = false;
  /** Whoever waits for a write: zlib answers none that comes after the end of the member. */
  readonly #waiting = new Set<() => void>();

  constructor(zlib: Zlib) {
    this.#zlib = zlib;
    this.#inflate = zlib.createInflateRaw({ chunkSize: BLOCK_BYTES });
    for (const event of ['end', 'close', 'error']) {
      this.#inflate.on(event, () => {
        this.#isOver = true;
        for (const resolve of this.#waiting) resolve();
      });
    }
  }

  /**
   * Takes the next bytes of the file, which must stay as they are until the call after this one has returned. Raises
   * `check` for a bad header.
   */
  async feed(bytes: Buffer): Promise<void> {
    if (this.#header === undefined) return this.#deflated(bytes);
    this.#header = Buffer.concat([this.#header, bytes]);
    const length_bytes = headerLength(this.#header, this.#zlib.crc32);
    if (length_bytes === undefined) return;
    const rest = this.#header.subarray(length_bytes);
    this.#header = undefined;
    await this.#deflated(rest);
  }

  /** Tells that no bytes follow. */
  end(): void {
    if (!this.#isOver) this.#inflate.end();
  }

  /** The inflated bytes; a block is gone when the next is asked for. Raises `check` when they are damaged or cut short. */
  async *blocks(): AsyncGenerator<Buffer, void, void> {
    try {
      for await (const block of this.#inflate) {
        this.#inflated_bytes += block.length;
        this.#checksum = this.#zlib.crc32(block, this.#checksum);
        yield block;
        freeBuffer(block);
      }
    } catch (error) {
      throw damage(error, this.#header);
    }
  }

  /** Call it when all bytes were fed and all blocks taken. Raises `check` unless the member is whole and the last thing. */
  verify(): void {
    if (this.#header !== undefined) throw cutShort(this.#header);
    const left_bytes = this.#fed_bytes - this.#inflate.bytesWritten - TRAILER_BYTES;
    if (left_bytes > 0) throw failed('gzip', `something follows the gzip data (${left_bytes} bytes)`);
    if (left_bytes < 0) throw cutShort(undefined);
    if (this.#tail.readUInt32LE(0) !== this.#checksum)
      throw failed('gzip', 'the checksum (CRC) is wrong: the file is damaged');
    if (this.#tail.readUInt32LE(4) !== this.#inflated_bytes % 2 ** 32) {
      throw failed('gzip', 'the length at the end is wrong: the file is damaged');
    }
  }

  /** Gives its memory back, at any time. */
  close(): void {
    this.#inflate.destroy();
  }

  async #deflated(bytes: Buffer): Promise<void> {
    this.#fed_bytes += bytes.length;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TRAILER_BYTES)]).subarray(-TRAILER_BYTES);
    const before = this.#used;
    if (bytes.length > 0 && !this.#isOver) {
      this.#used = new Promise((resolve) => {
        this.#waiting.add(resolve);
        this.#inflate.write(bytes, () => {
          this.#waiting.delete(resolve);
          resolve();
        });
      });
    }
    await before;
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** How long the header is, or `undefined` while it is not all there. */
function headerLength(bytes: Buffer, crc32: Zlib['crc32']): number | undefined {
  if (bytes.length < 2) return undefined;
  if (!isGzip(bytes)) {
    if (bytes.length < BEGIN_BYTES) return undefined;
    throw notGzip(bytes);
  }
  if (bytes.length < FIXED_HEADER_BYTES) return undefined;
  const flags = bytes[3] ?? 0;
  if (bytes[2] !== 8 || flags & FLAG.reserved) throw failed('gzip', 'its header is of an unknown kind');
  const end = endOfFields(bytes, flags);
  const length = end + (flags & FLAG.headerChecksum ? 2 : 0);
  if (end === -1 || bytes.length < length) {
    if (bytes.length > GZIP_HEADER_MAX_BYTES)
      throw failed('gzip', `its header is longer than ${GZIP_HEADER_MAX_BYTES} bytes`);
    return undefined;
  }
  if (flags & FLAG.headerChecksum && bytes.readUInt16LE(end) !== (crc32(bytes.subarray(0, end)) & 0xffff)) {
    throw failed('gzip', 'the checksum of its header is wrong: the file is damaged');
  }
  return length;
}

function endOfFields(bytes: Buffer, flags: number): number {
  let at = FIXED_HEADER_BYTES;
  if (flags & FLAG.extra) {
    if (bytes.length < at + 2) return -1;
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [FLAG.name, FLAG.comment]) {
    if (!(flags & flag)) continue;
    const zero = bytes.indexOf(0, at);
    if (zero === -1) return -1;
    at = zero + 1;
  }
  return at;
}

/** What people upload instead, by the first bytes of it. */
const MISTAKEN: ReadonlyArray<readonly [begin: string, what: string]> = [
  ['PK', 'a zip archive'],
  ['\xfd7zXZ', 'an xz file'],
  ['BZh', 'a bzip2 file'],
  ['\x28\xb5\x2f\xfd', 'a zstd file'],
  ['\x7fELF', 'a program'],
  ['<', 'a page of HTML or XML'],
];

/** So many bytes are waited for before it is said what a file is that is not gzip. */
const BEGIN_BYTES = 512;

function notGzip(bytes: Buffer) {
  const begin = bytes.toString('latin1', 0, BEGIN_BYTES);
  const mistaken = MISTAKEN.find(([start]) => begin.startsWith(start))?.[1];
  const what =
    begin.slice(257, 262) === 'ustar'
      ? 'a plain tar archive, not packed with gzip'
      : (mistaken ?? 'something else');
  return failed('gzip', `it is ${what}: its first two bytes are not those of gzip`);
}

/** The failure of a file that ended too early; in its header, it may be no gzip at all. */
function cutShort(header: Buffer | undefined) {
  if (header !== undefined && header.length >= 2 && !isGzip(header)) return notGzip(header);
  return failed('gzip', 'it is cut short: the file ends in the middle of the gzip data');
}

function damage(error: unknown, header: Buffer | undefined): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'Z_BUF_ERROR') return cutShort(header);
  if (typeof error.code === 'string' && error.code.startsWith('Z_')) {
    return failed('gzip', `it is damaged: ${error.message}`);
  }
  return error;
}
