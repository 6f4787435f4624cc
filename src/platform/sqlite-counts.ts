/** Counts of the fleet in SQLite, now and over time: small tables, bounded, read for the overview and for the metrics. */
import type { DatabaseSync } from 'node:sqlite';
import { hourOf } from './digest-rules.ts';
import { CONDITION_COLUMN, COUNT_FROM, fleetCondition } from './fleet-sql.ts';
import type { Condition, Overview, VersionCount } from './fleet-store.ts';
import { HOURS_KEPT, VERSIONS_MAX } from './limits.ts';
import { type Queries, readCondition, readVersionCount } from './sqlite-fleet.ts';
import { int, text } from './sqlite-rows.ts';

const HOUR_MS = 3_600_000;

export function prepareCounts(db: DatabaseSync, queries: Queries) {
  const keepVersions = db.prepare(
    `INSERT INTO version_hour (time_ms, product_id, app, version, gateways)
     SELECT ?, product_id, app, version, n FROM (
       SELECT g.product_id, i.app, i.version, count(*) AS n,
         row_number() OVER (PARTITION BY g.product_id ORDER BY count(*) DESC) AS place
       FROM installed i JOIN gateway g ON g.id = i.gateway_id GROUP BY g.product_id, i.app, i.version)
     WHERE place <= ${VERSIONS_MAX}`,
  );
  const clearHour = db.prepare('DELETE FROM version_hour WHERE time_ms = ?');
  const forget = ['hour', 'version_hour'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE time_ms < ?`),
  );
  const bytes = db.prepare(
    `SELECT (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS database_bytes,
     coalesce((SELECT sum(size_bytes) FROM (SELECT DISTINCT sha256, size_bytes FROM content)), 0) AS content_bytes`,
  );

  const conditions = (products: readonly string[] | undefined, now_ms: number) => {
    const { sql, values } = within(products, now_ms);
    const found = queries.all(
      `SELECT ${CONDITION_COLUMN} AS condition, count(*) AS n ${COUNT_FROM} WHERE ${sql} GROUP BY 1`,
      values,
    );
    const counts: Record<Condition, number> = { 'on-time': 0, late: 0, lost: 0, never: 0 };
    for (const row of found) counts[readCondition(text(row, 'condition'))] = int(row, 'n');
    return counts;
  };
  const versions = (products: readonly string[] | undefined, now_ms: number): VersionCount[] => {
    const { sql, values } = within(products, now_ms);
    return queries
      .all(
        `SELECT i.app, i.version, count(*) AS n ${COUNT_FROM} JOIN installed i ON i.gateway_id = g.id WHERE ${sql}
         GROUP BY i.app, i.version ORDER BY n DESC, i.app, i.version LIMIT ${VERSIONS_MAX}`,
        values,
      )
      .map(readVersionCount);
  };
  const history = (products: readonly string[] | undefined, since_ms: number) => {
    const { sql, values } = within(products, since_ms);
    return queries
      .all(
        `SELECT g.time_ms, g.app, g.version, sum(g.gateways) AS n FROM version_hour g WHERE g.time_ms >= :now AND ${sql}
         GROUP BY g.time_ms, g.app, g.version ORDER BY g.time_ms, n DESC`,
        values,
      )
      .map((row) => ({ time_ms: int(row, 'time_ms'), ...readVersionCount(row) }));
  };
  const hours = (products: readonly string[] | undefined, since_ms: number) => {
    const { sql, values } = within(products, since_ms);
    return queries
      .all(
        `SELECT g.time_ms, sum(g.check_ins) AS check_ins, sum(g.installs) AS installs, sum(g.failures) AS failures
         FROM hour g WHERE g.time_ms >= :now AND ${sql}
         GROUP BY g.time_ms ORDER BY g.time_ms`,
        values,
      )
      .map((row) => ({
        time_ms: int(row, 'time_ms'),
        checkIns: int(row, 'check_ins'),
        installs: int(row, 'installs'),
        failures: int(row, 'failures'),
      }));
  };

  return {
    countVersions(now_ms: number): void {
      clearHour.run(hourOf(now_ms));
      keepVersions.run(hourOf(now_ms));
      for (const each of forget) each.run(hourOf(now_ms) - HOURS_KEPT * HOUR_MS);
    },
    overview(products: readonly string[] | undefined, since_ms: number, now_ms: number): Overview {
      return {
        conditions: conditions(products, now_ms),
        versions: versions(products, now_ms),
        history: history(products, hourOf(since_ms)),
        hours: hours(products, hourOf(since_ms)),
      };
    },
    sizes(): { database_bytes: number; content_bytes: number } {
      const row = bytes.get() ?? {};
      return { database_bytes: int(row, 'database_bytes'), content_bytes: int(row, 'content_bytes') };
    },
  };
}

/** For any table `g` with products; `:now` stands for the instant that the query is about. */
function within(products: readonly string[] | undefined, time_ms: number) {
  if (products?.length === 0) return { sql: '0', values: { now: time_ms } };
  return fleetCondition(products === undefined ? {} : { products }, undefined, time_ms);
}
