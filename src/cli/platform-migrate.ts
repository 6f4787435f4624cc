/** `gwe platform migrate`: an embedded platform's folder brought to larger engines. What it does is platform/migrate.ts's business. */
import { resolve } from 'node:path';
import { GweError } from '../errors.ts';
import { createLog } from '../host/log.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

/** `gwe platform migrate --from DIR --content URL`. */
export async function migrate(context: CommandContext, args: CommandArgs): Promise<number> {
  const { env, clock } = context;
  const [from, content] = [needed(args, 'from', 'DIR'), needed(args, 'content', 'URL')];
  const { moveContent } = await import('../platform/migrate.ts');
  const log = createLog('WARNING', clock.now, context.err);
  const { copied, present, bytes } = await moveContent({ from: resolve(from), content, env, clock, log });
  const mb = (bytes / 1e6).toFixed(1);
  context.out(
    `${copied + present} content files, ${mb} MB: ${copied} sent, ${present} were there; each read back and compared\n`,
  );
  context.err(
    `next: gwe platform --data ${from} --content …; migrate once more when no upload can come between\n`,
  );
  return 0;
}

function needed(args: CommandArgs, name: string, value: string): string {
  const given = args.text(name);
  if (given !== undefined) return given;
  throw new GweError('usage', `Cannot migrate: --${name} ${value} is missing`);
}
