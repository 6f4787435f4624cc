/** Standard input: all of it as text, or one line, which on a terminal is typed unseen. */
import { GweError } from '../errors.ts';
import type { CommandContext } from './context.ts';

/** More than a dataport holds. */
export const INPUT_MAX_BYTES = 16 * 1024 ** 2;

const inputOf = (context: CommandContext) => context.input ?? process.stdin;

/** Everything that standard input holds, as it is. Raises `too-large` beyond INPUT_MAX_BYTES. */
export async function readInput(context: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  let size_bytes = 0;
  for await (const chunk of inputOf(context)) {
    const bytes = Buffer.from(chunk);
    size_bytes += bytes.length;
    if (size_bytes > INPUT_MAX_BYTES) {
      throw new GweError('too-large', `Cannot read standard input: longer than ${INPUT_MAX_BYTES} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One secret: the first line of standard input, or what is typed at the prompt, which a terminal does not show. */
export async function readSecret(context: CommandContext, prompt: string): Promise<string> {
  const input = inputOf(context);
  if (input.isTTY !== true) return (await readInput(context)).split('\n')[0]?.trim() ?? '';
  context.err(prompt);
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: unseen, terminal: true });
  try {
    return (await lines.question('', { signal: context.signal })).trim();
  } finally {
    lines.close();
    context.err('\n');
  }
}
