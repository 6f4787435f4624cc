/** `gwe login URL`: tries a token on a platform and keeps it for the operator's commands. */
import { resolve } from 'node:path';
import { GweError } from '../errors.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { readSecret } from './input.ts';
import { type Operator, openOperator } from './operator.ts';
import { isLoopback } from './operator-http.ts';
import { type Login, platformUrl, storeLogin } from './session.ts';

/** `gwe login URL [--token T] [--product P] [--ca FILE] [--allow-http]`. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const url = platformUrl(args.operands[0] ?? '');
  refuseCleartext(url, args.has('allow-http'));
  const login = await loginFrom(context, args, url);
  const operator = await openOperator({ ...login, url }, context.env);
  try {
    const who = await operator.whoami();
    const file = storeLogin(context, login);
    context.out(
      `logged in to ${login.url} as ${who.name} (${who.role}; vendor ${who.vendor}, gwe ${who.version})\n`,
    );
    context.err(`stored in ${file}\n`);
    await sayWhetherThere(context, operator, login.product);
    return 0;
  } finally {
    operator.close();
  }
}

async function loginFrom(context: CommandContext, args: CommandArgs, url: URL): Promise<Login> {
  const token =
    args.text('token') ??
    (context.env['GWE_PLATFORM_TOKEN'] || (await readSecret(context, `token of ${url.origin}: `)));
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new GweError(
      'usage',
      `Cannot log in to ${url.origin}: ${token === '' ? 'no token was given' : 'a token has no blanks and only ASCII'}`,
      {
        hint: 'The platform printed its first token when it started for the first time. gwe login URL --token TOKEN',
      },
    );
  }
  const product = args.text('product');
  const ca = args.text('ca');
  return {
    url: url.href.replace(/\/+$/, ''),
    token,
    ...(product === undefined ? {} : { product }),
    ...(ca === undefined ? {} : { ca: resolve(ca) }),
  };
}

function refuseCleartext(url: URL, allowed: boolean): void {
  if (url.protocol === 'https:' || isLoopback(url.hostname) || allowed) return;
  throw new GweError('usage', `Cannot log in to ${url.origin}: the token would travel in clear text`, {
    hint: 'Use https (gwe platform --cert FILE --key FILE), or add --allow-http in a network that you trust.',
  });
}

async function sayWhetherThere(
  context: CommandContext,
  operator: Operator,
  product: string | undefined,
): Promise<void> {
  if (product === undefined || (await operator.products()).some((each) => each.id === product)) return;
  context.err(`there is no product ${product} yet; next: gwe product create ${product}\n`);
}
