import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPENAPI } from '../../src/platform/openapi.ts';
import { OPERATIONS } from '../../src/platform/openapi-operations.ts';
import { ROUTES } from '../../src/platform/routes.ts';
import { platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';
import { misfits } from './schema.ts';

const isDocumented = (pattern: string) => /^\/(api\/v1\/|metrics|healthz|readyz)/.test(pattern);
const asDocumented = (pattern: string) => pattern.replace('*}', '}');
const schemas: Record<string, Record<string, unknown>> = OPENAPI.components.schemas;

test('every call that is answered is documented with who may make it, and every one documented is answered', () => {
  const answered = ROUTES.filter(({ pattern }) => isDocumented(pattern)).map(
    ({ method, pattern, by }) => `${method} ${asDocumented(pattern)} ${by}`,
  );
  const documented = OPERATIONS.map(({ method, path, by }) => `${method} ${path} ${by}`);
  assert.deepEqual(answered.toSorted(), documented.toSorted());
});

test('the document leads nowhere that is not in it, and names every part of its paths', () => {
  const text = JSON.stringify(OPENAPI);
  for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(Object.hasOwn(schemas, name), `${name} is missing`);
  }
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, 'operation ids are unique');
  assert.equal(ids.length, OPERATIONS.length);
});

/** The documented schema of an answer. */
function schemaOf(method: string, path: string, status: number): Record<string, unknown> | undefined {
  const row = OPERATIONS.find((each) => {
    const pattern = each.path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+');
    return each.method === method && new RegExp(`^${pattern}$`).test(path);
  });
  assert.ok(row, `${method} ${path} is not documented`);
  const name = row.answers[status] ?? 'Error';
  return name === '' ? undefined : schemas[name];
}

/** Makes calls and holds each answer against the document. */
function checked(platform: RunningTestPlatform) {
  return async (method: string, target: string, body?: unknown, status = 200) => {
    const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const answer: RawAnswer = await platform.operate(method, target, sent);
    const text = answer.body.toString();
    assert.equal(Number(answer.status.split(' ')[1]), status, `${method} ${target}: ${text}`);
    const schema = schemaOf(method, target.replace(/\?.*/, ''), status);
    if (schema === undefined) return undefined;
    const value: unknown = JSON.parse(text);
    assert.deepEqual(misfits(value, schema, schemas), [], `${method} ${target}`);
    return JSON.parse(text);
  };
}

test('real answers are as the document says, refusals too', async (t) => {
  const platform = await platformFor(t);
  const call = checked(platform);
  const G = '/api/v1/gateways/P1/SN1';
  const C = '/api/v1/products/P1/content';
  await call('POST', '/api/v1/products', { id: 'P1' }, 201);
  await call('POST', '/api/v1/products', { id: 'P1' }, 409);
  await call('GET', '/api/v1/products');
  await call('POST', '/api/v1/gateways', { product: 'P1', serial: 'SN1' }, 201);
  const many = '/api/v1/products/P1/gateways';
  assert.deepEqual(await call('POST', many, { serials: ['B1', 'B2'] }, 201), { added: 2 });
  await call('POST', many, { serials: ['B3', 'B1'] }, 409);
  await call('GET', '/api/v1/gateways/P1/B3', undefined, 404);
  await call('POST', many, { serials: [] }, 400);
  for (const serial of ['B1', 'B2']) await call('DELETE', `/api/v1/gateways/P1/${serial}`, undefined, 204);
  await call('GET', G);
  const cik = (
    await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=P1&sn=SN1')
  ).body.toString();
  const device = [`X-Exosite-CIK: ${cik}`];
  const engine = '{"apps":[{"gwe":{"version":"1.0"}},{"hello":{"version":"2"}}],"update_interval":60}';
  const form = new URLSearchParams({ engine_report: engine, device_info: '{}', usage_report: '{}' });
  await platform.call('POST', '/onep:v1/stack/alias', device, form.toString());
  await platform.call('POST', '/onep:v1/stack/alias', device, 'fetch_status=hello.v2.tar.gz: failed: no');
  await call('PUT', `${G}/tags`, { tags: ['lab', 'north'] });
  await call('PUT', `${G}/tags`, { tags: [''] }, 400);
  await call('PUT', `${C}/hello.v2.tar.gz?force=true`, 'no tarball', 201);
  await call('PUT', `${C}/hello.v3.tar.gz`, 'no tarball', 422);
  await call('PUT', `${C}/notes.txt`, 'text', 201);
  await call('GET', C);
  await call('GET', '/api/v1/products/P1/content-details/hello.v2.tar.gz');
  await call('GET', '/api/v1/products/P1/content-details/none', undefined, 404);
  await call('POST', `${G}/install`, { names: ['hello.v2.tar.gz'] });
  await call('PUT', `${G}/dataports/update_interval`, { value: '600' });
  await call('GET', `${G}/pending`);
  const sheet = await call('GET', G);
  assert.deepEqual(
    sheet.waitsFor.map(({ code }: { code: string }) => code),
    ['check-in', 'interval', 'failed'],
  );
  await call('GET', `${G}/activations`);
  await call('GET', `${G}/dataports`);
  await call('GET', `${G}/dataports/engine_report?points=5`);
  await call('PUT', '/api/v1/products/P1/dataports/temp');
  await call(
    'PUT',
    '/api/v1/products/P1/groups/north',
    { filter: { tags: ['north'] }, members: ['SN1'] },
    201,
  );
  await call('PUT', '/api/v1/products/P1/groups/north', { meta: 'x' });
  await call('PUT', '/api/v1/products/P1/groups/north', { add: ['nobody'] }, 404);
  await call('GET', '/api/v1/groups');
  await call('GET', '/api/v1/products/P1/groups/north');
  await call('GET', '/api/v1/gateways?product=P1&group=north&tag=lab&application=hello@2&state=on-time');
  await call('GET', '/api/v1/overview?product=P1');
  await call('GET', '/api/v1/whoami');
  await call('POST', '/api/v1/tokens', { name: 'ci', role: 'viewer', products: ['P1'], expires: 4e12 }, 201);
  await call('GET', '/api/v1/tokens');
  await call('DELETE', '/api/v1/tokens/ci', undefined, 204);
  await call('GET', '/api/v1/audit');
  await call('GET', '/api/v1/openapi.json');
  await call('DELETE', '/api/v1/products/P1/groups/north', undefined, 204);
  await call('POST', `${G}/enable`);
  await call('DELETE', `${C}/notes.txt`, undefined, 204);
  await call('DELETE', G, undefined, 204);
  await call('DELETE', '/api/v1/products/P1', undefined, 204);
});

test('the document is served to whoever asks', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.call('GET', '/api/v1/openapi.json');
  assert.deepEqual(JSON.parse(answer.body.toString()), JSON.parse(JSON.stringify(OPENAPI)));
});
