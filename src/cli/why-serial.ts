/** `gwe why SERIAL`: what the platform knows to stand between a gateway and what it was told; the words are the platform's own. */
import { fields, list, number, text } from './answers.ts';
import { time } from './causes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { gatewayOf, withPlatform } from './session.ts';
import { harmless } from './words.ts';
import { wrap } from './wrap.ts';

/** One reason, as the platform tells it. */
export interface FleetCause {
  code: string;
  text: string;
  todo: string;
  since_ms: number;
  /** When it is expected to change. */
  expected_ms?: number;
}

/** Only worth knowing: nobody has to do anything, and it goes on by itself. */
const WAITS_ONLY = ['check-in', 'install', 'interval'];

/** 0 when nothing stands in the way, else 1. */
export function whySerial(context: CommandContext, args: CommandArgs, serial: string): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const { product } = await gatewayOf(session, serial);
    const path = `/api/v1/gateways/${encodeURIComponent(product)}/${encodeURIComponent(serial)}/why`;
    const answer = await session.operator.call({ method: 'GET', path });
    const causes = list(fields(answer, 'answer'), 'causes', readFleetCause);
    context.out(
      args.has('json') ? `${JSON.stringify(answer, undefined, 2)}\n` : whySerialText(serial, causes),
    );
    return causes.length > 0 ? 1 : 0;
  });
}

export function readFleetCause(answer: unknown): FleetCause {
  const of = fields(answer, 'cause');
  const expected_ms = number(of, 'expected');
  return {
    code: text(of, 'code'),
    text: text(of, 'text'),
    todo: text(of, 'todo'),
    since_ms: number(of, 'since'),
    ...(expected_ms === 0 ? {} : { expected_ms }),
  };
}

/** For people: one paragraph a cause. Pure. */
export function whySerialText(serial: string, causes: readonly FleetCause[]): string {
  if (causes.length === 0) return `Nothing stands in the way of ${harmless(serial)}.\n`;
  const paragraphs = causes.map((cause) => {
    const expected =
      cause.expected_ms === undefined ? '' : wrap(`Expected to change: ${time(cause.expected_ms)}`, 4);
    const todo = WAITS_ONLY.includes(cause.code) ? '' : wrap(`→ ${harmless(cause.todo)}`, 4);
    return `${cause.code}\n${wrap(harmless(cause.text).replaceAll('\n', ' '), 4)}${todo}${expected}`;
  });
  return paragraphs.join('\n');
}
