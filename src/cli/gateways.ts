/** `gwe gateways`: the fleet, or those of it that are meant, as a table or as JSON. */
import type { Gateway } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { queryOf } from './gateway-filter.ts';
import type { Operator, Query } from './operator.ts';
import { productOf, withPlatform } from './session.ts';
import { agoInWords, harmless, table } from './words.ts';

/** `gwe gateways [--product P] [filters] [--sort ORDER] [--limit N [--after NEXT]] [--json]`; without a product those of all products. */
export function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const wanted = queryOf(args, context.clock.now());
  return withPlatform(context, args, async (session) => {
    // A group is one of a product.
    const product = args.has('group') ? await productOf(session) : session.product;
    const { gateways, note } = await listed(session.operator, { ...wanted, product });
    if (args.has('json')) {
      context.out(`${JSON.stringify(gateways, undefined, 2)}\n`);
    } else if (gateways.length > 0) {
      context.out(gatewayTable(gateways, context.clock.now()));
    } else {
      context.err(isFiltered(wanted) ? 'no gateway fits\n' : nothingYet(product));
    }
    context.err(note);
    return 0;
  });
}

/** All that fit, or one page, with a line on where the next one begins. */
async function listed(operator: Operator, wanted: Query): Promise<{ gateways: Gateway[]; note: string }> {
  if (wanted['limit'] === undefined && wanted['after'] === undefined) {
    return { gateways: await operator.gateways(wanted), note: '' };
  }
  const { gateways, total, next } = await operator.gatewayPage(wanted);
  const more = next === undefined ? 'the last page' : `next page: --after ${next}`;
  return { gateways, note: `${gateways.length} of ${total}; ${more}\n` };
}

function isFiltered(wanted: Query): boolean {
  return Object.entries(wanted).some(([key, value]) => key !== 'sort' && [value ?? []].flat().length > 0);
}

function nothingYet(product: string | undefined): string {
  return `no gateways${product === undefined ? '' : ` in product ${product}`} yet; next: gwe gateway add SERIAL\n`;
}

/** The table: serial, product, how it stands, last seen in words, versions of its applications, tags where there are any. Pure. */
export function gatewayTable(gateways: readonly Gateway[], now_ms: number): string {
  const hasTags = gateways.some(({ tags }) => tags.length > 0);
  const tagCell = (text: string) => (hasTags ? [text] : []);
  const rows = gateways.map((each) => [
    harmless(each.serial),
    harmless(each.product),
    statusInWords(each),
    agoInWords(each.lastSeen_ms, now_ms),
    harmless(appsInWords(each.apps)) || '-',
    ...tagCell(harmless(each.tags.join(', '))),
  ]);
  return table([['SERIAL', 'PRODUCT', 'STATUS', 'LAST SEEN', 'APPLICATIONS', ...tagCell('TAGS')], ...rows]);
}

/** Whether it is activated; of one that is, also whether it is late or lost. */
function statusInWords({ status, state }: Gateway): string {
  if (status === 'notactivated') return 'not activated';
  return state === 'late' || state === 'lost' ? `${harmless(status)}, ${state}` : harmless(status);
}

function appsInWords(apps: Record<string, string>): string {
  return Object.entries(apps)
    .map(([app, version]) => (version === '' ? app : `${app} ${version}`))
    .join(', ');
}
