/** The operator's provisioning calls on groups of a model: list, create, info, delete, members. A member is a serial number. */
import { decodeForm, encodeCsvRow } from '../client/wire.ts';
import { type Answer, csvList, csvRow, empty, statusLine } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { GroupChange } from './fleet-store.ts';
import { SERIALS_MAX } from './limits.ts';
import { isProductName } from './names.ts';
import { fieldOf, fieldsOf } from './request.ts';

const nameOf = ({ params }: OperatorCall) => ({
  product: params['model'] ?? '',
  group: params['group'] ?? '',
});

/** `GET …/group/M/`: `id,meta` of each. */
export async function listGroups({ platform, params }: OperatorCall): Promise<Answer> {
  const product = params['model'] ?? '';
  if ((await platform.store.product(product)) === undefined) return statusLine(404);
  const groups = await platform.store.groups([product], platform.clock.now());
  return csvList(groups.map(({ name, meta }) => encodeCsvRow([name, meta])));
}

/** `POST …/group/M/` with `id=&meta=`; with `delete=true` it deletes. */
export async function createGroup(call: OperatorCall): Promise<Answer> {
  const { product } = nameOf(call);
  const pairs = await call.request.form();
  const group = fieldOf(pairs, 'id') ?? '';
  if (fieldOf(pairs, 'delete') === 'true') return remove(call, product, group);
  if (!isProductName(group)) return statusLine(400);
  const { store, clock } = call.platform;
  if ((await store.groupMembers(product, group)) !== undefined) return statusLine(409);
  const end = await store.putGroup(product, group, { meta: fieldOf(pairs, 'meta') ?? '' }, clock.now());
  return end.end === 'unknown' ? statusLine(404) : changed(call, product, group);
}

/** Tells whoever listens, as the JSON API does. */
function changed({ platform }: OperatorCall, product: string, name: string): Answer {
  platform.events.publish('group', { product, name });
  return empty(205);
}

/** `GET …/group/M/G`: `meta,count`. */
export async function groupInfo(call: OperatorCall): Promise<Answer> {
  const { product, group } = nameOf(call);
  const found = await call.platform.store.group(product, group, call.platform.clock.now());
  return found === undefined ? statusLine(404) : csvRow(encodeCsvRow([found.meta, String(found.gateways)]));
}

/** `POST …/group/M/G` with `meta=`; with `delete=true` it deletes. */
export async function changeGroup(call: OperatorCall): Promise<Answer> {
  const { product, group } = nameOf(call);
  const pairs = await call.request.form();
  if (fieldOf(pairs, 'delete') === 'true') return remove(call, product, group);
  const meta = fieldOf(pairs, 'meta');
  return change(call, meta === undefined ? {} : { meta });
}

/** `DELETE …/group/M/G`. */
export async function removeGroup(call: OperatorCall): Promise<Answer> {
  await call.request.text();
  const { product, group } = nameOf(call);
  return remove(call, product, group);
}

/** `GET …/group/M/G/`: `type,id,expire,meta` of each member that is listed; members do not expire here. */
export async function listMembers(call: OperatorCall): Promise<Answer> {
  const { product, group } = nameOf(call);
  const serials = await call.platform.store.groupMembers(product, group);
  if (serials === undefined) return statusLine(404);
  return csvList(serials.map((serial) => encodeCsvRow(['sn', serial, '', ''])));
}

/** `POST …/group/M/G/` with `sn=` or `sn[]=`: adds members; with `delete=true` or `remove=true` it takes them out. */
export async function changeMembers(call: OperatorCall): Promise<Answer> {
  const pairs = await call.request.form();
  const serials = fieldsOf(pairs, 'sn');
  const isRemoval = ['delete', 'remove'].some((name) => fieldOf(pairs, name) === 'true');
  return changeListed(call, serials, isRemoval);
}

/** `DELETE …/group/M/G/` with `sn=` as a form. */
export async function removeMembers(call: OperatorCall): Promise<Answer> {
  return changeListed(call, fieldsOf(decodeForm((await call.request.text()).trim()), 'sn'), true);
}

async function changeListed(call: OperatorCall, serials: string[], isRemoval: boolean): Promise<Answer> {
  if (serials.length === 0) return statusLine(400);
  if (serials.length > SERIALS_MAX) return statusLine(413);
  return change(call, isRemoval ? { remove: serials } : { add: serials });
}

async function change(call: OperatorCall, wanted: GroupChange): Promise<Answer> {
  const { product, group } = nameOf(call);
  const { store, clock } = call.platform;
  if ((await store.groupMembers(product, group)) === undefined) return statusLine(404);
  const end = await store.putGroup(product, group, wanted, clock.now());
  return end.end === 'unknown' ? statusLine(404) : changed(call, product, group);
}

async function remove(call: OperatorCall, product: string, group: string): Promise<Answer> {
  const isThere = await call.platform.store.removeGroup(product, group);
  return isThere ? changed(call, product, group) : statusLine(404);
}
