/** `gwe gateways`: the fleet as a table, or as JSON. */
import type { Gateway } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { withPlatform } from './session.ts';
import { agoInWords, harmless, table } from './words.ts';

/** `gwe gateways [--product P] [--json]`; without a product those of all products. */
export function run(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator, product }) => {
    const gateways = await operator.gateways(product === undefined ? {} : { product });
    if (args.has('json')) {
      context.out(`${JSON.stringify(gateways, undefined, 2)}\n`);
    } else if (gateways.length === 0) {
      context.err(
        `no gateways${product === undefined ? '' : ` in product ${product}`} yet; next: gwe gateway add SERIAL\n`,
      );
    } else {
      context.out(gatewayTable(gateways, context.clock.now()));
    }
    return 0;
  });
}

/** The table: serial, product, status, last seen in words, versions of its applications. Pure. */
export function gatewayTable(gateways: readonly Gateway[], now_ms: number): string {
  const rows = gateways.map((each) => [
    harmless(each.serial),
    harmless(each.product),
    each.status === 'notactivated' ? 'not activated' : harmless(each.status),
    agoInWords(each.lastSeen_ms, now_ms),
    harmless(appsInWords(each.apps)) || '-',
  ]);
  return table([['SERIAL', 'PRODUCT', 'STATUS', 'LAST SEEN', 'APPLICATIONS'], ...rows]);
}

function appsInWords(apps: Record<string, string>): string {
  return Object.entries(apps)
    .map(([app, version]) => (version === '' ? app : `${app} ${version}`))
    .join(', ');
}
