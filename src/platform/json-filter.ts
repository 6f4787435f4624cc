/** Filters of gateways as the JSON API has them: in a query, in a group, in a rollout. Pure. */
import type { FormPair } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import { CONDITIONS } from './fleet-condition.ts';
import type { FleetFilter, GatewayCriteria } from './fleet-store.ts';
import { oneOf, optionalNumber, optionalTextIn, textsIn, timeIn } from './json-body.ts';
import { fieldOf, fieldsOf } from './request.ts';

/** Words of one kind in a filter: each makes the query longer. */
const WORDS_MAX = 20;

/** The filter of a query; its product is for the caller to check. Raises `malformed`. */
export function filterIn(pairs: readonly FormPair[]): FleetFilter {
  const text = (name: string) => fieldOf(pairs, name) || undefined;
  const status = text('status');
  return known({
    ...known({
      serialPrefix: text('serialPrefix'),
      serialContains: text('serialContains'),
      tags: some(fieldsOf(pairs, 'tag')),
      application: applicationIn(text('application')),
      conditions: conditionsIn(fieldsOf(pairs, 'state').flatMap((each) => each.split(','))),
      seenAfter_ms: optionalNumber(text('seenAfter')),
      seenBefore_ms: optionalNumber(text('seenBefore')),
    }),
    serial: text('serial'),
    group: text('group'),
    activated:
      status === undefined
        ? undefined
        : oneOf(status, ['activated', 'notactivated'], 'status') === 'activated',
  });
}

/** The `filter` of a body. Raises `malformed`. */
export function criteriaIn(value: unknown): GatewayCriteria {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('it is no object');
  const body: Record<string, unknown> = { ...value };
  const strange = Object.keys(body).find((key) => !KEYS.includes(key));
  if (strange !== undefined) throw malformed(`"${strange}" is not known`);
  return known({
    serialPrefix: optionalTextIn(body, 'serialPrefix'),
    serialContains: optionalTextIn(body, 'serialContains'),
    tags: some(textsIn(body, 'tags') ?? []),
    application: applicationIn(optionalTextIn(body, 'application')),
    conditions: conditionsIn(textsIn(body, 'states') ?? []),
    seenAfter_ms: timeIn(body, 'seenAfter'),
    seenBefore_ms: timeIn(body, 'seenBefore'),
  });
}

const KEYS = ['serialPrefix', 'serialContains', 'tags', 'application', 'states', 'seenAfter', 'seenBefore'];

/** A filter as the JSON API tells it. */
export function criteriaJson(criteria: GatewayCriteria) {
  const { serialPrefix, serialContains, tags, application, conditions, seenAfter_ms, seenBefore_ms } =
    criteria;
  const { name, version } = application ?? {};
  return known({
    serialPrefix,
    serialContains,
    tags,
    application: version === undefined ? name : `${name}@${version}`,
    states: conditions,
    seenAfter: seenAfter_ms,
    seenBefore: seenBefore_ms,
  });
}

/** `NAME` or `NAME@VERSION`; a name has no @. */
function applicationIn(text: string | undefined): GatewayCriteria['application'] {
  if (text === undefined || text === '') return undefined;
  const at = text.indexOf('@');
  return at < 0 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) };
}

function conditionsIn(words: readonly string[]): GatewayCriteria['conditions'] {
  return some(words.filter((word) => word !== '').map((word) => oneOf(word, CONDITIONS, 'state')));
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  if (list.length > WORDS_MAX) throw malformed(`more than ${WORDS_MAX} of a kind`);
  return list.length === 0 ? undefined : list;
}

function malformed(why: string): GweError {
  return new GweError('malformed', `Cannot read the filter: ${why}`);
}

/** An object without what is undefined. */
export function known<T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> };
export function known(of: object): object {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
}
