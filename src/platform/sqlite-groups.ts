/** Groups of gateways in SQLite: listed members, criteria, or both. Synchronous functions over prepared statements. */
import type { DatabaseSync } from 'node:sqlite';
import { COUNT_FROM, fleetCondition, type GroupRef } from './fleet-sql.ts';
import type { FleetFilter, GatewayCriteria, Group, GroupChange } from './fleet-store.ts';
import type { Queries } from './sqlite-fleet.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';

type PutEnd = { end: 'made' | 'changed' } | { end: 'unknown'; serials: string[] };

/** The look-up of a group by its name. */
export function prepareGroupRef(db: DatabaseSync) {
  const find = db.prepare(
    `SELECT c.id, c.criteria FROM gateway_group c JOIN product p ON p.id = c.product_id
     WHERE p.name = ? AND c.name = ?`,
  );
  return (product: string, name: string): GroupRef | undefined => {
    const row = find.get(product, name);
    return row === undefined ? undefined : { id: int(row, 'id'), criteria: criteriaOf(row) };
  };
}

export function prepareGroups(
  db: DatabaseSync,
  queries: Queries,
  findGroup: (product: string, name: string) => GroupRef | undefined,
) {
  const columns =
    'SELECT c.id, p.name AS product, c.name, c.meta, c.criteria, c.created_ms FROM gateway_group c';
  const all = db.prepare(`${columns} JOIN product p ON p.id = c.product_id ORDER BY p.name, c.name`);
  const one = db.prepare(`${columns} JOIN product p ON p.id = c.product_id WHERE c.id = ?`);
  const ofProduct = db.prepare(
    `${columns} JOIN product p ON p.id = c.product_id WHERE p.name = ? ORDER BY c.name`,
  );
  const members = db.prepare(
    `SELECT g.serial FROM group_member m JOIN gateway g ON g.id = m.gateway_id WHERE m.group_id = ? ORDER BY g.serial`,
  );
  const productId = db.prepare('SELECT id FROM product WHERE name = ?');
  const gatewayId = db.prepare('SELECT id FROM gateway WHERE product_id = ? AND serial = ?');
  const make = db.prepare(
    "INSERT INTO gateway_group (product_id, name, meta, created_ms) VALUES (?, ?, '', ?) ON CONFLICT DO NOTHING",
  );
  const set = db.prepare('UPDATE gateway_group SET meta = coalesce(?, meta) WHERE id = ?');
  const setCriteria = db.prepare('UPDATE gateway_group SET criteria = ? WHERE id = ?');
  const clear = db.prepare('DELETE FROM group_member WHERE group_id = ?');
  const add = db.prepare(
    'INSERT INTO group_member (group_id, gateway_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const take = db.prepare('DELETE FROM group_member WHERE group_id = ? AND gateway_id = ?');
  const remove = db.prepare('DELETE FROM gateway_group WHERE id = ?');

  const count = (filter: FleetFilter, ref: GroupRef, now_ms: number) => {
    const { sql, values } = fleetCondition(filter, ref, now_ms);
    return int(queries.get(`SELECT count(*) AS n ${COUNT_FROM} WHERE ${sql}`, values) ?? {}, 'n');
  };
  const readGroup = (row: Row, now_ms: number): Group => {
    const criteria = criteriaOf(row);
    const product = text(row, 'product');
    return {
      product,
      name: text(row, 'name'),
      meta: text(row, 'meta'),
      created_ms: int(row, 'created_ms'),
      criteria,
      gateways: count({ product }, { id: int(row, 'id'), criteria }, now_ms),
    };
  };
  return {
    groups: (products: readonly string[] | undefined, now_ms: number): Group[] =>
      all
        .all()
        .filter((row) => products?.includes(text(row, 'product')) ?? true)
        .map((row) => readGroup(row, now_ms)),
    group(product: string, name: string, now_ms: number): Group | undefined {
      const row = one.get(findGroup(product, name)?.id ?? 0);
      return row === undefined ? undefined : readGroup(row, now_ms);
    },
    groupsOf: (product: string, serial: string, now_ms: number): string[] =>
      ofProduct
        .all(product)
        .filter((row) => {
          const ref = { id: int(row, 'id'), criteria: criteriaOf(row) };
          return count({ product, serial }, ref, now_ms) > 0;
        })
        .map((row) => text(row, 'name')),
    countGroups: (product: string): number => ofProduct.all(product).length,
    groupMembers(product: string, name: string): string[] | undefined {
      const ref = findGroup(product, name);
      return ref === undefined ? undefined : members.all(ref.id).map((row) => text(row, 'serial'));
    },
    putGroup(product: string, name: string, change: GroupChange, now_ms: number): PutEnd {
      const row = productId.get(product);
      if (row === undefined) return { end: 'unknown', serials: [] };
      const idOf = (serial: string) => {
        const found = gatewayId.get(int(row, 'id'), serial);
        return found === undefined ? undefined : int(found, 'id');
      };
      const listed = [...(change.members ?? []), ...(change.add ?? [])];
      const serials = listed.filter((serial) => idOf(serial) === undefined);
      if (serials.length > 0) return { end: 'unknown', serials };
      const isNew = make.run(int(row, 'id'), name, now_ms).changes > 0;
      const id = findGroup(product, name)?.id ?? 0;
      set.run(change.meta ?? null, id);
      if (change.criteria !== undefined) setCriteria.run(criteriaText(change.criteria), id);
      if (change.members !== undefined) clear.run(id);
      for (const serial of listed) add.run(id, idOf(serial) ?? 0);
      for (const serial of change.remove ?? []) take.run(id, idOf(serial) ?? 0);
      return { end: isNew ? 'made' : 'changed' };
    },
    removeGroup: (product: string, name: string): boolean =>
      remove.run(findGroup(product, name)?.id ?? 0).changes > 0,
  };
}

/** Empty criteria are none: they would fit every gateway. */
export function criteriaText(criteria: GatewayCriteria): string | null {
  return Object.keys(criteria).length === 0 ? null : JSON.stringify(criteria);
}

/** What this file wrote itself; it is trusted. */
export function criteriaOf(row: Row): GatewayCriteria | undefined {
  const json = textOrNull(row, 'criteria');
  return json === undefined ? undefined : JSON.parse(json);
}
