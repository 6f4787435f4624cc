/** `gwe gateway add|rm|enable`: which serials may activate. Listing them is gateways.ts's business. */
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { isLoopback } from './operator-http.ts';
import { gatewayOf, productOf, withPlatform } from './session.ts';

/** `gwe gateway add SERIAL… [--product P]`: prints what to run on each gateway. */
export function addGateway(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    for (const serial of args.operands) {
      await session.operator.addGateway(product, serial);
      context.out(
        `gateway ${serial} added to product ${product}; it may activate once. Run on the gateway:\n`,
      );
      for (const line of setUpLines(session.operator.endpoint, product, serial)) context.out(`  ${line}\n`);
    }
    return 0;
  });
}

/** `gwe gateway rm SERIAL…`. */
export function removeGateway(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    for (const serial of args.operands) {
      const { product } = await gatewayOf(session, serial);
      await session.operator.removeGateway(product, serial);
      context.out(`gateway ${serial} removed from product ${product}\n`);
    }
    return 0;
  });
}

/** `gwe gateway enable SERIAL…`: its key is dead from now on, and it may activate once more. */
export function enableGateway(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async (session) => {
    for (const serial of args.operands) {
      const { product } = await gatewayOf(session, serial);
      await session.operator.enableGateway(product, serial);
      context.out(`gateway ${serial} may activate once more; its old key is dead\n`);
    }
    return 0;
  });
}

/** What to run on a gateway so that it finds this platform. Pure. */
export function setUpLines(platform: { url: URL; ca?: string }, product: string, serial: string): string[] {
  const server = platform.url.href.replace(/\/+$/, '');
  const cleartext = platform.url.protocol === 'http:' && !isLoopback(platform.url.hostname);
  return [
    `gwe --set-server ${quoted(server)} --set-product-id ${quoted(product)} --set-uuid ${quoted(serial)}`,
    ...(cleartext ? ['gwe config set engine.allow_http on'] : []),
    ...(platform.ca === undefined ? [] : ['gwe config set security.ca FILE   # a copy of the CA file']),
  ];
}

/** A word for the shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
