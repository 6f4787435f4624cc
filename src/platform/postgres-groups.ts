/** Groups of gateways in PostgreSQL: listed members, criteria, or both. */
import type { FleetStore, Group } from './fleet-store.ts';
import type { Database, Session } from './postgres-client.ts';
import { countFitting, findGroup, guessFitting } from './postgres-fleet.ts';
import { LOCKS } from './postgres-locks.ts';
import { productId } from './postgres-products.ts';
import { createMemory } from './postgres-remember.ts';
import { criteriaOf, criteriaText } from './sqlite-groups.ts';
import { int, type Row, text } from './sqlite-rows.ts';

type GroupStore = Pick<
  FleetStore,
  'groups' | 'group' | 'groupsOf' | 'countGroups' | 'groupMembers' | 'putGroup' | 'removeGroup'
>;

const GROUPS = `SELECT c.id, p.name AS product, c.name, c.meta, c.criteria, c.created_ms
  FROM gateway_group c JOIN product p ON p.id = c.product_id`;

/** Ids of a product's gateways by their serials. */
async function idsOf(db: Session, product: number, serials: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.all(
    'SELECT id, serial FROM gateway WHERE product_id = ? AND serial = ANY(?::text[])',
    [product, serials],
  );
  return new Map(rows.map((row) => [text(row, 'serial'), int(row, 'id')]));
}

export function openGroups(db: Database): GroupStore {
  const sizes = createMemory<number>(db);
  const readGroup = async (row: Row, now_ms: number): Promise<Group> => {
    const criteria = criteriaOf(row);
    const product = text(row, 'product');
    const ref = { id: int(row, 'id'), criteria };
    return {
      product,
      name: text(row, 'name'),
      meta: text(row, 'meta'),
      created_ms: int(row, 'created_ms'),
      criteria,
      gateways: await sizes.answer(
        JSON.stringify(ref),
        now_ms,
        () => countFitting(db, { product }, ref, now_ms),
        () => guessFitting(db, { product }, ref, now_ms),
      ),
    };
  };
  return {
    async groups(products, now_ms) {
      const rows = await db.all(
        `${GROUPS} WHERE (:products::text[] IS NULL OR p.name = ANY(:products)) ORDER BY p.name, c.name`,
        { products: products ?? null },
      );
      return Promise.all(rows.map((row) => readGroup(row, now_ms)));
    },
    async group(product, name, now_ms) {
      const row = await db.get(`${GROUPS} WHERE p.name = ? AND c.name = ?`, [product, name]);
      return row === undefined ? undefined : readGroup(row, now_ms);
    },
    async groupsOf(product, serial, now_ms) {
      const names: string[] = [];
      for (const row of await db.all(`${GROUPS} WHERE p.name = ? ORDER BY c.name`, [product])) {
        const ref = { id: int(row, 'id'), criteria: criteriaOf(row) };
        if ((await countFitting(db, { product, serial }, ref, now_ms)) > 0) names.push(text(row, 'name'));
      }
      return names;
    },
    countGroups: async (product) => (await db.all(`${GROUPS} WHERE p.name = ?`, [product])).length,
    async groupMembers(product, name) {
      const ref = await findGroup(db, product, name);
      if (ref === undefined) return undefined;
      const rows = await db.all(
        'SELECT g.serial FROM group_member m JOIN gateway g ON g.id = m.gateway_id WHERE m.group_id = ? ORDER BY g.serial',
        [ref.id],
      );
      return rows.map((row) => text(row, 'serial'));
    },
    putGroup: (product, name, change, now_ms) =>
      db.transaction(async (session) => {
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.catalog]);
        const owner = await productId(session, product);
        if (owner === undefined) return { end: 'unknown', serials: [] };
        const listed = [...(change.members ?? []), ...(change.add ?? [])];
        const removed = change.remove ?? [];
        const ids = await idsOf(session, owner, [...listed, ...removed]);
        const serials = listed.filter((serial) => !ids.has(serial));
        if (serials.length > 0) return { end: 'unknown', serials };
        const made = await session.run(
          "INSERT INTO gateway_group (product_id, name, meta, created_ms) VALUES (?, ?, '', ?) ON CONFLICT DO NOTHING",
          [owner, name, now_ms],
        );
        const id = (await findGroup(session, product, name))?.id ?? 0;
        const { meta, criteria } = change;
        if (meta !== undefined)
          await session.run('UPDATE gateway_group SET meta = ? WHERE id = ?', [meta, id]);
        if (criteria !== undefined) {
          await session.run('UPDATE gateway_group SET criteria = ? WHERE id = ?', [
            criteriaText(criteria),
            id,
          ]);
        }
        if (change.members !== undefined)
          await session.run('DELETE FROM group_member WHERE group_id = ?', [id]);
        await session.run(
          'INSERT INTO group_member (group_id, gateway_id) SELECT ?::bigint, unnest(?::bigint[]) ON CONFLICT DO NOTHING',
          [id, listed.map((serial) => ids.get(serial) ?? 0)],
        );
        await session.run('DELETE FROM group_member WHERE group_id = ? AND gateway_id = ANY(?::bigint[])', [
          id,
          removed.map((serial) => ids.get(serial) ?? 0),
        ]);
        return { end: made > 0 ? 'made' : 'changed' };
      }),
    removeGroup: async (product, name) =>
      (await db.run(
        'DELETE FROM gateway_group c USING product p WHERE p.id = c.product_id AND p.name = ? AND c.name = ?',
        [product, name],
      )) > 0,
  };
}
