/** `gwe content upload|list|rm`: what a product's gateways can be told to install. */

import { basename } from 'node:path';
import { parseTarballName } from '../app/name.ts';
import { GweError } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { deltaBeside } from './delta.ts';
import { productOf, withPlatform } from './session.ts';
import { uploadFile, withCompanions } from './upload.ts';
import { agoInWords, harmless, table } from './words.ts';

/** `gwe content upload FILE… [--product P] [--force] [--delta-from OLD]…`. */
export function uploadContent(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    for (const base of args.all('delta-from')) await makeDeltas(context, base, args.operands);
    for (const file of withCompanions(args.operands)) {
      await uploadFile(context, session.operator, product, file, { force: args.has('force') });
    }
    return 0;
  });
}

/** Makes the delta from `base` beside each tarball of its application. Raises `usage` when there is none among `files`. */
async function makeDeltas(context: CommandContext, base: string, files: readonly string[]): Promise<void> {
  const { app } = parseTarballName(basename(base));
  const targets = files.filter((file) => basename(file).startsWith(`${app}.v`));
  if (targets.length === 0) {
    throw new GweError(
      'usage',
      `Cannot make a delta from ${basename(base)}: no tarball of ${app} is uploaded`,
      {
        hint: 'Name the new tarball first: gwe content upload NEW --delta-from OLD',
      },
    );
  }
  for (const target of targets) await deltaBeside(context, base, target);
}

/** `gwe content list [--product P] [--json]`. */
export function listContent(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    const content = await session.operator.content(product);
    if (args.has('json')) {
      context.out(`${JSON.stringify(content, undefined, 2)}\n`);
      return 0;
    }
    if (content.length === 0)
      context.err(`nothing in the Content Area of ${product} yet; next: gwe content upload FILE\n`);
    const now_ms = context.clock.now();
    const rows = content.map((each) => [
      harmless(each.id),
      formatSize(each.size_bytes),
      agoInWords(each.updated_ms, now_ms),
      each.sha256.slice(0, 12),
    ]);
    if (rows.length > 0) context.out(table([['NAME', 'SIZE', 'UPLOADED', 'SHA-256'], ...rows]));
    return 0;
  });
}

/** `gwe content rm NAME… [--product P]`. */
export function removeContent(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    const there = new Set((await session.operator.content(product)).map((each) => each.id));
    const missing = args.operands.filter((id) => !there.has(id));
    if (missing.length > 0) {
      throw new GweError(
        'not-found',
        `Cannot remove ${missing.join(', ')}: not in the Content Area of ${product}`,
        {
          hint: 'See: gwe content list',
        },
      );
    }
    for (const id of args.operands) {
      await session.operator.removeContent(product, id);
      context.out(`${id} removed from ${product}\n`);
    }
    return 0;
  });
}
