import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as limits from '../../src/platform/limits.ts';
import { createWindow } from '../../src/platform/throttle.ts';
import { clockAt, platformFor, type RunningTestPlatform } from './raw.ts';

const START_MS = 1_700_000_000_000;

interface Noted {
  who: string;
  role: string;
  action: string;
  status: number;
  address: string;
  details: string;
}

/** The newest records of refusals, the newest first. */
async function refusedOf(platform: RunningTestPlatform): Promise<Noted[]> {
  const answer = await platform.operate('GET', '/api/v1/audit?limit=1000');
  const { records }: { records: Noted[] } = JSON.parse(answer.body.toString());
  return records.filter(({ status }) => status === 401 || status === 403);
}

test('who tries a wrong token, or what a token may not, is in the audit trail; who shows none is not', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const made = await platform.operate('POST', '/api/v1/tokens', '{"name":"look","role":"viewer"}');
  const { token } = JSON.parse(made.body.toString());
  const viewer = [`Authorization: Bearer ${token}`];
  await platform.call('GET', '/api/v1/gateways');
  await platform.call('GET', '/api/v1/gateways', ['Cookie: gwe_session=of-yesterday']);
  await platform.call('GET', '/onep:v1/stack/alias?a', [`X-Exosite-CIK: ${'0'.repeat(40)}`]);
  assert.deepEqual(await refusedOf(platform), [], 'nothing was attempted');
  const guess = 'deadbeef'.repeat(5);
  await platform.call('GET', `/api/v1/gateways/P1/${guess}`, [`Authorization: Bearer ${guess}`]);
  await platform.call('POST', '/api/v1/session', ['X-Gwe-CSRF: 1'], `{"token":"${guess}"}`);
  await platform.call('POST', '/provision/manage/model/P1/', [`X-Exosite-Token: ${token}`], 'sn=SN9');
  await platform.call('DELETE', '/api/v1/gateways/P1/SN1', viewer);
  const noted = (await refusedOf(platform)).map(({ who, role, action, status }) => [
    who,
    role,
    action,
    status,
  ]);
  assert.deepEqual(noted, [
    ['look', 'viewer', 'DELETE /api/v1/gateways/P1/SN1', 403],
    ['look', 'viewer', 'POST /provision/manage/model/P1/', 403],
    ['?', '', 'log in', 401],
    ['?', '', 'GET /api/v1/gateways/P1/dead…', 401],
  ]);
});

test('nobody fills the disk with refused attempts: a few get a record, the others are counted', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock, proxies: ['127.0.0.1'] });
  const guess = (address: string) =>
    platform.call('GET', '/api/v1/whoami', ['X-Exosite-Token: guess', `X-Forwarded-For: ${address}`]);
  for (let n = 0; n < limits.REFUSALS_PER_ADDRESS + 3; n += 1) await guess('192.0.2.1');
  assert.equal((await refusedOf(platform)).length, limits.REFUSALS_PER_ADDRESS);
  await guess('192.0.2.2');
  const [newest] = await refusedOf(platform);
  assert.equal(newest?.address, '192.0.2.2');
  assert.match(newest?.details ?? '', /\(3 more attempts before this one were refused without a record\)$/);
  for (let n = 0; n < limits.REFUSALS_IN_ALL; n += 1) await guess(`198.51.100.${n}`);
  const inAll = (await refusedOf(platform)).length;
  assert.ok(inAll <= limits.REFUSALS_IN_ALL, `${inAll} records`);
  clock.set(START_MS + limits.REFUSALS_WINDOW_MS);
  await guess('192.0.2.1');
  assert.equal((await refusedOf(platform)).length, inAll + 1, 'the next hour is noted again');
});

test('what is counted takes bounded room, however many names somebody makes up', () => {
  const window = createWindow(() => 0, 1_000, 2);
  assert.deepEqual(
    ['a', 'b', 'c', 'a', 'c'].map((name) => window.add(name)),
    [1, 1, 1, 2, 1],
  );
  assert.deepEqual([window.count('c'), window.total()], [0, 5]);
});
