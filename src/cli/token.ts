/** `gwe token create|list|rm`: who may do what on the platform. */

import { fields, list, number, optionalList, text } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { withPlatform } from './session.ts';
import { agoInWords, harmless, table } from './words.ts';

const DAY_MS = 86_400_000;

/** `gwe token create NAME [--role ROLE] [--only PRODUCT]… [--days N]`: the token alone on standard output. */
export function createToken(context: CommandContext, args: CommandArgs): Promise<number> {
  const name = args.operands[0] ?? '';
  const role = args.text('role') ?? 'operator';
  const products = args.all('only');
  const days = args.integer('days');
  return withPlatform(context, args, async ({ operator }) => {
    const answer = await operator.call({
      method: 'POST',
      path: '/api/v1/tokens',
      json: {
        name,
        role,
        ...(products.length === 0 ? {} : { products }),
        ...(days === undefined ? {} : { expires: context.clock.now() + days * DAY_MS }),
      },
    });
    context.out(`${text(fields(answer, 'token'), 'token')}\n`);
    context.err(`token ${name} (${role}) made; it is shown only this once\n`);
    return 0;
  });
}

/** `gwe token list [--json]`. */
export function listTokens(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator }) => {
    const answer = await operator.call({ method: 'GET', path: '/api/v1/tokens' });
    const tokens = list(fields(answer, 'answer'), 'tokens', (each) => fields(each, 'token'));
    if (args.has('json')) {
      context.out(`${JSON.stringify(tokens, undefined, 2)}\n`);
      return 0;
    }
    const now_ms = context.clock.now();
    const rows = tokens.map((token) => [
      harmless(text(token, 'name')),
      text(token, 'role'),
      harmless(optionalList(token, 'products', String)?.join(', ') ?? 'all'),
      agoInWords(number(token, 'created'), now_ms),
      agoInWords(number(token, 'lastUsed'), now_ms),
      expiry(number(token, 'expires'), now_ms),
    ]);
    context.out(table([['NAME', 'ROLE', 'PRODUCTS', 'MADE', 'LAST USED', 'EXPIRES'], ...rows]));
    return 0;
  });
}

function expiry(expires_ms: number, now_ms: number): string {
  if (expires_ms === 0) return 'never';
  return expires_ms <= now_ms ? 'expired' : new Date(expires_ms).toISOString().slice(0, 10);
}

/** `gwe token rm NAME…`. */
export function removeToken(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator }) => {
    for (const name of args.operands) {
      await operator.call({ method: 'DELETE', path: `/api/v1/tokens/${encodeURIComponent(name)}` });
      context.out(`token ${name} revoked\n`);
    }
    return 0;
  });
}
