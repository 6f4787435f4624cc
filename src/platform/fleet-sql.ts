/** A filter of gateways as the condition of an SQL query, with its values apart. Pure: nothing of a caller's gets into the text. */
import type { SQLInputValue } from 'node:sqlite';
import { conditionSql } from './fleet-condition.ts';
import type { FleetFilter, FleetPage, GatewayCriteria } from './fleet-store.ts';

export interface Condition {
  sql: string;
  values: Record<string, SQLInputValue>;
}

/** A group as far as it matters here. */
export interface GroupRef {
  id: number;
  criteria: GatewayCriteria | undefined;
}

/** What the queries stand on: gateway g, product p, fleet f. */
export const FLEET_FROM =
  'FROM gateway g JOIN product p ON p.id = g.product_id LEFT JOIN fleet f ON f.gateway_id = g.id';
/** Enough to count them: no condition needs the product's row. */
export const COUNT_FROM = 'FROM gateway g LEFT JOIN fleet f ON f.gateway_id = g.id';
export const CONDITION_COLUMN = conditionSql('g.last_seen_ms', 'f.interval_s');

/** Names the values of a query, one after the other. */
function createValues(now_ms: number) {
  const values: Record<string, SQLInputValue> = { now: now_ms };
  return {
    values,
    add(value: SQLInputValue): string {
      const name = `v${Object.keys(values).length}`;
      values[name] = value;
      return `:${name}`;
    },
  };
}

/** The condition for `filter`, whose group was looked up. `:now` is the instant for which conditions are told. */
export function fleetCondition(
  filter: FleetFilter,
  group: GroupRef | undefined,
  now_ms: number,
  page?: Pick<FleetPage, 'sort' | 'descending' | 'after'>,
): Condition {
  const { values, add } = createValues(now_ms);
  const parts = criteriaSql(filter, add);
  // By the id: an index of gateways begins with it.
  if (filter.product !== undefined)
    parts.push(`g.product_id = (SELECT id FROM product WHERE name = ${add(filter.product)})`);
  if (filter.products !== undefined) {
    const names = filter.products.map(add).join(', ');
    parts.push(`g.product_id IN (SELECT id FROM product WHERE name IN (${names}))`);
  }
  if (filter.serial !== undefined) parts.push(`g.serial = ${add(filter.serial)}`);
  if (filter.activated !== undefined) parts.push(`g.state ${filter.activated ? '=' : '<>'} 'activated'`);
  if (group !== undefined) parts.push(groupSql(group, add));
  const after = page?.after === undefined ? undefined : afterSql(page, page.after, add);
  if (after !== undefined) parts.push(after);
  return { sql: parts.length === 0 ? '1 = 1' : parts.join(' AND '), values };
}

/** No serial number goes on with this character, the last there is. */
const LAST = '\u{10FFFF}';

type Add = (value: SQLInputValue) => string;

/** Listed in the group, or fitting its criteria. */
function groupSql({ id, criteria }: GroupRef, add: Add): string {
  const listed = `g.id IN (SELECT gateway_id FROM group_member WHERE group_id = ${add(id)})`;
  const fitting = criteria === undefined ? [] : criteriaSql(criteria, add);
  return fitting.length === 0 ? listed : `(${listed} OR (${fitting.join(' AND ')}))`;
}

function criteriaSql(criteria: GatewayCriteria, add: Add): string[] {
  const { serialPrefix, serialContains, tags, application, conditions, seenAfter_ms, seenBefore_ms } =
    criteria;
  const parts: string[] = [];
  if (serialPrefix !== undefined) {
    const prefix = add(serialPrefix);
    // The first two let an index be used; texts are compared by their bytes.
    parts.push(
      `g.serial >= ${prefix} AND g.serial < ${add(`${serialPrefix}${LAST}`)} AND substr(g.serial, 1, length(${prefix})) = ${prefix}`,
    );
  }
  if (serialContains !== undefined) parts.push(`instr(lower(g.serial), lower(${add(serialContains)})) > 0`);
  for (const tag of tags ?? []) {
    parts.push(`EXISTS (SELECT 1 FROM tag t WHERE t.gateway_id = g.id AND t.tag = ${add(tag)})`);
  }
  if (application !== undefined) {
    const version = application.version === undefined ? '' : ` AND i.version = ${add(application.version)}`;
    parts.push(
      `EXISTS (SELECT 1 FROM installed i WHERE i.gateway_id = g.id AND i.app = ${add(application.name)}${version})`,
    );
  }
  if (conditions !== undefined && conditions.length > 0) {
    parts.push(`${CONDITION_COLUMN} IN (${conditions.map(add).join(', ')})`);
  }
  if (seenAfter_ms !== undefined) parts.push(`g.last_seen_ms >= ${add(seenAfter_ms)}`);
  if (seenBefore_ms !== undefined) parts.push(`g.last_seen_ms < ${add(seenBefore_ms)}`);
  return parts;
}

const SORT_COLUMNS = { added: undefined, serial: 'g.serial', lastSeen: 'g.last_seen_ms' } as const;

/** `ORDER BY` of a page; the id decides where the column does not. */
export function orderSql({ sort = 'added', descending = false }: Pick<FleetPage, 'sort' | 'descending'>) {
  const column = SORT_COLUMNS[sort];
  const way = descending ? 'DESC' : 'ASC';
  return column === undefined ? `ORDER BY g.id ${way}` : `ORDER BY ${column} ${way}, g.id ${way}`;
}

function afterSql(
  { sort = 'added', descending = false }: Pick<FleetPage, 'sort' | 'descending'>,
  after: string,
  add: Add,
): string | undefined {
  const cursor = readCursor(after);
  const column = SORT_COLUMNS[sort];
  const way = descending ? '<' : '>';
  if (cursor === undefined) return undefined;
  if (column === undefined) return `g.id ${way} ${add(cursor.id)}`;
  return `(${column}, g.id) ${way} (${add(cursor.value)}, ${add(cursor.id)})`;
}

/** Where a page ended, as a text to be given back. In the order of adding it is the bare id. */
export function cursorOf(
  sort: FleetPage['sort'],
  gateway: { id: number; serial: string; lastSeen_ms: number },
) {
  if (sort === undefined || sort === 'added') return String(gateway.id);
  const value = sort === 'serial' ? gateway.serial : gateway.lastSeen_ms;
  return Buffer.from(JSON.stringify([value, gateway.id])).toString('base64url');
}

/** `undefined` for a text that is no cursor. */
export function readCursor(text: string): { value: string | number; id: number } | undefined {
  if (/^\d{1,15}$/.test(text)) return { value: '', id: Number(text) };
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const [value, id]: unknown[] = Array.isArray(parsed) ? parsed : [];
    const isValue = typeof value === 'string' || typeof value === 'number';
    return isValue && Number.isSafeInteger(id) ? { value, id: Number(id) } : undefined;
  } catch {
    return undefined;
  }
}
