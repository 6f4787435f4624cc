/**
 * Following a delta: from the tarball of one version to that of another, in one pass over the old one and in bounded
 * memory. The unpacked stream comes out as it was; it is packed anew, lightly, so the file is another than the published
 * one, and only the stream's digest says whether it is right.
 */
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { constants, createGzip, createZstdDecompress } from 'node:zlib';
import { freeBuffer } from '../host/buffers.ts';
import { PRIVATE_FILE_MODE } from '../host/files.ts';
import { BaseWindow } from './base-window.ts';
import {
  DELTA_HEADER_MAX_BYTES,
  type DeltaHeader,
  type DeltaRecord,
  decodeHeader,
  decodeRecord,
  memoryNeeded,
  memoryOf,
  RECORD_HEAD_BYTES,
  wrong,
} from './delta-format.ts';
import { feed } from './zlib-feed.ts';

/** Packing costs processor time on a small machine, and the file is kept on it alone. */
const GZIP_LEVEL = 1;
/** Copies are handed on in steps of this size. */
const COPY_BYTES = 256 * 1024;
/** An unpacked frame comes in blocks of this size: of the last one memory is left over, until V8 looks for garbage. */
const FRAME_BLOCK_BYTES = 128 * 1024;
/** Frames are made with windows of at most 2^27 bytes; the memory that they take is bound by the record. */
const WINDOW_LOG_MAX = 27;

export interface Rebuilding {
  /** The old tarball. */
  base: string;
  /** The delta. */
  delta: string;
  /** Where the new tarball goes; a file that is there is written over. */
  to: string;
  max_memory_bytes: number;
  signal?: AbortSignal;
}

export interface Rebuilt {
  /** Of the file that was written. */
  sha256: string;
  size_bytes: number;
  /** Of the unpacked stream in it. */
  tar_sha256: string;
  tar_bytes: number;
}

/** What the delta at `path` says of itself. Raises `malformed`, and what node:fs raises. */
export async function readDeltaHeader(path: string): Promise<DeltaHeader> {
  const file = await open(path);
  try {
    return (await headerOf(file)).header;
  } finally {
    await file.close();
  }
}

/**
 * Writes the tarball that the delta leads to, synced. Raises `malformed` for a delta that cannot be followed or needs too
 * much memory, and what node:fs and node:zlib raise. The digests are for the caller to compare.
 */
export async function rebuildTarball({
  base,
  delta,
  to,
  max_memory_bytes,
  signal,
}: Rebuilding): Promise<Rebuilt> {
  const file = await open(delta);
  try {
    const { header, length } = await headerOf(file);
    const needed_bytes = memoryNeeded(header);
    if (needed_bytes > max_memory_bytes) throw tooMuch(needed_bytes, max_memory_bytes);
    if (header.window_bytes > header.memory_bytes) throw wrong('its window is larger than its memory');
    const window = new BaseWindow(base, header.window_bytes);
    try {
      const stream = tarOf(file, length, header, window);
      return await pack(stream, to, signal);
    } finally {
      await window.close();
    }
  } finally {
    await file.close();
  }
}

async function pack(
  stream: AsyncGenerator<Buffer>,
  to: string,
  signal: AbortSignal | undefined,
): Promise<Rebuilt> {
  const [inner, outer] = [new Tally(), new Tally()];
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: COPY_BYTES });
  const flow = feed(inner.watch(stream), gzip, { signal, isOurs: true });
  const file = openSync(to, 'w', PRIVATE_FILE_MODE);
  try {
    for await (const packed of outer.watch(gzip)) {
      for (let done = 0; done < packed.length; ) done += writeSync(file, packed, done);
      freeBuffer(packed);
    }
    fdatasyncSync(file);
  } finally {
    gzip.destroy();
    await flow;
    closeSync(file);
  }
  const [tar, tarball] = [inner.end(), outer.end()];
  return {
    sha256: tarball.sha256,
    size_bytes: tarball.bytes,
    tar_sha256: tar.sha256,
    tar_bytes: tar.bytes,
  };
}

async function* tarOf(
  file: FileHandle,
  begin: number,
  header: DeltaHeader,
  window: BaseWindow,
): AsyncGenerator<Buffer> {
  let [at, done_bytes] = [begin, 0];
  while (done_bytes < header.tar_bytes) {
    const record = decodeRecord(await exactly(file, at, RECORD_HEAD_BYTES));
    check(record, header, done_bytes);
    const payload = await exactly(file, at + RECORD_HEAD_BYTES, record.payload_bytes);
    at += RECORD_HEAD_BYTES + record.payload_bytes;
    done_bytes += record.output_bytes;
    if (record.kind === 'copy') yield* copyOf(record, window);
    else yield* patched(record, payload, await window.stretch(record.base_from, record.base_bytes));
  }
}

function check(record: DeltaRecord, header: DeltaHeader, done_bytes: number): void {
  const { output_bytes } = record;
  if (memoryOf(record) + header.window_bytes > header.memory_bytes)
    throw wrong('it needs more memory than it says');
  if (output_bytes === 0 || done_bytes + output_bytes > header.tar_bytes)
    throw wrong('it leads to more bytes than it says');
}

async function* copyOf({ base_from, output_bytes }: DeltaRecord, window: BaseWindow): AsyncGenerator<Buffer> {
  for (let done = 0; done < output_bytes; done += COPY_BYTES) {
    // A copy of it: the window moves on while the bytes are still on their way.
    yield Buffer.from(await window.stretch(base_from + done, Math.min(COPY_BYTES, output_bytes - done)));
  }
}

/** As a stream: what is unpacked at one go stays in memory until V8 looks for garbage, which it does too late. */
async function* patched(
  { output_bytes }: DeltaRecord,
  payload: Buffer,
  dictionary: Buffer,
): AsyncGenerator<Buffer> {
  const zstd = createZstdDecompress({
    ...(dictionary.length === 0 ? {} : { dictionary }),
    chunkSize: FRAME_BLOCK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  });
  zstd.end(payload);
  let done_bytes = 0;
  try {
    for await (const chunk of zstd) {
      done_bytes += chunk.length;
      if (done_bytes > output_bytes) break;
      yield chunk;
    }
  } finally {
    zstd.destroy();
  }
  if (done_bytes !== output_bytes) throw wrong('a frame of it has another length than it says');
}

async function headerOf(file: FileHandle): Promise<{ header: DeltaHeader; length: number }> {
  const bytes = Buffer.alloc(DELTA_HEADER_MAX_BYTES);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return decodeHeader(bytes.subarray(0, bytesRead));
}

async function exactly(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { size } = await file.stat();
  if (at + length > size) throw wrong('it is cut short');
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw wrong('it is cut short');
  return bytes;
}

function tooMuch(memory_bytes: number, max_bytes: number) {
  return wrong(`it needs ${memory_bytes} bytes of memory, and ${max_bytes} are allowed`);
}

/** Counts and hashes what flows by. */
class Tally {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  async *watch(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  end(): { sha256: string; bytes: number } {
    return { sha256: this.#hash.digest('hex'), bytes: this.#bytes };
  }
}
