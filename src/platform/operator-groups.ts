/** The operator's provisioning calls on groups of a model: list, create, info, delete, members. A member is a serial number. */
import { decodeCsvRow, decodeForm, encodeCsvRow, type FormPair } from '../client/wire.ts';
import { type Answer, csvList, csvRow, empty, statusLine } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { GroupChange } from './fleet-store.ts';
import { SERIALS_MAX } from './limits.ts';
import { isProductName } from './names.ts';
import { isCsv, pageOf } from './operator-serials.ts';
import { fieldOf, fieldsOf } from './request.ts';

const nameOf = ({ params }: OperatorCall) => ({
  product: params['model'] ?? '',
  group: params['group'] ?? '',
});

/** `GET …/group/M/?offset=&limit=`: `id,meta` of each. */
export async function listGroups({ request, platform, params }: OperatorCall): Promise<Answer> {
  const product = params['model'] ?? '';
  if ((await platform.store.product(product)) === undefined) return statusLine(404);
  const groups = await platform.store.groups([product], platform.clock.now());
  const { offset, limit } = pageOf(request.pairs());
  const page = groups.slice(offset, offset + limit);
  return csvList(page.map(({ name, meta }) => encodeCsvRow([name, meta])));
}

/** `POST …/group/M/` with `id=&meta=` (an older text says `description`); with `delete=true` it deletes. */
export async function createGroup(call: OperatorCall): Promise<Answer> {
  const { product } = nameOf(call);
  const pairs = await call.request.form();
  const group = fieldOf(pairs, 'id') ?? '';
  if (fieldOf(pairs, 'delete') === 'true') return remove(call, product, group);
  if (!isProductName(group)) return statusLine(400);
  const { store, clock } = call.platform;
  if ((await store.groupMembers(product, group)) !== undefined) return statusLine(409);
  const end = await store.putGroup(product, group, { meta: metaOf(pairs) ?? '' }, clock.now());
  return end.end === 'unknown' ? statusLine(404) : changed(call, product, group);
}

function metaOf(pairs: readonly FormPair[]): string | undefined {
  return fieldOf(pairs, 'meta') ?? fieldOf(pairs, 'description');
}

/** Tells whoever listens, as the JSON API does. */
function changed({ platform }: OperatorCall, product: string, name: string): Answer {
  platform.events.publish('group', { product, name });
  return empty(205);
}

/** `GET …/group/M/G`: `meta,count`; `?show=groups`: groups are in no groups. */
export async function groupInfo(call: OperatorCall): Promise<Answer> {
  const { product, group } = nameOf(call);
  const isAboutGroups = fieldOf(call.request.pairs(), 'show') === 'groups';
  const found = await call.platform.store.group(product, group, call.platform.clock.now());
  if (found !== undefined && isAboutGroups) return empty(204);
  return found === undefined ? statusLine(404) : csvRow(encodeCsvRow([found.meta, String(found.gateways)]));
}

/** `POST …/group/M/G` with `meta=`; with `delete=true` it deletes. */
export async function changeGroup(call: OperatorCall): Promise<Answer> {
  const { product, group } = nameOf(call);
  const pairs = await call.request.form();
  if (fieldOf(pairs, 'delete') === 'true') return remove(call, product, group);
  const meta = metaOf(pairs);
  return change(call, meta === undefined ? {} : { meta });
}

/** `DELETE …/group/M/G`. */
export async function removeGroup(call: OperatorCall): Promise<Answer> {
  await call.request.text();
  const { product, group } = nameOf(call);
  return remove(call, product, group);
}

/** `GET …/group/M/G/` with `offset=&limit=`, `type=`, `id=`: `type,id,expire,meta` of each member that is listed; members do not expire here. */
export async function listMembers({ request, platform, params }: OperatorCall): Promise<Answer> {
  const serials = await platform.store.groupMembers(params['model'] ?? '', params['group'] ?? '');
  if (serials === undefined) return statusLine(404);
  const pairs = request.pairs();
  const { offset, limit } = pageOf(pairs);
  const id = fieldOf(pairs, 'id');
  if (!isSerialType(fieldOf(pairs, 'type'))) return csvList([]);
  const meant = serials.filter((serial) => id === undefined || serial === id);
  return csvList(
    meant.slice(offset, offset + limit).map((serial) => encodeCsvRow([MEMBER_TYPE, serial, '', ''])),
  );
}

/**
 * `POST …/group/M/G/` with `type=sn&id=` or `id[]=`, with `sn=` or `sn[]=`, or as csv `type,id,expire,meta`: adds members; with
 * `delete=true` or `remove=true` it takes them out.
 */
export async function changeMembers(call: OperatorCall): Promise<Answer> {
  if (isCsv(call)) return changeListed(call, serialsIn(await call.request.text()), false);
  const pairs = await call.request.form();
  const isRemoval = ['delete', 'remove'].some((name) => fieldOf(pairs, name) === 'true');
  return changeListed(call, serialsOf(pairs), isRemoval);
}

/** `DELETE …/group/M/G/` with the members as a form, or as csv `type,id`. */
export async function removeMembers(call: OperatorCall): Promise<Answer> {
  const text = await call.request.text();
  return changeListed(call, isCsv(call) ? serialsIn(text) : serialsOf(decodeForm(text.trim())), true);
}

/** What a member is called that is a serial number; others there are none of. */
const MEMBER_TYPE = 'sn';

function isSerialType(type: string | undefined): boolean {
  return type === undefined || type === '' || type === MEMBER_TYPE;
}

/** The serial numbers of a form; none when it means members of another type. */
function serialsOf(pairs: readonly FormPair[]): string[] {
  return isSerialType(fieldOf(pairs, 'type')) ? [...fieldsOf(pairs, 'sn'), ...fieldsOf(pairs, 'id')] : [];
}

/** The serial numbers of csv; none when any row means a member of another type. */
function serialsIn(csv: string): string[] {
  const rows = csv
    .split(/\r?\n|\r/)
    .filter((line) => line.trim() !== '')
    .map((line) => decodeCsvRow(line).map((field) => field.trim()));
  return rows.every(([type]) => isSerialType(type)) ? rows.map(([, serial = '']) => serial) : [];
}

async function changeListed(call: OperatorCall, serials: string[], isRemoval: boolean): Promise<Answer> {
  if (serials.length === 0 || serials.includes('')) return statusLine(400);
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
