import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPENAPI } from '../../src/platform/openapi.ts';
import { platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';
import { misfits } from './schema.ts';

const NAME = 'hello.v2.tar.gz';
const schemas: Record<string, Record<string, unknown>> = OPENAPI.components.schemas;
const json = (answer: RawAnswer) => JSON.parse(answer.body.toString());

/** A call whose answer must be 200 or 201 and fit its schema. */
async function asked(
  platform: RunningTestPlatform,
  schema: string,
  method: string,
  path: string,
  body?: unknown,
) {
  const answer = await platform.operate(
    method,
    `/api/v1${path}`,
    body === undefined ? '' : JSON.stringify(body),
  );
  assert.match(answer.status, / 20[01] /, `${method} ${path}: ${answer.body}`);
  assert.deepEqual(misfits(json(answer), schemas[schema] ?? {}, schemas), [], `${method} ${path}`);
  return json(answer);
}

/** Product P1 with its content, an activated gateway SN1 that just reported, and SN2 that was never activated. */
async function fleet(platform: RunningTestPlatform): Promise<void> {
  const cik = await platform.gateway('P1', 'SN1');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN2"}');
  await platform.operate('PUT', `/api/v1/products/P1/content/${NAME}?force=true`, 'bytes');
  const report = encodeURIComponent('{"apps":[],"update_interval":60}');
  await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], `engine_report=${report}`);
}

test('every answer on rollouts is as the document says, from making one to aborting it', async (t) => {
  const platform = await platformFor(t);
  await fleet(platform);
  const made = await asked(platform, 'Rollout', 'POST', '/rollouts', {
    product: 'P1',
    names: [NAME],
    name: 'first try',
    filter: { serialPrefix: 'SN' },
    stages: [{ count: 1 }, { percent: 50 }],
    cap: 3,
    window: { from: '00:00', to: '00:00', days: [0, 1, 2, 3, 4, 5, 6], timezone: 'Europe/Berlin' },
    failLimit_percent: 12.5,
    silentAfter_s: 30,
    offlineUntil: Date.now() + 86_400_000,
  });
  assert.deepEqual([made.total, made.stages.at(-1), made.createdBy], [2, { percent: 100 }, 'preset']);
  await asked(platform, 'Rollouts', 'GET', '/rollouts?product=P1&state=running&limit=1');
  await asked(platform, 'Rollout', 'GET', `/rollouts/${made.id}`);
  const { gateways } = await asked(platform, 'RolloutGateways', 'GET', `/rollouts/${made.id}/gateways`);
  const bySerial = Object.fromEntries(gateways.map((each: { serial: string }) => [each.serial, each]));
  assert.match(bySerial['SN2'].why, /never activated/, 'a gateway that cannot be told is named');
  const page = await asked(platform, 'RolloutGateways', 'GET', `/rollouts/${made.id}/gateways?limit=1`);
  const next = await asked(
    platform,
    'RolloutGateways',
    'GET',
    `/rollouts/${made.id}/gateways?limit=1&after=${page.next}`,
  );
  assert.notEqual(page.gateways[0].serial, next.gateways[0].serial);
  await asked(platform, 'Why', 'GET', '/gateways/P1/SN1/why');
  await asked(platform, 'GatewayDetail', 'GET', '/gateways/P1/SN1');
  await asked(platform, 'Rollout', 'POST', `/rollouts/${made.id}/pause`);
  await asked(platform, 'Rollout', 'POST', `/rollouts/${made.id}/resume`);
  await asked(platform, 'Rollout', 'POST', `/rollouts/${made.id}/abort`);
});

test('a command that a paused rollout took back is not told as taken by the gateway', async (t) => {
  const platform = await platformFor(t);
  await fleet(platform);
  const { id } = await asked(platform, 'Rollout', 'POST', '/rollouts', { product: 'P1', names: [NAME] });
  await asked(platform, 'Rollout', 'POST', `/rollouts/${id}/pause`);
  const { causes } = await asked(platform, 'Why', 'GET', '/gateways/P1/SN1/why');
  const codes = causes.map(({ code }: { code: string }) => code);
  assert.ok(!codes.includes('install') && codes.includes('rollout'), codes.join(' '));
});

