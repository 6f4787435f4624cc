/** The operator's provisioning calls on the vendor itself: its name, its tokens, and shares with other vendors, of which there are none. */
import { type Answer, csvList, empty, statusLine, text } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { TOKENS_MAX } from './limits.ts';
import { isProductName } from './names.ts';
import { fieldOf } from './request.ts';
import { digestOf, newSecret } from './tokens.ts';

/** `GET /provision/register`: the vendor's name. */
export async function vendorName({ platform }: OperatorCall): Promise<Answer> {
  return text(platform.vendor);
}

/** `POST /provision/register` with `vendor=`: 205 for the name that is served, 409 for any other; it is never given up. */
export async function registerVendor({ request, platform }: OperatorCall): Promise<Answer> {
  const pairs = await request.form();
  const isServed = fieldOf(pairs, 'vendor') === platform.vendor && fieldOf(pairs, 'delete') !== 'true';
  return isServed ? empty(205) : statusLine(409);
}

/** `GET …/share/M/`: vendors that a model is shared with. One platform is one vendor's. */
export async function listShares({ platform, params }: OperatorCall): Promise<Answer> {
  const product = await platform.store.product(params['model'] ?? '');
  return product === undefined ? statusLine(404) : empty(204);
}

/** `GET /provision/admin/auth/`: the ids of the tokens, one a line. */
export async function listVendorTokens({ platform }: OperatorCall): Promise<Answer> {
  return csvList((await platform.store.tokens()).map(({ name }) => name));
}

/** `POST /provision/admin/auth/` with `id=`: 200 and the token, the only time that it is told; with `delete=true` it is revoked. */
export async function changeVendorTokens(call: OperatorCall): Promise<Answer> {
  const pairs = await call.request.form();
  const name = fieldOf(pairs, 'id') ?? '';
  if (fieldOf(pairs, 'delete') === 'true') return revoke(call, name);
  const { store, clock } = call.platform;
  if (!isProductName(name)) return statusLine(400);
  if ((await store.countTokens()) >= TOKENS_MAX) return statusLine(413);
  const secret = newSecret();
  const token = { name, role: call.operator.role, hash: digestOf(secret), now_ms: clock.now() };
  return (await store.addToken(token)) === 'added' ? text(secret) : statusLine(409);
}

/** `DELETE /provision/admin/auth/ID`. */
export async function removeVendorToken(call: OperatorCall): Promise<Answer> {
  await call.request.text();
  return revoke(call, call.params['id'] ?? '');
}

async function revoke({ platform }: OperatorCall, name: string): Promise<Answer> {
  const end = await platform.store.removeToken(name, platform.clock.now());
  if (end === 'removed') return empty(205);
  return statusLine(end === 'unknown' ? 404 : 409);
}
