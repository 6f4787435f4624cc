/**
 * A window that moves forward over the unpacked stream of a tarball: the last few megabytes of it are in memory, and any
 * stretch of them can be had as one piece. What has left it cannot be had any more.
 */
import { createGunzip } from 'node:zlib';
import { freeBuffer } from '../host/buffers.ts';
import { wrong } from './delta-format.ts';
import { piecesOf } from './file-source.ts';
import { feed } from './zlib-feed.ts';

const BLOCK_BYTES = 128 * 1024;
/** What has left the window is thrown out when so much of it has come together. */
const SLACK_BYTES = 1024 * 1024;

export class BaseWindow {
  readonly #blocks: AsyncGenerator<Buffer>;
  readonly #window_bytes: number;
  readonly #buffer: Buffer;
  #length = 0;
  /** Where in the stream the buffer begins. */
  #from = 0;

  constructor(path: string, window_bytes: number) {
    this.#blocks = unpacked(path);
    this.#window_bytes = window_bytes;
    this.#buffer = Buffer.allocUnsafeSlow(window_bytes + SLACK_BYTES + 2 * BLOCK_BYTES);
  }

  /**
   * `length` bytes of the stream from `from` on, as they stay until the next call. Raises `malformed` when they have left
   * the window or never come, and what reading and unpacking raises.
   */
  async stretch(from: number, length: number): Promise<Buffer> {
    if (length > this.#window_bytes) throw wrong('a stretch of it is longer than its window');
    while (this.#from + this.#length < from + length) await this.#more();
    if (from < this.#from) throw wrong('it goes back further than its window');
    return this.#buffer.subarray(from - this.#from, from - this.#from + length);
  }

  async close(): Promise<void> {
    await this.#blocks.return(undefined);
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#blocks.next();
    if (done === true) throw wrong('the version that it leads from is shorter than it says');
    if (this.#length + value.length > this.#buffer.length) {
      const kept_bytes = Math.min(this.#length, this.#window_bytes);
      this.#buffer.copyWithin(0, this.#length - kept_bytes, this.#length);
      this.#from += this.#length - kept_bytes;
      this.#length = kept_bytes;
    }
    value.copy(this.#buffer, this.#length);
    this.#length += value.length;
    freeBuffer(value);
  }
}

/** The unpacked stream of the tarball at `path`, in blocks. Raises what node:fs and node:zlib raise. */
export async function* unpacked(path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: BLOCK_BYTES });
  const flow = feed(piecesOf(path), gunzip);
  try {
    for await (const block of gunzip) yield block;
  } finally {
    gunzip.destroy();
    await flow;
  }
}
