/** The JSON API on groups: gateways of one product that are listed, that fit a filter, or both. */
import { GweError } from '../errors.ts';
import { productsAsked } from './access.ts';
import { type Answer, empty, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { Group, GroupChange } from './fleet-store.ts';
import { noProduct } from './json-api.ts';
import { jsonBody, optionalTextIn, textsIn } from './json-body.ts';
import { criteriaIn, criteriaJson } from './json-filter.ts';
import { GROUPS_MAX, SERIALS_MAX, TAG_MAX_CHARACTERS } from './limits.ts';
import { isProductName } from './names.ts';
import { fieldOf } from './request.ts';

const nameOf = ({ params }: OperatorCall) => ({
  product: params['product'] ?? '',
  name: params['group'] ?? '',
});

/** `GET /api/v1/groups?product=`. */
export async function listGroups(call: OperatorCall): Promise<Answer> {
  const { platform, request } = call;
  const products = productsAsked(call, fieldOf(request.pairs(), 'product'));
  await platform.fleet.settle();
  const groups = await platform.store.groups(products, platform.clock.now());
  return json(200, { groups: groups.map(groupJson) });
}

/** `GET /api/v1/products/P/groups/NAME`. */
export async function getGroup(call: OperatorCall): Promise<Answer> {
  return json(200, await detail(call));
}

/** `PUT …/groups/NAME` with `{"meta"?,"filter"?,"members"?,"add"?,"remove"?}`; what is left out stays. */
export async function putGroup(call: OperatorCall): Promise<Answer> {
  const { store, clock, events } = call.platform;
  const { product, name } = nameOf(call);
  if (!isProductName(name) || name.length > TAG_MAX_CHARACTERS) {
    throw new GweError('malformed', `Cannot make group ${JSON.stringify(name)}: no usable name`);
  }
  const change = changeIn(await jsonBody(call.request));
  const isNew = (await store.groupMembers(product, name)) === undefined;
  if (isNew && (await store.countGroups(product)) >= GROUPS_MAX) {
    throw new GweError('too-large', `Cannot make group ${name}: ${product} has ${GROUPS_MAX} already`);
  }
  const end = await store.putGroup(product, name, change, clock.now());
  if (end.end === 'unknown') throw unknownMembers(product, end.serials);
  events.publish('group', { product, name });
  return json(end.end === 'made' ? 201 : 200, await detail(call));
}

/** `DELETE …/groups/NAME`. */
export async function removeGroup(call: OperatorCall): Promise<Answer> {
  const { product, name } = nameOf(call);
  if (!(await call.platform.store.removeGroup(product, name))) throw noGroup(product, name);
  call.platform.events.publish('group', { product, name });
  return empty(204);
}

/** The error for a group that isn't there. */
export function noGroup(product: string, name: string): GweError {
  return new GweError('not-found', `Cannot find group ${name}: product ${product} has none of that name`);
}

function unknownMembers(product: string, serials: readonly string[]): GweError {
  if (serials.length === 0) return noProduct(product);
  const more = serials.length > 10 ? `, and ${serials.length - 10} more` : '';
  return new GweError(
    'not-found',
    `Cannot put ${serials.slice(0, 10).join(', ')}${more} into the group: product ${product} has none of that serial`,
  );
}

function changeIn(body: Readonly<Record<string, unknown>>): GroupChange {
  const meta = optionalTextIn(body, 'meta');
  const lists = {
    members: textsIn(body, 'members'),
    add: textsIn(body, 'add'),
    remove: textsIn(body, 'remove'),
  };
  if (Object.values(lists).some((list) => (list?.length ?? 0) > SERIALS_MAX)) {
    throw new GweError('too-large', `Cannot change the group: more than ${SERIALS_MAX} serials in one call`);
  }
  const criteria = body['filter'] === undefined ? undefined : criteriaIn(body['filter']);
  return {
    ...(meta === undefined ? {} : { meta }),
    ...(criteria === undefined ? {} : { criteria }),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined)),
  };
}

async function detail(call: OperatorCall) {
  await call.platform.fleet.settle();
  const { store, clock } = call.platform;
  const { product, name } = nameOf(call);
  const group = await store.group(product, name, clock.now());
  if (group === undefined) throw noGroup(product, name);
  return { ...groupJson(group), members: (await store.groupMembers(product, name)) ?? [] };
}

function groupJson({ product, name, meta, created_ms, gateways, criteria }: Group) {
  return {
    product,
    name,
    meta,
    created: created_ms,
    gateways,
    ...(criteria === undefined ? {} : { filter: criteriaJson(criteria) }),
  };
}
