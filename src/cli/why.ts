/** `gwe why`: the causes, for a person or as JSON. Those of another gateway, `gwe why SERIAL`: why-serial.ts. */
import type { Cause } from './cause-table.ts';
import { causes, time } from './causes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { readGatewayState } from './gateway-state.ts';
import { harmless } from './words.ts';
import { wrap } from './wrap.ts';

/** The command itself: 0 when nothing holds this gateway up, else 1. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const [serial] = args.operands;
  if (serial !== undefined) return (await import('./why-serial.ts')).whySerial(context, args, serial);
  const state = readGatewayState(context.places, context.clock);
  const found = causes(state);
  context.out(args.has('json') ? `${whyJson(state.now_ms, found)}\n` : whyText(found));
  return found.some(({ blocks }) => blocks) ? 1 : 0;
}

/** For programs. Times are milliseconds since 1970. */
export function whyJson(now_ms: number, found: readonly Cause[]): string {
  const next_ms = nextOf(found);
  return JSON.stringify({
    time_ms: now_ms,
    ok: !found.some(({ blocks }) => blocks),
    ...(next_ms === undefined ? {} : { next_ms }),
    causes: found,
  });
}

/** For people: one paragraph a cause, and when something happens next. */
export function whyText(found: readonly Cause[]): string {
  const paragraphs = found.map(({ code, subject, what, todo }) => {
    const heading = subject === undefined ? code : `${code}: ${harmless(subject)}`;
    return `${heading}\n${wrap(harmless(what).replaceAll('\n', ' '), 4)}${wrap(`→ ${todo}`, 4)}`;
  });
  const held = found.filter(({ blocks }) => blocks).length;
  const head = held === 0 ? 'Nothing holds this gateway up.\n' : '';
  const next_ms = nextOf(found);
  const tail = next_ms === undefined ? '' : `Next attempt: ${time(next_ms)}\n`;
  return [head, ...paragraphs, tail].filter((part) => part !== '').join('\n');
}

function nextOf(found: readonly Cause[]): number | undefined {
  const times = found.flatMap(({ next_ms }) => next_ms ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
