/** Gateways by filter, sorted, page by page, their tags, and groups of them, in PostgreSQL. */
import {
  CONDITION_COLUMN,
  COUNT_FROM,
  type Condition,
  cursorOf,
  FLEET_FROM,
  fleetCondition,
  type GroupRef,
  orderSql,
} from './fleet-sql.ts';
import type { FleetFilter, FleetResult, FleetStore } from './fleet-store.ts';
import { findOne } from './postgres-catalog.ts';
import type { Database, Session } from './postgres-client.ts';
import { createMemory } from './postgres-remember.ts';
import type { Value } from './postgres-values.ts';
import { readFleetGateway, readVersionCount } from './sqlite-fleet.ts';
import { criteriaOf } from './sqlite-groups.ts';
import { int } from './sqlite-rows.ts';

const COLUMNS = `g.id, p.name AS product, g.serial, g.state, g.created_ms, g.last_seen_ms, f.interval_s,
  ${CONDITION_COLUMN} AS condition,
  (SELECT coalesce(json_object_agg(i.app, i.version), '{}')::text FROM installed i WHERE i.gateway_id = g.id) AS apps,
  (SELECT coalesce(json_agg(t.tag ORDER BY t.tag), '[]')::text FROM tag t WHERE t.gateway_id = g.id) AS tags`;

const NOTHING: FleetResult = { gateways: [], total: 0, next: undefined };

/** The same condition as PostgreSQL names its functions, with values that it can be sent. */
export function inPostgres({ sql, values }: Condition): { sql: string; values: Record<string, Value> } {
  const sent = Object.entries(values).map(([name, value]): [string, Value] => [
    name,
    typeof value === 'number' || value === null ? value : String(value),
  ]);
  return { sql: sql.replaceAll('instr(', 'strpos('), values: Object.fromEntries(sent) };
}

/** How many gateways fit. */
export async function countFitting(
  db: Session,
  filter: FleetFilter,
  group: GroupRef | undefined,
  now_ms: number,
): Promise<number> {
  const { sql, values } = inPostgres(fleetCondition(filter, group, now_ms));
  return int((await db.get(`SELECT count(*) AS n ${COUNT_FROM} WHERE ${sql}`, values)) ?? {}, 'n');
}

const PRODUCT_BY_NAME = /\(SELECT id FROM product WHERE name = :v\d+\)/;

/** The same by PostgreSQL's statistics, at once: near for tags and versions, far for conditions. */
export async function guessFitting(
  db: Session,
  filter: FleetFilter,
  group: GroupRef | undefined,
  now_ms: number,
): Promise<number> {
  const { sql, values } = inPostgres(fleetCondition(filter, group, now_ms));
  const product =
    filter.product === undefined
      ? undefined
      : await db.get('SELECT id FROM product WHERE name = ?', [filter.product]);
  // The statistics know how many have this id, but not which one a query would find.
  const known = product === undefined ? sql : sql.replace(PRODUCT_BY_NAME, () => String(int(product, 'id')));
  const row = await db.get(`EXPLAIN (FORMAT JSON) SELECT g.id ${COUNT_FROM} WHERE ${known}`, values);
  return Number(/"Plan Rows":(\d+)/.exec(JSON.stringify(row ?? {}))?.[1] ?? 0);
}

/** The look-up of a group by its name. */
export async function findGroup(db: Session, product: string, name: string): Promise<GroupRef | undefined> {
  const row = await db.get(
    `SELECT c.id, c.criteria FROM gateway_group c JOIN product p ON p.id = c.product_id
     WHERE p.name = ? AND c.name = ?`,
    [product, name],
  );
  return row === undefined ? undefined : { id: int(row, 'id'), criteria: criteriaOf(row) };
}

export function openFleet(db: Database): Pick<FleetStore, 'fleet' | 'setTags' | 'versions'> {
  const totals = createMemory<number>(db);
  return {
    async fleet(filter, page) {
      if (filter.products?.length === 0) return NOTHING;
      const { product, group: name } = filter;
      const group =
        product === undefined || name === undefined ? undefined : await findGroup(db, product, name);
      if (name !== undefined && group === undefined) return NOTHING;
      const { sql, values } = inPostgres(fleetCondition(filter, group, page.now_ms, page));
      const [total, rows] = await Promise.all([
        totals.answer(
          JSON.stringify([filter, group]),
          page.now_ms,
          () => countFitting(db, filter, group, page.now_ms),
          () => guessFitting(db, filter, group, page.now_ms),
        ),
        db.all(`SELECT ${COLUMNS} ${FLEET_FROM} WHERE ${sql} ${orderSql(page)} LIMIT :limit`, {
          ...values,
          limit: page.limit,
        }),
      ]);
      const gateways = rows.map(readFleetGateway);
      const last = gateways.length < page.limit ? undefined : gateways.at(-1);
      return { gateways, total, next: last === undefined ? undefined : cursorOf(page.sort, last) };
    },
    setTags: (who, tags) =>
      db.transaction(async (session) => {
        const found = await findOne(session, who, true);
        if (found === undefined) return false;
        await session.run('DELETE FROM tag WHERE gateway_id = ?', [found.id]);
        await session.run(
          'INSERT INTO tag (gateway_id, tag) SELECT ?::bigint, unnest(?::text[]) ON CONFLICT DO NOTHING',
          [found.id, tags],
        );
        return true;
      }),
    async versions(product) {
      const rows = await db.all(
        `SELECT i.app, i.version, count(*) AS n FROM installed i JOIN gateway g ON g.id = i.gateway_id
         JOIN product p ON p.id = g.product_id WHERE p.name = ? GROUP BY i.app, i.version ORDER BY i.app, n DESC`,
        [product],
      );
      return rows.map(readVersionCount);
    },
  };
}
