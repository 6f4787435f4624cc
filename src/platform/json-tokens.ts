/** The JSON API on operators' tokens: list, make, revoke. A token's secret is told once, by the call that makes it. */
import { GweError } from '../errors.ts';
import { reaches } from './access.ts';
import { type Answer, empty, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { KeptToken, Role, Token } from './fleet-store.ts';
import { jsonBody, oneOf, textIn, textsIn, timeIn } from './json-body.ts';
import { TOKENS_MAX } from './limits.ts';
import { isProductName } from './names.ts';
import { digestOf, newSecret } from './tokens.ts';

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/** `GET /api/v1/tokens`. */
export async function listTokens({ platform, operator }: OperatorCall): Promise<Answer> {
  await platform.store.tokensUsed(platform.access.takeUsed());
  const tokens = await platform.store.tokens();
  return json(200, { tokens: tokens.map((token) => tokenJson(token, operator)) });
}

function tokenJson(token: KeptToken, operator: Token) {
  const { name, role, created_ms, used_ms } = token;
  const own = name === operator.name ? { own: true } : {};
  return { name, role, created: created_ms, lastUsed: used_ms, ...own, ...boundsJson(token) };
}

function boundsJson({ products, expires_ms }: Token) {
  return {
    ...(products === undefined ? {} : { products }),
    ...(expires_ms === undefined ? {} : { expires: expires_ms }),
  };
}

/** `POST /api/v1/tokens` with `{"name","role","products"?,"expires"?}`. Nobody makes a token that may more than their own. */
export async function createToken(call: OperatorCall): Promise<Answer> {
  const { store, clock } = call.platform;
  const token = tokenIn(await jsonBody(call.request), clock.now());
  if (!reaches(call.operator.role, token.role)) {
    throw new GweError('forbidden', `Cannot make a token with the role ${token.role}: yours may less`);
  }
  if ((await store.countTokens()) >= TOKENS_MAX) {
    throw new GweError('too-large', `Cannot make token ${token.name}: there are ${TOKENS_MAX} already`);
  }
  const secret = newSecret();
  const end = await store.addToken({ ...token, hash: digestOf(secret), now_ms: clock.now() });
  if (end === 'exists') {
    throw new GweError('conflict', `Cannot make token ${token.name}: there is one of that name`, {
      hint: `Revoke it first (gwe token rm ${token.name}), or choose another name.`,
    });
  }
  const { name, role } = token;
  return json(201, { name, role, token: secret, ...boundsJson(token) });
}

function tokenIn(body: Readonly<Record<string, unknown>>, now_ms: number): Token {
  const name = textIn(body, 'name');
  if (!isProductName(name)) {
    throw new GweError('malformed', `Cannot make token ${JSON.stringify(name)}: no usable name`);
  }
  const role = oneOf(textIn(body, 'role'), ROLES, '"role"');
  const products = textsIn(body, 'products');
  const expires_ms = timeIn(body, 'expires');
  if (expires_ms !== undefined && expires_ms <= now_ms) {
    throw new GweError('malformed', `Cannot make token ${name}: it would have expired already`);
  }
  return {
    name,
    role,
    ...(products === undefined ? {} : { products }),
    ...(expires_ms === undefined ? {} : { expires_ms }),
  };
}

/** `DELETE /api/v1/tokens/NAME`: it and its sessions are dead at once. The last one that can make tokens stays. */
export async function removeToken({ platform, params }: OperatorCall): Promise<Answer> {
  const { name = '' } = params;
  const end = await platform.store.removeToken(name, platform.clock.now());
  if (end === 'removed') return empty(204);
  if (end === 'unknown') throw new GweError('not-found', `Cannot revoke ${name}: there is no such token`);
  throw new GweError('conflict', `Cannot revoke ${name}: nobody could make tokens any more`, {
    hint: 'Make another admin first: gwe token create NAME --role admin',
  });
}
