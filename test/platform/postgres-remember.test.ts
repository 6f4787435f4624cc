/** Counts over a large fleet in PostgreSQL: exact where that is quick, remembered or guessed where it is not, never waited for long. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { FleetFilter } from '../../src/platform/fleet-store.ts';
import { openPool } from '../../src/platform/postgres-client.ts';
import { guessFitting } from '../../src/platform/postgres-fleet.ts';
import { createMemory } from '../../src/platform/postgres-remember.ts';
import { migrateDatabase } from '../../src/platform/postgres-schema.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
const NOW_MS = 1_700_000_000_000;
const LATER_MS = NOW_MS + 10_000;
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

/** A database whose statistics say that so many gateways are there. */
async function fleetOf(t: TestContext, gateways: number) {
  const db = openPool(server.database(), () => {});
  t.after(() => db.close());
  await db.transaction((session) => migrateDatabase(session));
  await db.run("UPDATE pg_class SET reltuples = ? WHERE oid = 'gateway'::regclass", [gateways]);
  return createMemory<number>(db);
}

test(
  'a count of a large fleet that takes long is guessed first, then remembered, and counted anew behind',
  needs,
  async (t) => {
    const memory = await fleetOf(t, 1_000_000);
    const counts = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    let begun = 0;
    const count = () => {
      begun += 1;
      return counts[begun - 1]?.promise ?? Promise.resolve(3);
    };
    const answer = (now_ms: number) => memory.answer('all', now_ms, count, async () => 7);
    assert.equal(await answer(NOW_MS), 7);
    counts[0]?.resolve(1);
    await eventually('the count is known', async () => (await answer(NOW_MS)) === 1);
    assert.equal(begun, 1);
    assert.equal(await answer(LATER_MS), 1);
    counts[1]?.resolve(2);
    await eventually('the newer count is known', async () => (await answer(LATER_MS)) === 2);
    assert.equal(begun, 2);
  },
);

test('a count that fails is not remembered', needs, async (t) => {
  const memory = await fleetOf(t, 1_000_000);
  const failing = () => Promise.reject(new Error('away'));
  await assert.rejects(
    memory.answer('all', NOW_MS, failing, async () => 7),
    /away/,
  );
  assert.equal(await memory.answer('all', NOW_MS, async () => 1), 1);
});

test('a small fleet is counted each time', needs, async (t) => {
  const memory = await fleetOf(t, 1_000);
  let n = 0;
  const count = async () => {
    n += 1;
    return n;
  };
  for (const expected of [1, 2, 3])
    assert.equal(await memory.answer('all', NOW_MS, count, async () => 7), expected);
});

test('what PostgreSQL guesses of a filter is near for products and tags', needs, async (t) => {
  const db = openPool(server.database(), () => {});
  t.after(() => db.close());
  await db.transaction((session) => migrateDatabase(session));
  await db.script(`INSERT INTO product (id, name, rid, template, created_ms) VALUES (1, 'P', 'p', '', 1), (2, 'Q', 'q', '', 1);
    INSERT INTO gateway (id, product_id, serial, rid, state, extra, created_ms)
    SELECT n, CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END, 'S' || n, 'r' || n, 'activated', '', 1 FROM generate_series(1, 1000) n;
    INSERT INTO tag SELECT n, 'north' FROM generate_series(1, 500) n;
    ANALYZE`);
  const guess = (filter: FleetFilter) => guessFitting(db, filter, undefined, NOW_MS);
  const isNear = (guessed: number, real: number) => guessed > real * 0.7 && guessed < real * 1.3;
  assert.ok(isNear(await guess({ product: 'P' }), 900));
  assert.ok(isNear(await guess({ tags: ['north'] }), 500));
  assert.equal(
    typeof (await guess({ product: 'nowhere', conditions: ['lost'], serialPrefix: 'S1' })),
    'number',
  );
});
