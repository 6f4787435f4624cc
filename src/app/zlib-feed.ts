/** Bytes into a stream of node:zlib, one piece after the other: no more of them are in memory than the one that it works on. */
import type { Transform } from 'node:stream';
import { freeBuffer } from '../host/buffers.ts';

/**
 * Feeds `pieces` to `stream` and ends it. Never rejects: an error of the pieces, or of an abort, comes to whoever reads the
 * stream. `isOurs`: nobody else uses the pieces, so that their memory is given back as soon as each has been worked off.
 */
export async function feed(
  pieces: AsyncGenerator<Buffer>,
  stream: Transform,
  { signal, isOurs = false }: { signal?: AbortSignal | undefined; isOurs?: boolean } = {},
): Promise<void> {
  // A write after the end of what is packed is never answered: then whoever reads the stream ends the wait by closing it.
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      const written = new Promise<void>((resolve) => stream.write(piece, () => resolve()));
      await Promise.race([written, closed]);
      if (stream.destroyed) return;
      if (isOurs) freeBuffer(piece);
    }
    stream.end();
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
