/** `gwe content upload|list|rm`: what a product's gateways can be told to install. */

import { GweError } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { productOf, withPlatform } from './session.ts';
import { uploadFile, withCompanions } from './upload.ts';
import { agoInWords, harmless, table } from './words.ts';

/** `gwe content upload FILE… [--product P] [--force]`. */
export function uploadContent(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    for (const file of withCompanions(args.operands)) {
      await uploadFile(context, session.operator, product, file, { force: args.has('force') });
    }
    return 0;
  });
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
