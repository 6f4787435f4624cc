/** A download into a file of the user's: it has its final name only when it is whole. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GweError } from '../errors.ts';
import { renameDurably } from '../host/files.ts';
import type { CommandContext } from './context.ts';

/**
 * Writes `body` to `file` (`-`: standard output). Raises `offline` when fewer bytes came than were announced; then there
 * is no file.
 */
export async function saveStream(
  context: CommandContext,
  body: Readable,
  file: string,
  total_bytes: number | undefined,
): Promise<void> {
  if (file === '-') return pipeline(body, standardOutput(context));
  const beside = `${file}.part`;
  let written_bytes = 0;
  try {
    const target = createWriteStream(beside, { flush: true });
    body.on('data', (chunk: Buffer) => {
      written_bytes += chunk.length;
    });
    await pipeline(body, target);
    if (total_bytes !== undefined && written_bytes !== total_bytes) {
      throw new GweError('offline', `Cannot save ${file}: ${written_bytes} of ${total_bytes} bytes came`, {
        hint: 'Run the command again.',
      });
    }
    renameDurably(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Bytes are not text: they go past `context.out`, which takes text, unless it is a stand-in that keeps what it gets. */
function standardOutput(context: CommandContext): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (context.outBytes === undefined) process.stdout.write(chunk, done);
      else done(void context.outBytes(chunk));
    },
  });
}
