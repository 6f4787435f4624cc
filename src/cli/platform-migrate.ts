/** `gwe platform migrate`: an embedded platform's folder brought to larger engines. What it does is platform/migrate.ts's business. */
import { resolve } from 'node:path';
import { GweError } from '../errors.ts';
import { createLog } from '../host/log.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { storeFrom } from './platform.ts';

/** Between two words about how far it is, drawn in place on a terminal, and elsewhere. */
const REDRAW_MS = 100;
const LINE_MS = 10_000;
/** Digits of a digest that are shown. */
const DIGEST_DIGITS = 12;

/** `gwe platform migrate --from DIR [--content URL] [--store URL]`. Content goes first: the platform may run as long as that takes. */
export async function migrate(context: CommandContext, args: CommandArgs): Promise<number> {
  const from = args.text('from');
  if (from === undefined) throw new GweError('usage', 'Cannot migrate: --from DIR is missing');
  const [content, store] = [args.text('content'), storeFrom(args.text('store'))];
  if (content === undefined && store === undefined) {
    throw new GweError('usage', 'Cannot migrate: --store URL, --content URL or both are missing');
  }
  if (content !== undefined) await moveContentOf(context, resolve(from), content);
  if (store !== undefined) await moveStoreOf(context, resolve(from), store);
  const [flags, again] = [
    [store === undefined ? '' : ' --store …', content === undefined ? '' : ' --content …'].join(''),
    store === undefined ? '; migrate once more when no upload can come between' : '',
  ];
  context.err(`next: gwe platform --data ${from}${flags}${again}\n`);
  return 0;
}

async function moveContentOf(context: CommandContext, from: string, content: string): Promise<void> {
  const { env, clock } = context;
  const { moveContent } = await import('../platform/migrate.ts');
  const log = createLog('WARNING', clock.now, context.err);
  const { copied, present, bytes } = await moveContent({ from, content, env, clock, log });
  const mb = (bytes / 1e6).toFixed(1);
  context.out(
    `${copied + present} content files, ${mb} MB: ${copied} sent, ${present} were there; each read back and compared\n`,
  );
}

async function moveStoreOf(context: CommandContext, from: string, store: string): Promise<void> {
  const { clock, signal } = context;
  const { moveStore } = await import('../platform/migrate.ts');
  const { kinds, wasThere } = await moveStore({ from, store, clock, signal, onProgress: progress(context) });
  if (context.isErrorTerminal) context.err('\r\u001b[K');
  for (const { name, rows, digest } of kinds) {
    context.out(`${name.padEnd(25)} ${String(rows).padStart(12)}  ${digest.slice(0, DIGEST_DIGITS)}\n`);
  }
  context.out(
    wasThere
      ? 'all of it was there: every kind has the same count and digest, and nothing was changed\n'
      : 'all of it is there: every kind was read back with the same count and digest\n',
  );
}

/** Says how far it is: in place on a terminal, elsewhere a line now and then. */
function progress({ clock, err, isErrorTerminal = false }: CommandContext) {
  let said_ms = clock.monotonic();
  return (kind: string, step: string, rows: number) => {
    const now_ms = clock.monotonic();
    if (now_ms - said_ms < (isErrorTerminal ? REDRAW_MS : LINE_MS)) return;
    said_ms = now_ms;
    err(isErrorTerminal ? `\r\u001b[K${kind}: ${rows} ${step}` : `${kind}: ${rows} ${step}\n`);
  };
}
