import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import * as limits from '../../src/platform/limits.ts';
import { clockAt, header, platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';

const START_MS = 1_700_000_000_000;
const statusOf = (answer: RawAnswer) => Number(answer.status.split(' ')[1]);
const body = (answer: RawAnswer) => JSON.parse(answer.body.toString());

/** A token of this kind, and calls with it. */
async function tokenFor(platform: RunningTestPlatform, wanted: Record<string, unknown>) {
  const made = await platform.operate('POST', '/api/v1/tokens', JSON.stringify(wanted));
  assert.equal(statusOf(made), 201, made.body.toString());
  const { token } = body(made);
  const as = (method: string, path: string, sent: unknown = undefined) =>
    platform.call(
      method,
      path,
      [`Authorization: Bearer ${token}`],
      sent === undefined ? '' : JSON.stringify(sent),
    );
  return { token, as };
}

async function twoProducts(t: TestContext, options: Parameters<typeof platformFor>[1] = {}) {
  const platform = await platformFor(t, options);
  for (const product of ['P1', 'P2']) await platform.gateway(product, 'SN1');
  return platform;
}

test('a viewer reads, an operator changes, an admin makes tokens and products', async (t) => {
  const platform = await twoProducts(t);
  const cases: Array<[method: string, path: string, sent: unknown, viewer: number, operator: number]> = [
    ['GET', '/api/v1/gateways', undefined, 200, 200],
    ['GET', '/api/v1/overview', undefined, 200, 200],
    ['GET', '/metrics', undefined, 200, 200],
    ['PUT', '/api/v1/gateways/P1/SN1/dataports/a', { value: '1' }, 403, 200],
    ['PUT', '/api/v1/gateways/P1/SN1/tags', { tags: ['x'] }, 403, 200],
    ['PUT', '/api/v1/products/P1/groups/g', { members: ['SN1'] }, 403, 201],
    ['POST', '/api/v1/products', { id: 'P3' }, 403, 403],
    ['GET', '/api/v1/tokens', undefined, 403, 403],
    ['POST', '/api/v1/tokens', { name: 'x', role: 'viewer' }, 403, 403],
    ['GET', '/api/v1/audit', undefined, 403, 403],
    ['GET', '/provision/manage/model/', undefined, 200, 200],
    ['POST', '/provision/manage/model/P1/SN1', undefined, 403, 400],
    ['DELETE', '/provision/manage/model/P1', undefined, 403, 403],
  ];
  const viewer = await tokenFor(platform, { name: 'v', role: 'viewer' });
  const operator = await tokenFor(platform, { name: 'o', role: 'operator' });
  for (const [method, path, sent, asViewer, asOperator] of cases) {
    assert.equal(statusOf(await viewer.as(method, path, sent)), asViewer, `viewer: ${method} ${path}`);
    assert.equal(statusOf(await operator.as(method, path, sent)), asOperator, `operator: ${method} ${path}`);
  }
});

test('a token for one product neither sees nor changes another', async (t) => {
  const platform = await twoProducts(t);
  const { as } = await tokenFor(platform, { name: 'p1', role: 'admin', products: ['P1'] });
  const serials = body(await as('GET', '/api/v1/gateways')).gateways;
  assert.deepEqual(
    serials.map(({ product }: { product: string }) => product),
    ['P1'],
  );
  assert.deepEqual(
    body(await as('GET', '/api/v1/products')).products.map(({ id }: { id: string }) => id),
    ['P1'],
  );
  assert.equal(body(await as('GET', '/api/v1/overview')).gateways.total, 1);
  assert.equal((await as('GET', '/provision/manage/model/')).body.toString(), 'P1\r\n');
  for (const [method, path, sent] of [
    ['GET', '/api/v1/gateways/P2/SN1'],
    ['GET', '/api/v1/gateways?product=P2'],
    ['GET', '/api/v1/products/P2/content'],
    ['GET', '/api/v1/events?product=P2'],
    ['POST', '/api/v1/gateways', { product: 'P2', serial: 'x' }],
    ['DELETE', '/api/v1/products/P2'],
    ['GET', '/provision/manage/model/P2/'],
    ['GET', '/api/v1/tokens'],
    ['POST', '/api/v1/products', { id: 'P3' }],
  ] as const) {
    assert.equal(statusOf(await as(method, path, sent)), 403, `${method} ${path}`);
  }
  assert.equal(statusOf(await as('DELETE', '/api/v1/products/P1')), 204);
});

test('a token is dead when it expires or is revoked; the last one that can make tokens stays', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  const short = await tokenFor(platform, { name: 'short', role: 'viewer', expires: START_MS + 1000 });
  assert.equal(statusOf(await short.as('GET', '/api/v1/whoami')), 200);
  clock.set(START_MS + 1000);
  assert.equal(statusOf(await short.as('GET', '/api/v1/whoami')), 401);
  const revoked = await tokenFor(platform, { name: 'revoked', role: 'admin' });
  assert.equal(statusOf(await revoked.as('GET', '/api/v1/tokens')), 200);
  const { tokens } = body(await platform.operate('GET', '/api/v1/tokens'));
  const used = tokens.find(({ name }: { name: string }) => name === 'revoked');
  assert.equal(used.lastUsed, START_MS + 1000);
  assert.equal(JSON.stringify(tokens).includes(revoked.token), false);
  assert.equal(statusOf(await platform.operate('DELETE', '/api/v1/tokens/revoked')), 204);
  assert.equal(statusOf(await revoked.as('GET', '/api/v1/tokens')), 401);
  assert.equal(statusOf(await platform.operate('DELETE', '/api/v1/tokens/preset')), 409);
});

