/** `gwe group …`: groups of gateways of one product, listed by serial, by what they have in common, or both. */
import { GweError } from '../errors.ts';
import { fields, list, number, optionalList, text } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { criteriaOf } from './gateway-filter.ts';
import { query } from './operator.ts';
import { productOf, type Session, withPlatform } from './session.ts';
import { harmless, table } from './words.ts';

interface Group {
  product: string;
  name: string;
  meta: string;
  gateways: number;
  filter: Readonly<Record<string, unknown>> | undefined;
  members: string[];
}

function readGroup(answer: unknown): Group {
  const of = fields(answer, 'group');
  return {
    product: text(of, 'product'),
    name: text(of, 'name'),
    meta: text(of, 'meta'),
    gateways: number(of, 'gateways'),
    filter: of['filter'] === undefined ? undefined : fields(of['filter'], 'filter'),
    members: optionalList(of, 'members', String) ?? [],
  };
}

const groupPath = (product: string, name: string) =>
  `/api/v1/products/${encodeURIComponent(product)}/groups/${encodeURIComponent(name)}`;

/** `gwe group list [--product P] [--json]`. */
export function listGroups(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator, product }) => {
    const answer = await operator.call({ method: 'GET', path: `/api/v1/groups${query({ product })}` });
    const groups = list(fields(answer, 'answer'), 'groups', readGroup);
    if (args.has('json'))
      context.out(`${JSON.stringify(fields(answer, 'answer')['groups'], undefined, 2)}\n`);
    else if (groups.length === 0) context.err('no groups yet; next: gwe group create GROUP SERIAL…\n');
    else context.out(groupTable(groups));
    return 0;
  });
}

function groupTable(groups: readonly Group[]): string {
  const rows = groups.map(({ name, product, gateways, filter, meta }) => [
    harmless(name),
    harmless(product),
    String(gateways),
    harmless(filterInWords(filter)),
    harmless(meta).replace(/\s*\n\s*/g, ' '),
  ]);
  return table([['GROUP', 'PRODUCT', 'GATEWAYS', 'FILTER', 'NOTE'], ...rows]);
}

/** A filter as the flags that make it. */
function filterInWords(filter: Group['filter']): string {
  const flags = Object.entries({
    serialContains: 'serial',
    serialPrefix: 'serial-prefix',
    tags: 'tag',
    application: 'app',
    states: 'state',
    seenAfter: 'seen-after',
    seenBefore: 'seen-before',
  });
  return flags
    .flatMap(([key, flag]) => [filter?.[key] ?? []].flat().map((value) => `--${flag} ${String(value)}`))
    .join(' ');
}

/** `gwe group show GROUP [--product P] [--json]`. */
export function showGroup(context: CommandContext, args: CommandArgs): Promise<number> {
  return withGroup(context, args, async ({ operator }, path) => {
    const answer = await operator.call({ method: 'GET', path });
    const { name, product, gateways, filter, meta, members } = readGroup(answer);
    if (args.has('json')) {
      context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
      return 0;
    }
    const rows = [
      ['group', `${name} of ${product}`],
      ['gateways', String(gateways)],
      ...(meta === '' ? [] : [['note', meta.replace(/\s*\n\s*/g, ' ')]]),
      ...(filter === undefined ? [] : [['filter', filterInWords(filter)]]),
      ...(members.length === 0 ? [] : [['listed', members.join(' ')]]),
    ];
    context.out(table(rows.map(([word = '', value = '']) => [word, harmless(value)])));
    return 0;
  });
}

/** `gwe group create GROUP [SERIAL…] [--note TEXT] [filters]`. Raises `conflict` for one that is there. */
export function createGroup(context: CommandContext, args: CommandArgs): Promise<number> {
  const [name = '', ...members] = args.operands;
  const filter = criteriaOf(args);
  const meta = args.text('note');
  return withGroup(context, args, async ({ operator }, path, product) => {
    const there = list(
      fields(await operator.call({ method: 'GET', path: `/api/v1/groups${query({ product })}` }), 'answer'),
      'groups',
      readGroup,
    );
    if (there.some((each) => each.name === name)) {
      throw new GweError('conflict', `Cannot create group ${name}: ${product} has it already`, {
        hint: `Change it: gwe group join ${name} SERIAL…, gwe group set ${name} --tag TAG`,
      });
    }
    const json = {
      members,
      ...(meta === undefined ? {} : { meta }),
      ...(filter === undefined ? {} : { filter }),
    };
    const group = readGroup(await operator.call({ method: 'PUT', path, json }));
    context.out(`group ${name} of ${product} has ${count(group.gateways)}\n`);
    return 0;
  });
}

/** `gwe group set GROUP [--note TEXT] [filters | --no-filter]`: in the place of the filter that it has. */
export function setGroup(context: CommandContext, args: CommandArgs): Promise<number> {
  const filter = args.has('no-filter') ? {} : criteriaOf(args);
  const meta = args.text('note');
  if (filter === undefined && meta === undefined) {
    throw new GweError(
      'usage',
      'Cannot change the group: expected a filter such as --tag TAG, --no-filter or --note TEXT',
    );
  }
  return change(context, args, {
    ...(meta === undefined ? {} : { meta }),
    ...(filter === undefined ? {} : { filter }),
  });
}

/** `gwe group join GROUP SERIAL…`, `gwe group leave GROUP SERIAL…`: those that are listed. */
export function changeMembers(key: 'add' | 'remove') {
  return (context: CommandContext, args: CommandArgs): Promise<number> =>
    change(context, args, { [key]: args.operands.slice(1) });
}

function change(context: CommandContext, args: CommandArgs, json: Record<string, unknown>): Promise<number> {
  return withGroup(context, args, async ({ operator }, path, product) => {
    // A change of one that isn't there would make it.
    await operator.call({ method: 'GET', path });
    const group = readGroup(await operator.call({ method: 'PUT', path, json }));
    context.out(`group ${group.name} of ${product} has ${count(group.gateways)}\n`);
    return 0;
  });
}

/** `gwe group rm GROUP`: its gateways stay. */
export function removeGroup(context: CommandContext, args: CommandArgs): Promise<number> {
  return withGroup(context, args, async ({ operator }, path) => {
    await operator.call({ method: 'DELETE', path });
    context.out(`group ${args.operands[0] ?? ''} removed\n`);
    return 0;
  });
}

function withGroup(
  context: CommandContext,
  args: CommandArgs,
  work: (session: Session, path: string, product: string) => Promise<number>,
): Promise<number> {
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    return work(session, groupPath(product, args.operands[0] ?? ''), product);
  });
}

function count(gateways: number): string {
  return gateways === 1 ? '1 gateway' : `${gateways} gateways`;
}
