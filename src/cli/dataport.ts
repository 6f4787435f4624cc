/** `gwe write SERIAL ALIAS VALUE` and `gwe read SERIAL ALIAS`: one dataport of a gateway. */
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { readInput } from './input.ts';
import { gatewayOf, withPlatform } from './session.ts';
import { harmless } from './words.ts';

/** `gwe write SERIAL ALIAS VALUE`; VALUE `-` takes all of standard input, as it is. */
export function writeDataport(context: CommandContext, args: CommandArgs): Promise<number> {
  const [serial = '', alias = '', value = ''] = args.operands;
  return withPlatform(context, args, async (session) => {
    const { product } = await gatewayOf(session, serial);
    await session.operator.write(product, serial, alias, value === '-' ? await readInput(context) : value);
    return 0;
  });
}

/** `gwe read SERIAL ALIAS [--points N]`: the value alone, or its newest N points, oldest first, each with its time. */
export function readDataport(context: CommandContext, args: CommandArgs): Promise<number> {
  const [serial = '', alias = ''] = args.operands;
  const points = args.integer('points');
  // A program gets the value as it is; a terminal must not obey what a gateway said.
  const shown = (value: string) => (context.isTerminal ? harmless(value) : value);
  return withPlatform(context, args, async (session) => {
    const { product } = await gatewayOf(session, serial);
    const port = await session.operator.read(product, serial, alias, points === undefined ? {} : { points });
    if (points === undefined) {
      const value = shown(port.value);
      context.out(value.endsWith('\n') ? value : `${value}\n`);
      return 0;
    }
    for (const point of port.points.toSorted((a, b) => a.id - b.id)) {
      context.out(
        `${new Date(point.time_ms).toISOString()}  ${shown(point.value).replaceAll('\n', '\n    ')}\n`,
      );
    }
    return 0;
  });
}
