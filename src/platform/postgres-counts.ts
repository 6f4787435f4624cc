/** Counts of the fleet in PostgreSQL, now and over time: small tables, bounded, read for the overview and for the metrics. */

import { hourOf } from './digest-rules.ts';
import { CONDITION_COLUMN, COUNT_FROM, fleetCondition } from './fleet-sql.ts';
import type { Condition, FleetStore, VersionCount } from './fleet-store.ts';
import { HOURS_KEPT, VERSIONS_MAX } from './limits.ts';
import type { Database } from './postgres-client.ts';
import { inPostgres } from './postgres-fleet.ts';
import { LOCKS } from './postgres-locks.ts';
import { createMemory } from './postgres-remember.ts';
import { readCondition, readVersionCount } from './sqlite-fleet.ts';
import { int, text } from './sqlite-rows.ts';

const HOUR_MS = 3_600_000;
/** Versions of one product that are counted for sums over several. */
const VERSIONS_SUMMED_MAX = 20 * VERSIONS_MAX;

interface ConditionCount {
  condition: Condition;
  gateways: number;
}

type Products = readonly string[] | undefined;

export function openCounts(db: Database): Pick<FleetStore, 'countVersions' | 'overview' | 'sizes'> {
  const conditionsNow = createMemory<Array<OfProduct<ConditionCount>>>(db);
  const versionsNow = createMemory<Array<OfProduct<VersionCount>>>(db);
  return {
    countVersions: (now_ms) =>
      db.transaction(async (session) => {
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.digest]);
        await session.run('DELETE FROM version_hour WHERE time_ms = ?', [hourOf(now_ms)]);
        await session.run(
          `INSERT INTO version_hour (time_ms, product_id, app, version, gateways)
           SELECT ?::bigint, product_id, app, version, n FROM (
             SELECT g.product_id, i.app, i.version, count(*) AS n,
               row_number() OVER (PARTITION BY g.product_id ORDER BY count(*) DESC) AS place
             FROM installed i JOIN gateway g ON g.id = i.gateway_id GROUP BY g.product_id, i.app, i.version) c
           WHERE place <= ${VERSIONS_MAX}`,
          [hourOf(now_ms)],
        );
        const oldest_ms = hourOf(now_ms) - HOURS_KEPT * HOUR_MS;
        await session.run('DELETE FROM hour WHERE time_ms < ?', [oldest_ms]);
        await session.run('DELETE FROM version_hour WHERE time_ms < ?', [oldest_ms]);
      }),
    async overview(products, since_ms, now_ms) {
      const [byCondition, byVersion, past, checkIns] = await Promise.all([
        conditionsNow.answer('all', now_ms, () => conditions(db, now_ms)),
        versionsNow.answer('all', now_ms, () => versions(db)),
        history(db, products, hourOf(since_ms)),
        hours(db, products, hourOf(since_ms)),
      ]);
      return {
        conditions: summedConditions(ofProducts(byCondition, products)),
        versions: summedVersions(ofProducts(byVersion, products)),
        history: past,
        hours: checkIns,
      };
    },
    async sizes() {
      const row = await db.get(
        `SELECT pg_database_size(current_database()) AS database_bytes,
         coalesce((SELECT sum(size_bytes) FROM (SELECT DISTINCT sha256, size_bytes FROM content) c), 0) AS content_bytes`,
      );
      return {
        database_bytes: int(row ?? {}, 'database_bytes'),
        content_bytes: int(row ?? {}, 'content_bytes'),
      };
    },
  };
}

/** Counted for all products at once, and summed for those that are asked for: the first look at one of them waits for nobody. */
type OfProduct<T> = T & { product: string };

const ofProducts = <T>(counts: ReadonlyArray<OfProduct<T>>, products: Products) =>
  products === undefined ? counts : counts.filter(({ product }) => products.includes(product));

async function conditions(db: Database, now_ms: number): Promise<Array<OfProduct<ConditionCount>>> {
  const found = await db.all(
    `SELECT p.name AS product, c.condition, c.n FROM (
       SELECT g.product_id, ${CONDITION_COLUMN} AS condition, count(*) AS n ${COUNT_FROM} GROUP BY 1, 2) c
     JOIN product p ON p.id = c.product_id`,
    { now: now_ms },
  );
  return found.map((row) => ({
    product: text(row, 'product'),
    condition: readCondition(text(row, 'condition')),
    gateways: int(row, 'n'),
  }));
}

function summedConditions(counts: readonly ConditionCount[]): Record<Condition, number> {
  const sums: Record<Condition, number> = { 'on-time': 0, late: 0, lost: 0, never: 0 };
  for (const { condition, gateways } of counts) sums[condition] += gateways;
  return sums;
}

/** The most frequent of each product. */
async function versions(db: Database): Promise<Array<OfProduct<VersionCount>>> {
  const rows = await db.all(
    `SELECT p.name AS product, c.app, c.version, c.n FROM (
       SELECT g.product_id, i.app, i.version, count(*) AS n,
         row_number() OVER (PARTITION BY g.product_id ORDER BY count(*) DESC) AS place
       FROM installed i JOIN gateway g ON g.id = i.gateway_id GROUP BY g.product_id, i.app, i.version) c
     JOIN product p ON p.id = c.product_id WHERE c.place <= ${VERSIONS_SUMMED_MAX}`,
  );
  return rows.map((row) => ({ product: text(row, 'product'), ...readVersionCount(row) }));
}

function summedVersions(counts: readonly VersionCount[]): VersionCount[] {
  const sums = new Map<string, VersionCount>();
  for (const { app, version, gateways } of counts) {
    const key = JSON.stringify([app, version]);
    sums.set(key, { app, version, gateways: gateways + (sums.get(key)?.gateways ?? 0) });
  }
  const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b));
  return [...sums.values()]
    .sort((a, b) => b.gateways - a.gateways || byText(a.app, b.app) || byText(a.version, b.version))
    .slice(0, VERSIONS_MAX);
}

async function history(db: Database, products: Products, since_ms: number) {
  const { sql, values } = within(products, since_ms);
  const rows = await db.all(
    `SELECT g.time_ms, g.app, g.version, sum(g.gateways) AS n FROM version_hour g WHERE g.time_ms >= :now AND ${sql}
     GROUP BY g.time_ms, g.app, g.version ORDER BY g.time_ms, n DESC`,
    values,
  );
  return rows.map((row) => ({ time_ms: int(row, 'time_ms'), ...readVersionCount(row) }));
}

async function hours(db: Database, products: Products, since_ms: number) {
  const { sql, values } = within(products, since_ms);
  const rows = await db.all(
    `SELECT g.time_ms, sum(g.check_ins) AS check_ins, sum(g.installs) AS installs, sum(g.failures) AS failures
     FROM hour g WHERE g.time_ms >= :now AND ${sql}
     GROUP BY g.time_ms ORDER BY g.time_ms`,
    values,
  );
  return rows.map((row) => ({
    time_ms: int(row, 'time_ms'),
    checkIns: int(row, 'check_ins'),
    installs: int(row, 'installs'),
    failures: int(row, 'failures'),
  }));
}

/** For any table `g` with products; `:now` stands for the instant that the query is about. */
function within(products: Products, time_ms: number) {
  if (products?.length === 0) return { sql: '1 = 0', values: { now: time_ms } };
  return inPostgres(fleetCondition(products === undefined ? {} : { products }, undefined, time_ms));
}
