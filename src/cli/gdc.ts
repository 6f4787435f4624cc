/** The commands of `gdc`: one call of the device client each. */
import { serialOf } from '../config/identity.ts';
import { GweError } from '../errors.ts';
import { macAddress } from '../host/network.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { areaOf, withClient } from './device-client.ts';
import { saveStream } from './download.ts';
import { readInput } from './input.ts';

/** Longest wait for a write, which is also the longest that the platform allows. */
const WAIT_MAX_S = 300;

/** `gdc write CIK ALIAS VALUE`; VALUE `-` takes all of standard input, as it is. */
export function runWrite(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', alias = '', value = ''] = args.operands;
  return withClient(context, args, async ({ client }) => {
    await client.write(cik, { [alias]: value === '-' ? await readInput(context) : value });
    return 0;
  });
}

/** `gdc read CIK ALIAS`: the value alone, with a newline if it does not end in one. */
export function runRead(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', alias = ''] = args.operands;
  return withClient(context, args, async ({ client }) => {
    printValue(context, (await client.read(cik, [alias]))[alias] ?? '');
    return 0;
  });
}

function printValue(context: CommandContext, value: string): void {
  context.out(value.endsWith('\n') ? value : `${value}\n`);
}

/** `gdc record CIK ALIAS TIME=VALUE…` */
export function runRecord(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', alias = '', ...points] = args.operands;
  const parsed = points.map(parsePoint);
  return withClient(context, args, async ({ client }) => {
    await client.record(cik, { [alias]: parsed });
    return 0;
  });
}

function parsePoint(word: string): readonly [number, string] {
  const [, time, value] = word.match(/^(\d{1,12})=([\s\S]*)$/) ?? [];
  if (time !== undefined && value !== undefined) return [Number(time), value];
  throw new GweError(
    'usage',
    `Cannot record "${word.slice(0, 80)}": expected TIME=VALUE, TIME in seconds since 1970`,
    {
      hint: 'For instance: gdc record CIK temperature 1700000000=21.5',
    },
  );
}

/** `gdc wait CIK ALIAS`: the value that is written next. */
export function runWait(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', alias = ''] = args.operands;
  const timeout_ms = (args.integer('timeout') ?? WAIT_MAX_S) * 1000;
  return withClient(context, args, async ({ client }) => {
    const written = await client.longPoll(cik, alias, { timeout_ms, signal: context.signal });
    if (written === undefined) return 1;
    printValue(context, written.value);
    return 0;
  });
}

/** `gdc activate [SERIAL]`: prints the key. */
export function runActivate(context: CommandContext, args: CommandArgs): Promise<number> {
  return withClient(context, args, async ({ client, gateway }) => {
    const serial = args.operands[0] ?? serialOf(gateway, macAddress);
    context.out(`${await client.activate({ ...areaOf(gateway, args), serial })}\n`);
    return 0;
  });
}

/** `gdc listc CIK`: names in the Content Area, one a line. */
export function runList(context: CommandContext, args: CommandArgs): Promise<number> {
  return withClient(context, args, async ({ client, gateway }) => {
    const names = await client.listContent(args.operands[0] ?? '', areaOf(gateway, args));
    context.out(names.map((name) => `${name}\n`).join(''));
    return 0;
  });
}

/** `gdc info CIK NAME`: what the Content Area says of it. */
export function runInfo(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', id = ''] = args.operands;
  return withClient(context, args, async ({ client, gateway }) => {
    const info = await client.contentInfo(cik, { ...areaOf(gateway, args), id });
    if (info === undefined) throw notThere(id);
    const updated = new Date(info.updated_s * 1000).toISOString();
    context.out(
      args.has('json')
        ? `${JSON.stringify({ type: info.type, size: info.size_bytes, updated, meta: info.meta })}\n`
        : `type: ${info.type}\nsize: ${info.size_bytes}\nupdated: ${updated}\nmeta: ${info.meta}\n`,
    );
    return 0;
  });
}

function notThere(id: string): GweError {
  return new GweError('not-found', `Cannot find ${id}: the Content Area has nothing of that name`, {
    hint: 'What it has: gdc listc CIK',
  });
}

/** `gdc download CIK NAME [FILE]` */
export function runDownload(context: CommandContext, args: CommandArgs): Promise<number> {
  const [cik = '', id = '', file = id] = args.operands;
  if (args.operands[2] === undefined && (id.includes('/') || id === '' || id.startsWith('.'))) {
    throw new GweError('usage', `Cannot save "${id}" under its own name: it is no file name`, {
      hint: 'Say where it goes: gdc download CIK NAME FILE',
    });
  }
  return withClient(context, args, async ({ client, gateway }) => {
    const where = { ...areaOf(gateway, args), id };
    const { body, total_bytes } = await client.download(cik, where, { from_byte: 0, signal: context.signal });
    await saveStream(context, body, file, total_bytes);
    return 0;
  });
}

/** `gdc timestamp`: the platform's clock. */
export function runTimestamp(context: CommandContext, args: CommandArgs): Promise<number> {
  return withClient(context, args, async ({ client }) => {
    context.out(`${await client.timestamp()}\n`);
    return 0;
  });
}
