/** `gwe product create|list|rm`: the products of a platform. A product is what a gateway calls model and vendor. */
import { GweError } from '../errors.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { withPlatform } from './session.ts';
import { agoInWords, table } from './words.ts';

/** `gwe product create ID`. */
export function createProduct(context: CommandContext, args: CommandArgs): Promise<number> {
  const id = args.operands[0] ?? '';
  return withPlatform(context, args, async ({ operator }) => {
    await operator.createProduct(id);
    context.out(`product ${id} created\n`);
    context.err(`next: gwe gateway add SERIAL --product ${id}\n`);
    return 0;
  });
}

/** `gwe product list [--json]`. */
export function listProducts(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator }) => {
    const products = await operator.products();
    if (args.has('json')) {
      context.out(`${JSON.stringify(products, undefined, 2)}\n`);
      return 0;
    }
    if (products.length === 0) context.err('no products yet; next: gwe product create ID\n');
    const now_ms = context.clock.now();
    const rows = products.map((each) => [
      each.id,
      String(each.gateways),
      agoInWords(each.created_ms, now_ms),
    ]);
    if (rows.length > 0) context.out(table([['PRODUCT', 'GATEWAYS', 'CREATED'], ...rows]));
    return 0;
  });
}

/** `gwe product rm ID [--force]`: with gateways in it only by --force. */
export function removeProduct(context: CommandContext, args: CommandArgs): Promise<number> {
  const id = args.operands[0] ?? '';
  return withPlatform(context, args, async ({ operator }) => {
    const product = (await operator.products()).find((each) => each.id === id);
    if (product !== undefined && product.gateways > 0 && !args.has('force')) {
      throw new GweError('conflict', `Cannot remove product ${id}: it has ${product.gateways} gateways`, {
        hint: `They and all that they reported go with it: gwe product rm ${id} --force`,
      });
    }
    await operator.removeProduct(id);
    context.out(`product ${id} removed\n`);
    return 0;
  });
}
