/** `gwe tag …`: words that an operator gives to gateways, to find them and to choose them by. */
import { fields, list } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { gatewayOf, withPlatform } from './session.ts';
import { harmless, table } from './words.ts';

/** `gwe tag add TAG SERIAL…`, `gwe tag rm TAG SERIAL…`: the other tags stay. */
export function changeTag(key: 'add' | 'remove') {
  return (context: CommandContext, args: CommandArgs): Promise<number> => {
    const [tag = '', ...serials] = args.operands;
    return withPlatform(context, args, async (session) => {
      // All are looked up first: a slip in one serial changes none.
      const gateways = [];
      for (const serial of serials) gateways.push(await gatewayOf(session, serial));
      for (const { product, serial } of gateways) {
        const path = `/api/v1/gateways/${encodeURIComponent(product)}/${encodeURIComponent(serial)}/tags`;
        const answer = await session.operator.call({ method: 'PUT', path, json: { [key]: [tag] } });
        const tags = list(fields(answer, 'answer'), 'tags', String);
        context.out(`${serial}: ${tags.length === 0 ? 'no tags' : harmless(tags.join(', '))}\n`);
      }
      return 0;
    });
  };
}

/** `gwe tag list [--product P] [--json]`: every tag with how many gateways have it. */
export function listTags(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator, product }) => {
    const counts = new Map<string, number>();
    for (const { tags } of await operator.gateways({ product })) {
      for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
    const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
    if (args.has('json')) context.out(`${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`);
    else if (sorted.length === 0) context.err('no tags yet; next: gwe tag add TAG SERIAL…\n');
    else context.out(table([['TAG', 'GATEWAYS'], ...sorted.map(([tag, n]) => [harmless(tag), String(n)])]));
    return 0;
  });
}