/** Logs in as a browser does, and makes calls with the cookie. */
async function browse(platform: RunningTestPlatform, token: string) {
  const own = ['X-Gwe-CSRF: 1', 'Origin: http://m2.exosite.com'];
  const answer = await platform.call('POST', '/api/v1/session', own, JSON.stringify({ token }));
  const cookie = header(answer, 'Set-Cookie') ?? '';
  const pair = `Cookie: other=1; ${cookie.split(';')[0]}`;
  const call = (method: string, path: string, headers: readonly string[] = own, sent = '') =>
    platform.call(method, path, [pair, ...headers], sent);
  return { answer, cookie, call };
}

test('a browser logs in once, and its cookie is of no use to a script or to another site', async (t) => {
  const platform = await twoProducts(t);
  const { token } = await tokenFor(platform, { name: 'o', role: 'operator' });
  const { answer, cookie, call } = await browse(platform, token);
  assert.equal(statusOf(answer), 200);
  assert.match(cookie, /^gwe_session=[0-9a-f]{40}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  assert.equal(body(await call('GET', '/api/v1/session', [])).name, 'o');
  const path = '/api/v1/gateways/P1/SN1/dataports/a';
  const write = (headers?: readonly string[]) => call('PUT', path, headers, '{"value":"1"}');
  assert.equal(statusOf(await write()), 200);
  assert.equal(statusOf(await write([])), 403, 'without the header');
  assert.equal(statusOf(await write(['X-Gwe-CSRF: 1', 'Origin: https://evil.example'])), 403);
  assert.equal(statusOf(await write(['X-Gwe-CSRF: 1', 'Origin: null'])), 403);
  assert.equal(statusOf(await call('DELETE', '/api/v1/session')), 204);
  assert.equal(statusOf(await call('GET', '/api/v1/session', [])), 401);
});

test('a session ends with its token, when nobody uses it, and when it is old', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  const { token } = await tokenFor(platform, { name: 'o', role: 'operator' });
  const ofToken = await browse(platform, token);
  const idle = await browse(platform, token);
  const old = await browse(platform, token);
  const isIn = async ({ call }: { call: typeof idle.call }) =>
    statusOf(await call('GET', '/api/v1/session', [])) === 200;
  for (let at = 0; at < limits.SESSION_MAX_AGE_MS; at += limits.SESSION_IDLE_MS) {
    clock.set(START_MS + at);
    assert.equal(await isIn(old), true);
  }
  assert.equal(await isIn(idle), false);
  clock.set(START_MS + limits.SESSION_MAX_AGE_MS + 1);
  assert.equal(await isIn(old), false);
  clock.set(START_MS);
  assert.equal(await isIn(ofToken), true);
  await platform.operate('DELETE', '/api/v1/tokens/o');
  assert.equal(await isIn(ofToken), false);
});

