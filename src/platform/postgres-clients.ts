/**
 * Gateways in PostgreSQL by their keys and names, for a batch of calls: found, and locked when they are written to. Which gateway a key
 * led to is remembered, but never believed: its row is locked anyway, and says whether the key is still its own.
 */
import { KEYS_MAX_GATEWAYS } from './limits.ts';
import type { Prepared, Session } from './postgres-client.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { GatewayRef } from './store.ts';

export interface Client {
  id: number;
  productId: number;
}

/** Ids of gateways by their keys, as they were once. */
export interface Keys {
  get(key: string): number | undefined;
  note(key: string, id: number): void;
  forget(key: string): void;
}

/** Remembers so many; the one that was noted first makes room. */
export function createKeys(max = KEYS_MAX_GATEWAYS): Keys {
  const ids = new Map<string, number>();
  return {
    get: (key) => ids.get(key),
    note(key, id) {
      const oldest = ids.size >= max && !ids.has(key) ? ids.keys().next().value : undefined;
      if (oldest !== undefined) ids.delete(oldest);
      ids.set(key, id);
    },
    forget: (key) => void ids.delete(key),
  };
}

/** Names a reference among others. */
export const refText = (who: GatewayRef): string =>
  'key' in who ? `k ${who.key}` : `n ${JSON.stringify([who.product, who.serial])}`;

const FOUND: Prepared = {
  name: 'find gateways',
  text: `SELECT g.id, g.product_id, g.key, p.name AS product, g.serial FROM gateway g JOIN product p ON p.id = g.product_id
  WHERE g.id IN (
    SELECT id FROM gateway WHERE key = ANY(:keys::text[])
    UNION ALL SELECT c.id FROM unnest(:products::text[], :serials::text[]) w(product, serial)
      JOIN product o ON o.name = w.product JOIN gateway c ON c.product_id = o.id AND c.serial = w.serial)`,
};
const LOCK =
  'SELECT id, product_id, key FROM gateway WHERE id = ANY(?::bigint[]) ORDER BY id FOR NO KEY UPDATE';

/** Finds gateways. */
export async function findClients(
  db: Session,
  refs: readonly GatewayRef[],
): Promise<ReadonlyMap<string, Client>> {
  return clientsIn(await lookUp(db, refs));
}

/**
 * Finds gateways and locks them, in the order of their ids, so that two never wait for each other: nobody else writes to them until the
 * transaction ends. By a statement of its own, without joins: one that found gateways and locked them missed some that were there, when
 * it had to wait for their rows.
 */
export async function lockClients(
  db: Session,
  refs: readonly GatewayRef[],
  keys: Keys = createKeys(0),
): Promise<ReadonlyMap<string, Client>> {
  const isKept = (who: GatewayRef) => 'key' in who && keys.get(who.key) !== undefined;
  const rest = refs.filter((who) => !isKept(who));
  const looked = rest.length === 0 ? [] : await lookUp(db, rest);
  const kept = refs.flatMap((who) => ('key' in who ? [{ key: who.key, id: keys.get(who.key) }] : []));
  const ids = [
    ...looked.map((row) => int(row, 'id')),
    ...kept.flatMap(({ id }) => (id === undefined ? [] : [id])),
  ];
  const now = new Map((await db.all(LOCK, [ids])).map((row) => [int(row, 'id'), row]));
  const outdated = kept.filter(({ key, id }) => id !== undefined && now.get(id)?.['key'] !== key);
  if (outdated.length === 0) return clientsOf(looked, now, keys);
  for (const { key } of outdated) keys.forget(key);
  return lockClients(db, refs, keys);
}

/** As they are once they are locked, without those that are gone. */
function clientsOf(
  looked: readonly Row[],
  now: ReadonlyMap<number, Row>,
  keys: Keys,
): ReadonlyMap<string, Client> {
  const found = clientsIn(
    looked.flatMap((row) => {
      const key = now.get(int(row, 'id'))?.['key'];
      return key === undefined ? [] : [{ ...row, key }];
    }),
  );
  for (const row of now.values()) {
    const key = textOrNull(row, 'key');
    if (key === undefined) continue;
    found.set(refText({ key }), clientIn(row));
    keys.note(key, int(row, 'id'));
  }
  return found;
}

async function lookUp(db: Session, refs: readonly GatewayRef[]): Promise<Row[]> {
  const names = refs.flatMap((who) => ('key' in who ? [] : [who]));
  return db.all(FOUND, {
    keys: refs.flatMap((who) => ('key' in who ? [who.key] : [])),
    products: names.map((who) => who.product),
    serials: names.map((who) => who.serial),
  });
}

const clientIn = (row: Row): Client => ({ id: int(row, 'id'), productId: int(row, 'product_id') });

function clientsIn(rows: readonly Row[]): Map<string, Client> {
  const found = new Map<string, Client>();
  for (const row of rows) {
    const client = clientIn(row);
    const key = textOrNull(row, 'key');
    if (key !== undefined) found.set(refText({ key }), client);
    found.set(refText({ product: text(row, 'product'), serial: text(row, 'serial') }), client);
  }
  return found;
}
