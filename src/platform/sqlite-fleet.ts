/** Gateways by filter, sorted, page by page; tags; groups' look-up. Synchronous functions, statements kept by their text. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { CONDITIONS } from './fleet-condition.ts';
import {
  CONDITION_COLUMN,
  COUNT_FROM,
  cursorOf,
  FLEET_FROM,
  fleetCondition,
  type GroupRef,
  orderSql,
} from './fleet-sql.ts';
import type {
  Condition,
  FleetFilter,
  FleetGateway,
  FleetPage,
  FleetResult,
  VersionCount,
} from './fleet-store.ts';
import { readState } from './sqlite-catalog.ts';
import { int, type Row, text } from './sqlite-rows.ts';
import type { GatewayRef } from './store.ts';

/** Statements that are kept for the filters in use. */
const STATEMENTS_MAX = 100;

const COLUMNS = `g.id, p.name AS product, g.serial, g.state, g.created_ms, g.last_seen_ms, f.interval_s,
  ${CONDITION_COLUMN} AS condition,
  (SELECT json_group_object(i.app, i.version) FROM installed i WHERE i.gateway_id = g.id) AS apps,
  (SELECT json_group_array(t.tag) FROM tag t WHERE t.gateway_id = g.id) AS tags`;

/** Runs queries whose text depends on a filter; their statements are prepared once. */
export function createQueries(db: DatabaseSync) {
  const statements = new Map<string, StatementSync>();
  const statement = (sql: string) => {
    const there = statements.get(sql);
    if (there !== undefined) return there;
    if (statements.size >= STATEMENTS_MAX) statements.clear();
    const made = db.prepare(sql);
    statements.set(sql, made);
    return made;
  };
  /** Only the values that the text names: SQLite refuses others. */
  const named = (sql: string, values: Record<string, SQLInputValue>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => new RegExp(`:${name}\\b`).test(sql)));
  return {
    all: (sql: string, values: Record<string, SQLInputValue>): Row[] =>
      statement(sql).all(named(sql, values)),
    get: (sql: string, values: Record<string, SQLInputValue>): Row | undefined =>
      statement(sql).get(named(sql, values)),
  };
}

export type Queries = ReturnType<typeof createQueries>;

type Find = (who: GatewayRef) => { id: number } | undefined;
type FindGroup = (product: string, name: string) => GroupRef | undefined;

export function prepareFleet(db: DatabaseSync, queries: Queries, find: Find, findGroup: FindGroup) {
  const untag = db.prepare('DELETE FROM tag WHERE gateway_id = ?');
  const tag = db.prepare('INSERT INTO tag (gateway_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const versions = db.prepare(
    `SELECT i.app, i.version, count(*) AS n FROM installed i JOIN gateway g ON g.id = i.gateway_id
     JOIN product p ON p.id = g.product_id WHERE p.name = ? GROUP BY i.app, i.version ORDER BY i.app, n DESC`,
  );
  const nothing: FleetResult = { gateways: [], total: 0, next: undefined };
  return {
    fleet(filter: FleetFilter, page: FleetPage): FleetResult {
      if (filter.products !== undefined && filter.products.length === 0) return nothing;
      const group = groupOf(filter, findGroup);
      if (filter.group !== undefined && group === undefined) return nothing;
      const all = fleetCondition(filter, group, page.now_ms);
      const total = int(
        queries.get(`SELECT count(*) AS n ${COUNT_FROM} WHERE ${all.sql}`, all.values) ?? {},
        'n',
      );
      const { sql, values } = fleetCondition(filter, group, page.now_ms, page);
      const rows = queries.all(
        `SELECT ${COLUMNS} ${FLEET_FROM} WHERE ${sql} ${orderSql(page)} LIMIT :limit`,
        { ...values, limit: page.limit },
      );
      const gateways = rows.map(readFleetGateway);
      const last = gateways.length < page.limit ? undefined : gateways.at(-1);
      return { gateways, total, next: last === undefined ? undefined : cursorOf(page.sort, last) };
    },
    setTags(who: GatewayRef, tags: readonly string[]): boolean {
      const found = find(who);
      if (found === undefined) return false;
      untag.run(found.id);
      for (const each of tags) tag.run(found.id, each);
      return true;
    },
    versions: (product: string): VersionCount[] => versions.all(product).map(readVersionCount),
  };
}

function groupOf({ product, group }: FleetFilter, findGroup: FindGroup): GroupRef | undefined {
  return product === undefined || group === undefined ? undefined : findGroup(product, group);
}

export function readVersionCount(row: Row): VersionCount {
  return { app: text(row, 'app'), version: text(row, 'version'), gateways: int(row, 'n') };
}

export function readFleetGateway(row: Row): FleetGateway {
  const interval_s = row['interval_s'];
  return {
    id: int(row, 'id'),
    product: text(row, 'product'),
    serial: text(row, 'serial'),
    state: readState(text(row, 'state')),
    condition: readCondition(text(row, 'condition')),
    created_ms: int(row, 'created_ms'),
    lastSeen_ms: int(row, 'last_seen_ms'),
    interval_s: typeof interval_s === 'number' ? interval_s : undefined,
    apps: JSON.parse(text(row, 'apps')),
    tags: JSON.parse(text(row, 'tags')),
  };
}

export function readCondition(text: string): Condition {
  const condition = CONDITIONS.find((each) => each === text);
  if (condition === undefined) throw new GweError('internal', `Cannot read the condition "${text}"`);
  return condition;
}