test('what cannot be a rollout is refused, and says which field and what is expected', async (t) => {
  const platform = await platformFor(t);
  await fleet(platform);
  const good = { product: 'P1', names: [NAME] };
  const cases: Array<[Record<string, unknown>, number, RegExp]> = [
    [{ names: [NAME] }, 400, /"product"/],
    [{ product: 'P1' }, 400, /"names"/],
    [{ ...good, names: ['hello'] }, 400, /no tarball/],
    [{ ...good, names: ['other.v1.tar.gz'] }, 404, /Content Area/],
    [{ ...good, product: 'none' }, 404, /none/],
    [{ ...good, group: 'none' }, 404, /none/],
    [{ ...good, filter: { colour: 'red' } }, 400, /colour/],
    [{ ...good, stages: [] }, 400, /"stages"/],
    [{ ...good, stages: [{ percent: 0 }] }, 400, /percent/],
    [{ ...good, cap: 0 }, 400, /"cap"/],
    [{ ...good, failLimit_percent: 101 }, 400, /"failLimit_percent"/],
    [{ ...good, window: { from: '2:00', to: '05:00' } }, 400, /HH:MM/],
    [{ ...good, window: { from: '02:00', to: '05:00', timezone: 'Mars' } }, 400, /time zone/],
    [{ ...good, window: { from: '02:00', to: '05:00', days: [7] } }, 400, /"days"/],
    [{ ...good, offlineUntil: 5 }, 400, /past/],
    [{ ...good, dynamic: 'yes' }, 400, /"dynamic"/],
    [{ ...good, filter: { serialPrefix: 'none' } }, 409, /no gateway of P1/],
  ];
  for (const [body, status, message] of cases) {
    const answer = await platform.operate('POST', '/api/v1/rollouts', JSON.stringify(body));
    assert.equal(Number(answer.status.split(' ')[1]), status, JSON.stringify(body));
    assert.match(json(answer).error.message, message);
  }
  for (const id of ['7', 'x', '1e3']) {
    assert.match((await platform.operate('GET', `/api/v1/rollouts/${id}`)).status, / 404 /);
  }
});

test('a viewer may look but not act, and nobody sees rollouts of products that are not theirs', async (t) => {
  const platform = await platformFor(t);
  await fleet(platform);
  const { id } = await asked(platform, 'Rollout', 'POST', '/rollouts', { product: 'P1', names: [NAME] });
  const tokenOf = async (body: Record<string, unknown>) =>
    (await asked(platform, 'NewToken', 'POST', '/tokens', body)).token;
  const viewer = await tokenOf({ name: 'looker', role: 'viewer' });
  const stranger = await tokenOf({ name: 'stranger', role: 'operator', products: ['P2'] });
  const as = (token: string, method: string, path: string, body = '') =>
    platform.call(method, `/api/v1${path}`, [`Authorization: Bearer ${token}`], body);
  assert.match((await as(viewer, 'GET', `/rollouts/${id}`)).status, / 200 /);
  assert.match((await as(viewer, 'POST', `/rollouts/${id}/abort`)).status, / 403 /);
  assert.match((await as(stranger, 'GET', `/rollouts/${id}`)).status, / 404 /);
  assert.match((await as(stranger, 'POST', `/rollouts/${id}/pause`)).status, / 404 /);
  assert.deepEqual(json(await as(stranger, 'GET', '/rollouts')).rollouts, []);
  const made = await as(stranger, 'POST', '/rollouts', JSON.stringify({ product: 'P1', names: [NAME] }));
  assert.match(made.status, / 403 /);
  assert.equal((await asked(platform, 'Rollout', 'GET', `/rollouts/${id}`)).state, 'running');
});
