/**
 * A tar archive as it streams by: bytes in, entries with their contents out, in constant memory and without waiting.
 * It knows ustar, pax and GNU's long names, and raises `check` (tar) for an archive that is not whole or that two tar
 * programs could read differently. What an entry may be is up to whoever is handed it.
 */
import { failed } from './checks.ts';
import { EXTENDED_TYPES, type Extension, extensionOf } from './tar-extended.ts';
import { BLOCK_BYTES, isZeroBlock, readHeader, type TarEntry } from './tar-header.ts';

/** Largest extended header (long names, attributes) that is kept in memory. */
export const EXTENDED_HEADER_MAX_BYTES = 256 * 1024;

export interface TarHandler {
  /** An entry begins; its contents follow by `data`, then `close` (both also for an entry without contents: only `close`). */
  entry(entry: TarEntry): void;
  data(bytes: Buffer): void;
  close(): void;
}

export class TarReader {
  readonly #handler: TarHandler;
  #phase: 'header' | 'extended' | 'body' | 'padding' | 'end' = 'header';
  /** Of the contents or the padding that is being read. */
  #left_bytes = 0;
  #padding_bytes = 0;
  #total_bytes = 0;
  #current = '';
  #partial = Buffer.alloc(BLOCK_BYTES);
  #partial_bytes = 0;
  #sawZeroBlock = false;
  #extendedType = '';
  #extended: Buffer[] = [];
  #seenExtended = new Set<string>();
  #extension: Extension = {};

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** Takes the next bytes of the archive. Raises `check`, and whatever the handler raises. */
  push(bytes: Buffer): void {
    this.#total_bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) at += this.#take(bytes, at);
  }

  /** Tells that no bytes follow. Raises `check` (tar) when the archive is not whole. */
  end(): void {
    if (this.#phase === 'body' || this.#phase === 'padding' || this.#phase === 'extended') {
      throw failed('tar', 'is cut short: the archive ends in the middle of it', this.#current);
    }
    if (this.#phase !== 'end')
      throw failed('tar', 'the archive is cut short: the two empty blocks at its end are missing');
    if (this.#total_bytes % BLOCK_BYTES !== 0)
      throw failed('tar', 'the archive does not end at a block of 512 bytes');
  }

  /** Takes what it can from `bytes` at `at`, and returns how many bytes that were. */
  #take(bytes: Buffer, at: number): number {
    if (this.#phase === 'header') return this.#takeHeader(bytes, at);
    if (this.#phase === 'end') return takeZeros(bytes, at);
    const end = Math.min(bytes.length, at + this.#left_bytes);
    if (this.#phase === 'body') this.#handler.data(bytes.subarray(at, end));
    if (this.#phase === 'extended') this.#extended.push(Buffer.from(bytes.subarray(at, end)));
    this.#left_bytes -= end - at;
    if (this.#left_bytes === 0) this.#finishPart();
    return end - at;
  }

  #finishPart(): void {
    if (this.#phase === 'body') this.#handler.close();
    if (this.#phase === 'extended') this.#applyExtended(Buffer.concat(this.#extended));
    const hasPadding = this.#phase !== 'padding' && this.#padding_bytes > 0;
    this.#phase = hasPadding ? 'padding' : 'header';
    this.#left_bytes = hasPadding ? this.#padding_bytes : 0;
  }

  #takeHeader(bytes: Buffer, at: number): number {
    if (this.#partial_bytes === 0 && bytes.length - at >= BLOCK_BYTES) {
      this.#header(bytes, at);
      return BLOCK_BYTES;
    }
    const taken = bytes.copy(this.#partial, this.#partial_bytes, at, at + BLOCK_BYTES - this.#partial_bytes);
    this.#partial_bytes += taken;
    if (this.#partial_bytes === BLOCK_BYTES) {
      this.#partial_bytes = 0;
      this.#header(this.#partial, 0);
    }
    return taken;
  }

  #header(bytes: Buffer, at: number): void {
    if (isZeroBlock(bytes, at)) {
      this.#zeroBlock();
      return;
    }
    if (this.#sawZeroBlock) throw failed('tar', 'an empty block stands between two entries');
    const header = readHeader(bytes, at, this.#extension);
    if (EXTENDED_TYPES.has(header.type)) this.#beginExtended(header);
    else this.#beginEntry(header);
  }

  #zeroBlock(): void {
    if (this.#seenExtended.size > 0) throw failed('tar', 'an extended header has no entry after it');
    if (this.#sawZeroBlock) this.#phase = 'end';
    this.#sawZeroBlock = true;
  }

  #beginExtended(header: TarEntry): void {
    if (header.size_bytes > EXTENDED_HEADER_MAX_BYTES) {
      throw failed(
        'limits',
        `an extended header has ${header.size_bytes} bytes: at most ${EXTENDED_HEADER_MAX_BYTES} are allowed`,
      );
    }
    if (this.#seenExtended.has(header.type))
      throw failed('tar', 'two extended headers of one kind stand before one entry');
    if (header.type !== 'g') this.#seenExtended.add(header.type);
    this.#extendedType = header.type;
    this.#extended = [];
    this.#begin('extended', header.path, header.size_bytes);
  }

  #applyExtended(bytes: Buffer): void {
    const said = extensionOf(this.#extendedType, bytes);
    if (this.#extendedType === 'g') {
      if (Object.keys(said).every((key) => key === 'mtime_s')) return;
      throw failed('tar', 'a global extended header gives one path or size to all entries');
    }
    if (Object.keys(said).some((key) => key in this.#extension)) {
      throw failed('tar', 'two extended headers before one entry say the same thing of it');
    }
    Object.assign(this.#extension, said);
  }

  #beginEntry(entry: TarEntry): void {
    this.#extension = {};
    this.#seenExtended.clear();
    if (entry.size_bytes > 0 && /[1-6]/.test(entry.type)) {
      throw failed('tar', `claims to hold ${entry.size_bytes} bytes, which only a file can`, entry.path);
    }
    this.#handler.entry(entry);
    this.#begin('body', entry.path, entry.size_bytes);
  }

  #begin(phase: 'extended' | 'body', path: string, size_bytes: number): void {
    this.#phase = phase;
    this.#current = path;
    this.#left_bytes = size_bytes;
    this.#padding_bytes = (BLOCK_BYTES - (size_bytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if (size_bytes === 0) this.#finishPart();
  }
}

function takeZeros(bytes: Buffer, at: number): number {
  const end = Math.min(bytes.length, at + BLOCK_BYTES);
  for (let i = at; i < end; i++) {
    if (bytes[i] !== 0) throw failed('tar', 'something follows the two empty blocks that end the archive');
  }
  return end - at;
}