test('who guesses tokens is held off for a while; who has a good one goes on', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  const good = () => platform.operate('GET', '/api/v1/whoami');
  assert.equal(statusOf(await good()), 200);
  const guess = (n: number) => platform.call('GET', '/api/v1/whoami', [`X-Exosite-Token: guess-${n}`]);
  for (let n = 0; n < limits.LOGIN_FAILURES_PER_ADDRESS; n += 1) assert.equal(statusOf(await guess(n)), 401);
  const held = await guess(1000);
  assert.equal(held.status, 'HTTP/1.1 429 Too Many Requests');
  assert.ok(Number(header(held, 'Retry-After')) > 0);
  const login = await platform.call('POST', '/api/v1/session', ['X-Gwe-CSRF: 1'], '{"token":"guess"}');
  assert.equal(statusOf(login), 429);
  assert.equal(statusOf(await good()), 200);
  clock.set(START_MS + limits.LOGIN_WINDOW_MS);
  assert.equal(statusOf(await guess(1001)), 401);
});

test('one key cannot take the whole server: beyond its share it is told to wait', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock, requestsPerKey: 20 });
  const cik = await platform.gateway('P1', 'SN1');
  const other = await platform.gateway('P1', 'SN2');
  const read = (key: string) => platform.call('GET', '/onep:v1/stack/alias?a', [`X-Exosite-CIK: ${key}`]);
  for (let n = 0; n < 20; n += 1) assert.equal(statusOf(await read(cik)), 204);
  const held = await read(cik);
  assert.equal(held.status, 'HTTP/1.1 429 Too Many Requests');
  assert.equal(held.body.toString(), 'HTTP/1.1 429 Too Many Requests\r\n');
  assert.equal(statusOf(await read(other)), 204);
  clock.set(START_MS + limits.REQUEST_WINDOW_MS);
  assert.equal(statusOf(await read(cik)), 204);
});

test('neither keys nor tokens get into the log or the audit trail', async (t) => {
  const lines: string[] = [];
  const platform = await platformFor(t, { log: (line) => void lines.push(line) });
  const cik = await platform.gateway('P1', 'SN1');
  const { token, as } = await tokenFor(platform, { name: 'o', role: 'operator' });
  await as('PUT', `/api/v1/gateways/P1/SN1/dataports/a`, { value: `key ${cik} ${token}` });
  await as('PUT', `/api/v1/gateways/P1/SN1/dataports/${cik}`, { value: '' });
  await browse(platform, token);
  const audit = (await platform.operate('GET', '/api/v1/audit')).body.toString();
  for (const secret of [cik, token]) {
    assert.equal(audit.includes(secret), false);
    assert.equal(lines.join('').includes(secret), false);
  }
});

test('behind a proxy that is trusted the caller is the one that it names, and cookies are Secure', async (t) => {
  const platform = await platformFor(t, { proxies: ['127.0.0.1'] });
  const { token } = await tokenFor(platform, { name: 'o', role: 'admin' });
  const headers = ['X-Gwe-CSRF: 1', 'X-Forwarded-For: 1.2.3.4, 203.0.113.7', 'X-Forwarded-Proto: https'];
  const answer = await platform.call('POST', '/api/v1/session', headers, JSON.stringify({ token }));
  assert.match(header(answer, 'Set-Cookie') ?? '', /^__Host-gwe_session=.*; Secure$/);
  const { records } = body(await platform.operate('GET', '/api/v1/audit?who=o'));
  assert.equal(records[0].address, '203.0.113.7');
});
