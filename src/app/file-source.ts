/** A tarball on disk as a source for the pass, in constant memory. */
import { open } from 'node:fs/promises';

/** Measured: larger pieces take more memory, smaller ones more time. */
export const PIECE_BYTES = 256 * 1024;

/**
 * The contents of the file at `path`, piece by piece. Two buffers take turns: a piece stays as it is until the piece after
 * the next one is asked for. Raises what node:fs raises; the file is closed at its end and by `return()`.
 */
export async function* piecesOf(path: string): AsyncGenerator<Buffer, void, void> {
  const file = await open(path);
  try {
    let [next, other] = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)];
    for (;;) {
      const { bytesRead } = await file.read(next, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      yield next.subarray(0, bytesRead);
      [next, other] = [other, next];
    }
  } finally {
    await file.close();
  }
}
