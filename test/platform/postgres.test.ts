/** The store on a real PostgreSQL: the contract, a platform over it, and what happens when the server dies. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { clockAt, platformFor } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { keepsTheContract, NOW_MS, storeWithGateway, writing } from './store-contract.ts';
import { keepsTheFleetContract } from './store-contract-fleet.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres();
});
after(() => server?.stop());

const openAt = (url: string): Promise<Store> =>
  openPostgresStore(
    url,
    clockAt(NOW_MS),
    createLog('CRITICAL', Date.now, () => {}),
  );
const who = { product: 'P', serial: 'S' };

async function open(t: TestContext): Promise<Store> {
  const store = await openAt(server.database());
  t.after(() => store.close());
  return store;
}

if (needs.skip === false) {
  keepsTheContract('PostgreSQL', open);
  keepsTheFleetContract('PostgreSQL', open);
}

test('history goes by whole days when it is too old, and what stays keeps its texts', needs, async (t) => {
  const url = server.database();
  const store = await storeWithGateway(t, () => openAt(url));
  const day_ms = 86_400_000;
  for (const days of [0, 1, 1]) await store.exchange(writing('a', 'same', NOW_MS + days * day_ms));
  await store.close();
  const log = createLog('CRITICAL');
  const later = await openPostgresStore(url, clockAt(NOW_MS + 91 * day_ms), log);
  const points = (await later.points(who, 'a', { limit: 10 })) ?? [];
  assert.deepEqual(
    points.map(({ value }) => value),
    ['same', 'same'],
  );
  await later.close();
  const shorter = await openPostgresStore(url, clockAt(NOW_MS + 4 * day_ms), log, undefined, 2 * day_ms);
  assert.deepEqual(await shorter.points(who, 'a', { limit: 10 }), []);
  const [port] = (await shorter.dataports(who)) ?? [];
  assert.equal(port?.value, 'same', 'the newest value stays');
  await shorter.close();
});

test('a gateway checks in, an operator waits and is told, and a restart loses nothing', needs, async (t) => {
  const store = server.database();
  const one = await platformFor(t, { store });
  const cik = await one.gateway('P', 'S');
  const port = '/api/v1/gateways/P/S/dataports/device_info';
  const text = 'with\0zero and 😀';
  const form = `device_info=${encodeURIComponent(text)}`;
  const wrote = await one.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], form);
  assert.match(wrote.status, / 204 /);
  await one.close();
  const two = await platformFor(t, { store });
  const read = await two.operate('GET', port);
  assert.equal(JSON.parse(read.body.toString()).value, text);
});

test(
  'kill -9 of PostgreSQL under writes: 503 with Retry-After while it is away, and nothing acknowledged is missing',
  needs,
  async (t) => {
    const platform = await platformFor(t, { store: server.database(), requestsPerKey: 1_000_000 });
    const cik = await platform.gateway('P', 'S');
    const acknowledged: string[] = [];
    const refused: string[] = [];
    let isOver = false;
    const write = async (writer: number) => {
      for (let n = 0; !isOver; n += 1) {
        const value = `${writer}-${n}`;
        const headers = [`X-Exosite-CIK: ${cik}`];
        const answer = await platform.call('POST', '/onep:v1/stack/alias', headers, `device_info=${value}`);
        if (/ 204 /.test(answer.status)) {
          acknowledged.push(value);
          continue;
        }
        refused.push([answer.status, ...answer.headers].join('\n'));
        await new Promise((again) => setTimeout(again, 50));
      }
    };
    const writers = [0, 1, 2, 3].map(write);
    await eventually('some check-ins', () => acknowledged.length >= 40);
    await server.kill();
    await eventually('a refusal', () => refused.length >= 4);
    const ready = await platform.call('GET', '/readyz', []);
    assert.match(ready.status, / 503 /);
    await server.start();
    const known = acknowledged.length;
    await eventually('check-ins go on', () => acknowledged.length > known + 4);
    isOver = true;
    await Promise.all(writers);
    for (const answer of refused) assert.match(answer, / 503 [\s\S]*Retry-After: \d/i);
    const path = '/api/v1/gateways/P/S/dataports/device_info?points=200';
    const { points } = JSON.parse((await platform.operate('GET', path)).body.toString());
    const kept = new Set(points.map(({ value }: { value: string }) => value));
    const newest = acknowledged.slice(-100);
    assert.deepEqual(
      newest.filter((value) => !kept.has(value)),
      [],
    );
  },
);

/** Resolves when somebody waits for a lock, as `client` sees it. */
async function callsWait(client: pg.Client): Promise<void> {
  await eventually('the calls to wait', async () => {
    // Within a transaction PostgreSQL would say again what it said first.
    await client.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await client.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
}

test(
  'calls that waited for another replica to let go of their gateways find them, by key and by name',
  needs,
  async (t) => {
    const url = server.database();
    const store = await storeWithGateway(t, () => openAt(url));
    t.after(() => store.close());
    const serials = Array.from({ length: 2000 }, (_, n) => ({ serial: `more-${n}`, extra: '' }));
    await store.addGateways('P', serials, 'enabled', NOW_MS);
    const keyOf = (n: number) => ({ key: `key-${n}` });
    for (let n = 0; n < 20; n += 1) {
      const more = { product: 'P', serial: `more-${n}` };
      await store.activate(more, keyOf(n).key, { time_ms: NOW_MS, connection: 'c', entry: 'e' });
    }
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    // How a gateway is looked for hangs on how many there are.
    await other.query('ANALYZE');
    await other.query('BEGIN');
    await other.query('UPDATE gateway SET last_seen_ms = last_seen_ms + 1');
    const refs = [who, ...Array.from({ length: 20 }, (_, n) => keyOf(n))];
    const ends = refs.map((ref) => store.exchange({ ...writing('a', 'kept'), who: ref }));
    await callsWait(other);
    await other.query('COMMIT');
    const found = (await Promise.all(ends)).map(({ end }) => end);
    assert.deepEqual(new Set(found), new Set(['done']));
    await other.end();
  },
);

test('a call that waits for its gateway holds up no call to another one', needs, async (t) => {
  const url = server.database();
  const store = await storeWithGateway(t, () => openAt(url));
  t.after(() => store.close());
  await store.addGateways('P', [{ serial: 'other', extra: '' }], 'enabled', NOW_MS);
  const locking = new pg.Client({ connectionString: url });
  await locking.connect();
  await locking.query('BEGIN');
  await locking.query("SELECT id FROM gateway WHERE serial = 'S' FOR UPDATE");
  const waits = store.exchange(writing('a', 'kept'));
  await callsWait(locking);
  const passes = { ...writing('a', 'kept'), who: { product: 'P', serial: 'other' } };
  assert.equal((await store.exchange(passes)).end, 'done');
  await locking.query('COMMIT');
  assert.equal((await waits).end, 'done');
  await locking.end();
});
