/** The tables in PostgreSQL: made once by whoever comes first, brought forward under those who still run, and partitions by day. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { createLog } from '../../src/host/log.ts';
import { type Database, openPool } from '../../src/platform/postgres-client.ts';
import { dayOf } from '../../src/platform/postgres-data.ts';
import { openPartitions } from '../../src/platform/postgres-history.ts';
import { MIGRATIONS, type Migration, migrateDatabase } from '../../src/platform/postgres-schema.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import { lacks } from '../debian.ts';
import { clockAt } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { NOW_MS, storeWithGateway, writing } from './store-contract.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres();
});
after(() => server?.stop());

const openAt = (url: string) =>
  openPostgresStore(
    url,
    clockAt(NOW_MS),
    createLog('CRITICAL', Date.now, () => {}),
  );

function pool(t: TestContext, url: string): Database {
  const db = openPool(url, () => {});
  t.after(() => db.close());
  return db;
}

/** What a gwe of tomorrow could bring. */
const next = (reads: number): Migration => ({ reads, steps: 'CREATE TABLE of_tomorrow (id BIGINT)' });
const SINGLE = "SELECT count(*) AS n FROM pg_class WHERE relkind = 'p' AND relname = 'point'";

test(
  'replicas that open an empty database at once all come up, and its tables are made once',
  needs,
  async (t) => {
    const url = server.database();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openAt(url)));
    for (const store of stores) t.after(() => store.close());
    const [first, ...others] = stores;
    await first?.addProduct({ name: 'P', rid: 'r', template: '', now_ms: NOW_MS });
    for (const store of others) assert.equal((await store.products()).length, 1);
    const db = pool(t, url);
    assert.equal((await db.get(SINGLE))?.['n'], 1);
    assert.equal((await db.get('SELECT count(*) AS n FROM layout'))?.['n'], MIGRATIONS.length);
  },
);

test('a database of the first layout is brought forward, with what it holds', needs, async (t) => {
  const url = server.database();
  const db = pool(t, url);
  await db.transaction((session) => migrateDatabase(session, MIGRATIONS.slice(0, 1)));
  await db.run("INSERT INTO product (name, rid, template, created_ms) VALUES ('P', 'r', '', 1)");
  const store = await openAt(url);
  t.after(() => store.close());
  assert.equal((await store.product('P'))?.rid, 'r');
  assert.equal((await db.get('SELECT max(version) AS n FROM layout'))?.['n'], MIGRATIONS.length);
});

test(
  'replicas go on while a newer one brings the database forward, and may start again as long as it says so',
  needs,
  async (t) => {
    const url = server.database();
    const running = await storeWithGateway(t, () => openAt(url));
    t.after(() => running.close());
    const db = pool(t, url);
    const known = MIGRATIONS.length;
    await db.transaction((session) => migrateDatabase(session, [...MIGRATIONS, next(known)]));
    const end = await running.exchange(writing('a', 'while it was newer'));
    assert.equal(end.end, 'done');
    const started = await openAt(url);
    assert.equal((await started.product('P'))?.gateways, 1);
    await started.close();
    const beyond = [...MIGRATIONS, next(known), { reads: known + 1, steps: 'SELECT 1' }];
    await db.transaction((session) => migrateDatabase(session, beyond));
    await assert.rejects(openAt(url), { code: 'layout', message: /newer than/ });
  },
);

test('every migration can be read by the version before it', () => {
  for (const [at, { reads }] of MIGRATIONS.entries()) assert.ok(reads <= Math.max(1, at));
});

test(
  'several replicas make and drop the same partitions at once, and nobody is in the way of who writes',
  needs,
  async (t) => {
    const url = server.database();
    const day_ms = 86_400_000;
    const store = await storeWithGateway(t, () => openAt(url));
    t.after(() => store.close());
    await store.exchange(writing('a', 'old'));
    const db = pool(t, url);
    // Somebody reads history for long, as a backup does: what is made and written meanwhile does not wait for it.
    await db.transaction(async (reader) => {
      await reader.all('SELECT * FROM point');
      const replicas = [
        openPartitions(pool(t, url)),
        openPartitions(pool(t, url)),
        openPartitions(pool(t, url)),
      ];
      await Promise.all(replicas.map((each) => each.keep(NOW_MS + 5 * day_ms)));
      await store.exchange(writing('a', 'new', NOW_MS + 5 * day_ms));
    });
    const days = async () =>
      (
        await db.all(
          "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'point'::regclass",
        )
      )
        .map(({ name }) => Number(String(name).replace('point_', '')))
        .sort((a, b) => a - b);
    const today = dayOf(NOW_MS);
    assert.deepEqual(await days(), [today, today + 1, today + 5, today + 6]);
    const later = [openPartitions(pool(t, url)), openPartitions(pool(t, url)), openPartitions(pool(t, url))];
    await Promise.all(later.map((each) => each.keep(NOW_MS + 94 * day_ms)));
    assert.deepEqual(await days(), [today + 5, today + 6, today + 94, today + 95]);
  },
);
