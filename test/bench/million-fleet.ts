/** A fleet of any size in PostgreSQL, made by SQL through the real schema, as it is when each gateway has reported before: with what a check-in writes and reads. */
import { summaryOf } from '../../src/platform/digest-rules.ts';
import { type Database, openPool } from '../../src/platform/postgres-client.ts';
import { dayOf } from '../../src/platform/postgres-data.ts';
import { makePartition } from '../../src/platform/postgres-history.ts';
import { migrateDatabase } from '../../src/platform/postgres-schema.ts';
import { reported } from '../../src/platform/reported.ts';
import { COUNTER, reports } from './platform-load.ts';

const READ = { engine_fetch: '{"install":[]}', update_interval: '60' };
const GATEWAYS_A_STEP = 100_000;

/** Keys as `fleetCikOf` tells them. */
const GATEWAY = `INSERT INTO gateway (id, product_id, serial, rid, key, state, extra, created_ms, last_seen_ms)
  SELECT n + 1, 1, 'S' || n, md5(n::text), encode(sha256((md5('S' || n) || '00000000')::bytea), 'hex'), 'activated', '', 1, 1`;
const DATAPORT = `INSERT INTO dataport (id, gateway_id, alias, time_ms, point_id, value, last_id, text_day)
  SELECT n * :aliases + a.at, n + 1, a.alias, 1, (:gateways + n) * :aliases + a.at, replace(a.value, '${COUNTER}', lpad(n::text, ${COUNTER.length}, '0')),
    (:gateways + n) * :aliases + a.at, 0`;
/** Of each dataport its newest point, so that the index of the day is as large as it is in the evening; texts are left out. */
const POINT = `INSERT INTO point (day, dataport_id, id, time_ms, value)
  SELECT :day::bigint, n * :aliases + a.at, (:gateways + n) * :aliases + a.at, 1, NULL`;
const FLEET = 'INSERT INTO fleet (gateway_id, interval_s, summary) SELECT n + 1, 60, :summary::text';

const NUMBERS = 'generate_series(:from::bigint, :to::bigint) n';
const ALIASES = 'unnest(:names::text[], :texts::text[]) WITH ORDINALITY a(alias, value, at)';

/** Fills the empty database at `url` with `gateways` of the product `P`. */
export async function fillMillion(url: string, gateways: number): Promise<void> {
  const db = openPool(url, () => {});
  const day = dayOf(Date.now());
  await db.transaction(async (session) => {
    await migrateDatabase(session);
    await makePartition(session, day);
    await session.run(
      "INSERT INTO product (id, name, rid, template, created_ms) VALUES (1, 'P', 'p', '', 1)",
    );
  });
  for (let from = 0; from < gateways; from += GATEWAYS_A_STEP)
    await fillSome(db, gateways, day, { from, to: Math.min(gateways, from + GATEWAYS_A_STEP) - 1 });
  const aliases = Object.keys(valuesOf()).length;
  await db.run(
    `SELECT setval('point_id', ?::bigint), setval(pg_get_serial_sequence('gateway', 'id'), ?::bigint),
       setval(pg_get_serial_sequence('product', 'id'), 1)`,
    [2 * gateways * aliases + aliases, gateways],
  );
  // One after the other, so on the one connection that there is.
  await db.run('SET statement_timeout = 0');
  await db.script('VACUUM ANALYZE');
  await db.close();
}

const valuesOf = (): Record<string, string> => ({ ...reports(0), ...READ });

async function fillSome(
  db: Database,
  gateways: number,
  day: number,
  some: { from: number; to: number },
): Promise<void> {
  const values = valuesOf();
  const names = Object.keys(values);
  const lists = { names, texts: Object.values(values) };
  const numbers = { gateways, aliases: names.length };
  const summary = summaryOf(reported(values['engine_report'] ?? ''));
  await db.transaction(async (session) => {
    // Nothing is there that a foreign key could miss, and asking takes longer than writing.
    await session.run(
      "SELECT set_config('session_replication_role', 'replica', true), set_config('statement_timeout', '0', true)",
    );
    await session.run(`${GATEWAY} FROM ${NUMBERS}`, some);
    await session.run(`${DATAPORT} FROM ${NUMBERS}, ${ALIASES}`, { ...some, ...lists, ...numbers });
    await session.run(`${POINT} FROM ${NUMBERS}, ${ALIASES}`, { ...some, ...lists, ...numbers, day });
    await session.run(`${FLEET} FROM ${NUMBERS}`, { ...some, summary });
  });
}
