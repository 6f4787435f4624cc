/** Two equal replicas over one PostgreSQL: what is done at one is there at the other, and reaches who waits there. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import {
  clockAt,
  header,
  platformFor,
  type RawAnswer,
  type RunningTestPlatform,
  request,
  TOKEN,
} from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { keepsTheContract, NOW_MS } from './store-contract.ts';
import { keepsTheFleetContract } from './store-contract-fleet.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

const openAt = (url: string): Promise<Store> =>
  openPostgresStore(
    url,
    clockAt(NOW_MS),
    createLog('CRITICAL', Date.now, () => {}),
  );

async function twoStores(t: TestContext): Promise<[Store, Store]> {
  const url = server.database();
  const [a, b] = await Promise.all([openAt(url), openAt(url)]);
  t.after(async () => {
    await a.close();
    await b.close();
  });
  return [a, b];
}

/** Calls go to one and the other in turn, but for those of the driver, who is at one of them. */
async function alternating(t: TestContext): Promise<Store> {
  const [a, b] = await twoStores(t);
  const driver = new Set<PropertyKey>(['lease', 'addRollout', 'saveRollout', 'tellMember', 'withdrawMember']);
  let calls = 0;
  return new Proxy(a, {
    get(_, name) {
      calls += driver.has(name) ? 0 : 1;
      return Reflect.get(calls % 2 === 0 || driver.has(name) ? a : b, name);
    },
  });
}

if (needs.skip === false) {
  keepsTheContract('two replicas in turn', alternating);
  keepsTheFleetContract('two replicas in turn', alternating);
}

async function twoPlatforms(t: TestContext) {
  const store = server.database();
  const a = await platformFor(t, { store });
  const b = await platformFor(t, { store });
  return { store, a, b, cik: await a.gateway('P', 'S') };
}

/** As somebody at the database would. */
async function sql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(text);
  await client.end();
}

const TELL = '/api/v1/gateways/P/S/dataports/engine_fetch';
const cikOf = (cik: string) => [`X-Exosite-CIK: ${cik}`];
const json = (answer: RawAnswer) => JSON.parse(answer.body.toString());
const poll = (platform: RunningTestPlatform, cik: string) => {
  const connection = platform.connect();
  connection.send(
    request('GET', '/onep:v1/stack/alias?engine_fetch', [...cikOf(cik), 'Request-Timeout: 60000']),
  );
  return connection;
};

test('a gateway that waits at one replica hears what an operator tells it at the other', needs, async (t) => {
  const { a, b, cik } = await twoPlatforms(t);
  for (const [round, [here, there]] of [[a, b] as const, [b, a] as const].entries()) {
    const waiting = poll(there, cik);
    await there.held(1);
    await here.operate('PUT', TELL, JSON.stringify({ value: `go${round}` }));
    assert.equal((await waiting.answer()).body.toString(), `engine_fetch=go${round}`);
  }
});

test(
  'who waits is found also when the replica had lost the connection by which it hears',
  needs,
  async (t) => {
    const { store, a, b, cik } = await twoPlatforms(t);
    const waiting = poll(b, cik);
    await b.held(1);
    await sql(
      store,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE '%hears%'`,
    );
    await a.operate('PUT', TELL, '{"value":"go"}');
    assert.equal((await waiting.answer()).body.toString(), 'engine_fetch=go');
  },
);

test('events of one replica come out of the other one too, each of them once', needs, async (t) => {
  const { a, b, cik } = await twoPlatforms(t);
  const listening = b.connect();
  listening.send(request('GET', '/api/v1/events', [`X-Exosite-Token: ${TOKEN}`]));
  await eventually('the stream begins', () => listening.rest().includes('retry:'));
  await a.call('POST', '/onep:v1/stack/alias', cikOf(cik), 'device_info=x');
  await a.operate('PUT', '/api/v1/products/P/groups/G', '{}');
  for (const type of ['dataport', 'group'])
    await eventually(`an event of a ${type}`, () => listening.rest().includes(`event: ${type}\n`));
  assert.equal(listening.rest().match(/event: dataport/g)?.length, 1);
});

test(
  'a token or a key that is taken away at one replica opens nothing at the other from that moment on',
  needs,
  async (t) => {
    const { a, b, cik } = await twoPlatforms(t);
    const { token } = json(await a.operate('POST', '/api/v1/tokens', '{"name":"n","role":"viewer"}'));
    const looks = (platform: RunningTestPlatform, headers: string[]) =>
      platform.call('GET', '/api/v1/whoami', headers);
    assert.match((await looks(b, [`Authorization: Bearer ${token}`])).status, / 200 /);
    const login = await b.call('POST', '/api/v1/session', ['X-Gwe-CSRF: 1'], JSON.stringify({ token }));
    const cookie = `Cookie: ${header(login, 'Set-Cookie')?.split(';')[0]}`;
    assert.match((await looks(a, [cookie])).status, / 200 /, 'logged in at one is logged in at the other');
    await a.operate('DELETE', '/api/v1/tokens/n');
    assert.match((await looks(b, [`Authorization: Bearer ${token}`])).status, / 401 /);
    assert.match((await looks(b, [cookie])).status, / 401 /);
    const write = () => b.call('POST', '/onep:v1/stack/alias', cikOf(cik), 'device_info=x');
    assert.match((await write()).status, / 204 /);
    await a.operate('POST', '/api/v1/gateways/P/S/enable');
    assert.match((await write()).status, / 401 /);
  },
);

test('a check-in is counted once, whichever replica took it and whichever is asked', needs, async (t) => {
  const { a, b, cik } = await twoPlatforms(t);
  const report = `engine_report=${encodeURIComponent('{"apps":[],"update_interval":60}')}`;
  for (const replica of [a, b, a, b, a])
    await replica.call('POST', '/onep:v1/stack/alias', cikOf(cik), report);
  for (const replica of [a, b]) await replica.operate('GET', '/api/v1/gateways');
  for (const replica of [a, b]) {
    const { hours } = json(await replica.operate('GET', '/api/v1/overview'));
    const counts = hours.map(({ checkIns }: { checkIns: number }) => checkIns);
    assert.equal(
      counts.reduce((sum: number, each: number) => sum + each, 0),
      5,
    );
  }
});
