/** Which gateways are meant, from the flags of fleet-options.ts. Pure; raises `usage` for a time that is none. */
import type { CommandArgs } from './command-row.ts';
import { sinceIn } from './durations.ts';
import type { Query } from './operator.ts';

/** The flags as a query of `GET /api/v1/gateways`. */
export function queryOf(args: CommandArgs, now_ms: number): Query {
  const time = (flag: string) => {
    const written = args.text(flag);
    return written === undefined ? undefined : sinceIn(written, `--${flag}`, now_ms);
  };
  return {
    serialContains: args.text('serial'),
    serialPrefix: args.text('serial-prefix'),
    group: args.text('group'),
    tag: args.all('tag'),
    application: args.text('app'),
    state: args.all('state'),
    status: args.text('status'),
    seenAfter: time('seen-after'),
    seenBefore: time('seen-before'),
    sort: sortOf(args),
    limit: args.integer('limit'),
    after: args.text('after'),
  };
}

function sortOf(args: CommandArgs): string | undefined {
  const order = args.text('sort');
  if (order === undefined && !args.has('reverse')) return undefined;
  return `${args.has('reverse') ? '-' : ''}${order === 'last-seen' ? 'lastSeen' : (order ?? 'added')}`;
}

/** The flags as the `filter` of a group or a rollout; `undefined` when none was given. */
export function criteriaOf(args: CommandArgs): Record<string, unknown> | undefined {
  const some = (list: readonly string[]) => (list.length === 0 ? undefined : list);
  const filter = Object.entries({
    serialContains: args.text('serial'),
    serialPrefix: args.text('serial-prefix'),
    tags: some(args.all('tag')),
    application: args.text('app'),
    states: some(args.all('state')),
  }).filter(([, value]) => value !== undefined);
  return filter.length === 0 ? undefined : Object.fromEntries(filter);
}
