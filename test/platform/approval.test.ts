import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { platformFor, type RunningTestPlatform } from './raw.ts';

const R = '/api/v1/rollouts';
const NAME = 'hello.v2.tar.gz';

/** An operator of that name, as a function that makes calls and gives status and JSON. */
async function operatorOf(platform: RunningTestPlatform, name: string) {
  const made = await platform.operate('POST', '/api/v1/tokens', JSON.stringify({ name, role: 'operator' }));
  const { token } = JSON.parse(made.body.toString());
  return async (method: string, path: string, sent?: unknown) => {
    const body = sent === undefined ? '' : JSON.stringify(sent);
    const answer = await platform.call(method, path, [`Authorization: Bearer ${token}`], body);
    return { status: Number(answer.status.split(' ')[1]), json: JSON.parse(answer.body.toString()) };
  };
}

test('where that is demanded, nobody is told before another operator approves a rollout, also after a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-approval-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = await platformFor(t, { folder, approval: ['P1'] });
  const keys = new Map<string, string>();
  for (const product of ['P1', 'P2']) {
    keys.set(product, await first.gateway(product, 'SN1'));
    await first.operate('PUT', `/api/v1/products/${product}/content/${NAME}?force=true`, 'no tarball');
  }
  const ann = await operatorOf(first, 'ann');
  const bob = await operatorOf(first, 'bob');
  const fetched = async (platform: RunningTestPlatform, product: string) => {
    const key = [`X-Exosite-CIK: ${keys.get(product)}`];
    const report = 'engine_report={"apps":[],"update_interval":60}';
    return (await platform.call('POST', '/onep:v1/stack/alias?engine_fetch', key, report)).body.toString();
  };
  for (const product of keys.keys()) await fetched(first, product);
  const made = await ann('POST', R, { product: 'P1', names: [NAME] });
  assert.deepEqual([made.status, made.json.state], [201, 'proposed']);
  assert.equal(made.json.why, 'It waits for approval by another operator than ann.');
  assert.equal((await ann('POST', R, { product: 'P2', names: [NAME] })).json.state, 'running');
  assert.equal(await fetched(first, 'P1'), '');
  const why = await bob('GET', '/api/v1/gateways/P1/SN1/why');
  assert.match(why.json.causes[0].text, /was not told yet\. The rollout was not approved yet\.$/);
  assert.match(why.json.causes[0].todo, /gwe rollout approve 1/);
  const own = await ann('POST', `${R}/1/approve`);
  assert.deepEqual([own.status, own.json.error.message], [403, 'Cannot approve rollout 1: ann made it']);
  assert.equal((await bob('POST', `${R}/1/resume`)).status, 409, 'nothing goes past the approval');
  await first.close();

  const platform = await platformFor(t, { folder });
  assert.equal(await fetched(platform, 'P1'), '', 'it waits on, also where approval is demanded no more');
  const approved = await platform.operate('POST', `${R}/1/approve`);
  assert.equal(JSON.parse(approved.body.toString()).state, 'running');
  assert.match(await fetched(platform, 'P1'), /^engine_fetch=.*hello\.v2/);
  const again = await platform.operate('POST', `${R}/1/approve`);
  assert.match(again.status, / 409 /);
});

test('a rollout that is not wanted is aborted in place of approved, and tells nobody', async (t) => {
  const platform = await platformFor(t, { approval: ['all'] });
  await platform.gateway('P1', 'SN1');
  await platform.operate('PUT', `/api/v1/products/P1/content/${NAME}?force=true`, 'no tarball');
  const bob = await operatorOf(platform, 'bob');
  await platform.operate('POST', R, JSON.stringify({ product: 'P1', names: [NAME] }));
  const { json } = await bob('POST', `${R}/1/abort`);
  assert.deepEqual([json.state, json.why, json.counts.cancelled], ['aborted', 'Aborted by bob.', 1]);
  assert.equal((await bob('POST', `${R}/1/approve`)).status, 409);
});
