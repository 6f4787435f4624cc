import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { clockAt, platformFor } from './raw.ts';

const START_MS = 1_700_000_000_000;

async function rpcFor(t: TestContext) {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  const cik = await platform.gateway('P1', 'SN1');
  await platform.operate('PUT', '/api/v1/products/P1/dataports/temp');
  const send = async (message: unknown, path = '/onep:v1/rpc/process') => {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const answer = await platform.call('POST', path, [], text);
    const sent = answer.body.toString();
    return { status: answer.status.slice(9), value: sent === '' ? undefined : JSON.parse(sent) };
  };
  const call = async (procedure: string, ...args: unknown[]) => {
    const message = { auth: { cik }, calls: [{ id: 7, procedure, arguments: args }] };
    const { value } = await send(message);
    assert.equal(value[0].id, 7);
    return value[0];
  };
  return { platform, clock, cik, send, call };
}

const temp = { alias: 'temp' };

test('a tool writes and reads by alias and by resource id, the newest point first', async (t) => {
  const { call, clock } = await rpcFor(t);
  assert.deepEqual(await call('write', temp, 1), { id: 7, status: 'ok' });
  clock.set(START_MS + 5000);
  assert.deepEqual(await call('write', temp, '2'), { id: 7, status: 'ok' });
  const { result: rid } = await call('lookup', 'alias', 'temp');
  assert.match(rid, /^[0-9a-f]{40}$/);
  assert.deepEqual((await call('read', rid, {})).result, [[1_700_000_005, '2']]);
  assert.deepEqual((await call('read', temp, { limit: 9, sort: 'asc' })).result, [
    [1_700_000_000, '1'],
    [1_700_000_005, '2'],
  ]);
  assert.deepEqual((await call('read', temp, { limit: 9, endtime: 1_700_000_001 })).result, [
    [1_700_000_000, '1'],
  ]);
  await call('record', temp, [[1_600_000_000, 'old']], {});
  assert.deepEqual((await call('read', temp, { limit: 1, sort: 'asc' })).result, [[1_600_000_000, 'old']]);
  assert.deepEqual((await call('listing', ['dataport', 'client'], {})).result, {
    dataport: [rid],
    client: [],
  });
});

test('info tells kind, name and aliases, and never the key', async (t) => {
  const { call, cik } = await rpcFor(t);
  await call('write', temp, 'x');
  const whole = (await call('info', { alias: '' }, {})).result;
  assert.equal(whole.basic.type, 'client');
  assert.deepEqual(Object.values(whole.aliases), [['temp']]);
  assert.equal(JSON.stringify(whole).includes(cik), false);
  const port = (await call('info', temp, { basic: true })).result;
  assert.deepEqual(port, { basic: { type: 'dataport', modified: 1_700_000_000, subscribers: 0 } });
});

test('what cannot be done is said in the words that tools look for', async (t) => {
  const { send, call, cik } = await rpcFor(t);
  assert.equal((await call('read', { alias: 'none' }, {})).status, 'invalid');
  assert.equal((await call('write', { alias: 'none' }, 1)).status, 'invalid');
  assert.equal((await call('drop', temp)).error.code, 501);
  const wrong = await send({ auth: { cik: 'x'.repeat(40) }, calls: [] });
  assert.deepEqual(wrong, {
    status: '401 Unauthorized',
    value: { error: { code: 401, message: 'Invalid', context: 'auth' } },
  });
  assert.equal((await send('no json')).value.error.code, -1);
  assert.equal((await send({ auth: { cik } })).value.error.code, 400);
  const silent = await send(
    { auth: { cik }, calls: [{ procedure: 'write', arguments: [{ alias: 'engine_fetch' }, 'a'] }] },
    '/api:v1/rpc/process',
  );
  assert.deepEqual(silent, { status: '204 No Content', value: undefined });
  assert.equal((await call('read', { alias: 'engine_fetch' }, {})).result[0][1], 'a');
});
