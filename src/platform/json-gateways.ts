/** The JSON API on gateways: list, add, enable, tag, remove. One gateway's own sheet is json-gateway.ts's business. */
import { GweError } from '../errors.ts';
import { productsAsked, requireProduct } from './access.ts';
import { type Answer, empty, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { FleetGateway, FleetSort } from './fleet-store.ts';
import { noProduct } from './json-api.ts';
import { jsonBody, number, oneOf, textIn, textsIn } from './json-body.ts';
import { filterIn } from './json-filter.ts';
import { noGroup } from './json-groups.ts';
import { ACTIVATION_WINDOW_MS, PAGE_MAX_ROWS, SERIALS_MAX, TAG_MAX_CHARACTERS, TAGS_MAX } from './limits.ts';
import { isName } from './names.ts';
import { fieldOf } from './request.ts';

const SORTS: readonly FleetSort[] = ['added', 'serial', 'lastSeen'];

/** Product and serial number of a path. */
export function gatewayRef({ params }: OperatorCall): { product: string; serial: string } {
  return { product: params['product'] ?? '', serial: params['serial'] ?? '' };
}

/** The error for a gateway that isn't there. */
export function noGateway({ product, serial }: { product: string; serial: string }): GweError {
  return new GweError(
    'not-found',
    `Cannot find gateway ${serial}: product ${product} has none of that serial`,
    {
      hint: 'List them with "gwe gateways", add one with "gwe gateway add SERIAL".',
    },
  );
}

/** `GET /api/v1/gateways` with filter, sort and page; `next` is there when more may follow. */
export async function listGateways(call: OperatorCall): Promise<Answer> {
  const { platform, request } = call;
  const pairs = request.pairs();
  const product = fieldOf(pairs, 'product') || undefined;
  const products = productsAsked(call, product);
  const filter = filterIn(pairs);
  const limit = Math.max(1, Math.min(number(fieldOf(pairs, 'limit'), PAGE_MAX_ROWS), PAGE_MAX_ROWS));
  const sort = fieldOf(pairs, 'sort') || 'added';
  const after = fieldOf(pairs, 'after') || undefined;
  await platform.fleet.settle();
  await requireGroup(call, product, filter.group);
  const { gateways, total, next } = await platform.store.fleet(
    {
      ...filter,
      ...(product === undefined ? {} : { product }),
      ...(products === undefined ? {} : { products }),
    },
    {
      limit,
      now_ms: platform.clock.now(),
      sort: oneOf(sort.replace(/^-/, ''), SORTS, 'sort'),
      descending: sort.startsWith('-'),
      ...(after === undefined ? {} : { after }),
    },
  );
  return json(200, {
    gateways: gateways.map(gatewayJson),
    total,
    ...(next === undefined ? {} : { next }),
  });
}

async function requireGroup(
  { platform }: OperatorCall,
  product: string | undefined,
  group: string | undefined,
): Promise<void> {
  if (group === undefined) return;
  if (product === undefined)
    throw new GweError('malformed', 'Cannot read the request: "group" needs "product"');
  if ((await platform.store.groupMembers(product, group)) === undefined) throw noGroup(product, group);
}

/** `POST /api/v1/gateways` with `{"product","serial"}`: it may be activated at once, and for as long as it takes. */
export async function addGateway(call: OperatorCall): Promise<Answer> {
  const body = await jsonBody(call.request);
  const product = textIn(body, 'product');
  const serial = textIn(body, 'serial');
  requireProduct(call, product);
  if (!isName(serial))
    throw new GweError('malformed', `Cannot add gateway ${JSON.stringify(serial)}: no usable name`);
  const { store, clock } = call.platform;
  const end = await store.addGateways(product, [{ serial, extra: '' }], 'enabled', clock.now());
  if (end === 'unknown') throw noProduct(product);
  if (end === 'exists')
    throw new GweError('conflict', `Cannot add gateway ${serial}: ${product} has it already`);
  return json(201, gatewayJson(await findGateway(call, { product, serial })));
}

/** `POST /api/v1/products/P/gateways` with `{"serials"}`: all of them are added, or none. */
export async function addGateways(call: OperatorCall): Promise<Answer> {
  const product = call.params['product'] ?? '';
  const serials = textsIn(await jsonBody(call.request), 'serials') ?? [];
  if (serials.length === 0 || !serials.every(isName))
    throw new GweError('malformed', 'Cannot add gateways: "serials" must be a list of usable names');
  if (serials.length > SERIALS_MAX)
    throw new GweError('too-large', `Cannot add gateways: more than ${SERIALS_MAX} at a time`);
  const { store, clock } = call.platform;
  const gateways = serials.map((serial) => ({ serial, extra: '' }));
  const end = await store.addGateways(product, gateways, 'enabled', clock.now());
  if (end === 'unknown') throw noProduct(product);
  if (end === 'exists')
    throw new GweError(
      'conflict',
      `Cannot add gateways: ${product} has one of them already, or one is named twice`,
    );
  return json(201, { added: serials.length });
}

/** `DELETE /api/v1/gateways/P/SN`. */
export async function removeGateway(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  if ((await call.platform.store.removeGateways(who.product, [who.serial])) === 0) throw noGateway(who);
  return empty(204);
}

/** `POST /api/v1/gateways/P/SN/enable`: its CIK is void, and it may be activated once, within a day. */
export async function enableGateway(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  const now_ms = call.platform.clock.now();
  await call.request.text();
  const entry = { time_ms: now_ms, connection: call.request.remote, entry: 'enabled again' };
  const done = await call.platform.store.setState(who, 'enabled', now_ms + ACTIVATION_WINDOW_MS, entry);
  if (!done) throw noGateway(who);
  return json(200, gatewayJson(await findGateway(call, who)));
}

/** `PUT /api/v1/gateways/P/SN/tags` with `{"tags"}` in the place of those it has, or with `{"add"?,"remove"?}`. */
export async function putTags(call: OperatorCall): Promise<Answer> {
  const body = await jsonBody(call.request);
  const [add, remove] = [textsIn(body, 'add') ?? [], textsIn(body, 'remove') ?? []];
  const before = textsIn(body, 'tags') ?? (await findGateway(call, gatewayRef(call))).tags;
  const tags = [...new Set([...before, ...add])].filter((tag) => !remove.includes(tag)).sort();
  const isTag = (tag: string) => isName(tag) && tag.length <= TAG_MAX_CHARACTERS;
  if (tags.length > TAGS_MAX || !tags.every(isTag)) {
    throw new GweError(
      'malformed',
      `Cannot tag ${gatewayRef(call).serial}: at most ${TAGS_MAX} tags, each of 1 to ${TAG_MAX_CHARACTERS} characters`,
    );
  }
  if (!(await call.platform.store.setTags(gatewayRef(call), tags))) throw noGateway(gatewayRef(call));
  return json(200, { tags });
}

/** A gateway as the fleet knows it, up to what it reported just now. Raises `not-found`. */
export async function findGateway(
  { platform }: OperatorCall,
  who: { product: string; serial: string },
): Promise<FleetGateway> {
  await platform.fleet.settle();
  const { gateways } = await platform.store.fleet(who, { limit: 1, now_ms: platform.clock.now() });
  const [gateway] = gateways;
  if (gateway === undefined) throw noGateway(who);
  return gateway;
}

/** A gateway as the API tells it. */
export function gatewayJson(gateway: FleetGateway) {
  const { product, serial, state, condition, created_ms, lastSeen_ms, interval_s, apps, tags } = gateway;
  return {
    product,
    serial,
    status: state === 'activated' ? 'activated' : 'notactivated',
    state: condition,
    created: created_ms,
    lastSeen: lastSeen_ms,
    apps,
    tags,
    ...(interval_s === undefined ? {} : { updateInterval: interval_s }),
  };
}
