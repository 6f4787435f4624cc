/**
 * What a batch of calls needs to know before it is carried out, fetched with one statement each: gateways (locked, when they
 * are written to), the newest values of the dataports that are named, the aliases of products.
 */
import type { Session } from './postgres-client.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { GatewayRef } from './store.ts';

export interface Client {
  id: number;
  productId: number;
}

/** A dataport's row, and what has become of it in this batch. */
export interface Head {
  id: number;
  readonly gateway: number;
  readonly alias: string;
  value: string;
  updated_ms: number;
  /** The newest value's point. */
  point: number;
  /** The point that was added last: another than `point` after a recording of older points. */
  lastId: number;
  /** The day of the newest point that has its text beside it. */
  textDay: number;
  isNew: boolean;
  /** The row is to be written; with its text, or without. */
  change: 'none' | 'time' | 'value';
}

export interface World {
  find(who: GatewayRef): Client | undefined;
  head(gateway: number, alias: string): Head | undefined;
  addHead(head: Head): void;
  heads(): Head[];
  isProductAlias(product: number, alias: string): boolean;
}

const refText = (who: GatewayRef) =>
  'key' in who ? `k ${who.key}` : `n ${JSON.stringify([who.product, who.serial])}`;
const portText = (gateway: number, alias: string) => `${gateway} ${alias}`;

const FOUND = `SELECT g.id, g.product_id, g.key, p.name AS product, g.serial FROM gateway g JOIN product p ON p.id = g.product_id
  WHERE g.id IN (
    SELECT id FROM gateway WHERE key = ANY(:keys::text[])
    UNION ALL SELECT c.id FROM unnest(:products::text[], :serials::text[]) w(product, serial)
      JOIN product o ON o.name = w.product JOIN gateway c ON c.product_id = o.id AND c.serial = w.serial)`;
const LOCK = 'SELECT id, key FROM gateway WHERE id = ANY(?::bigint[]) ORDER BY id FOR NO KEY UPDATE';

/** Finds gateways; with `lock` nobody else writes to them until the transaction ends. In the order of ids, so that two never wait for each other. */
export async function findClients(
  db: Session,
  refs: readonly GatewayRef[],
  lock: boolean,
): Promise<Map<string, Client>> {
  const keys = refs.flatMap((who) => ('key' in who ? [who.key] : []));
  const names = refs.flatMap((who) => ('key' in who ? [] : [who]));
  const values = {
    keys,
    products: names.map((who) => who.product),
    serials: names.map((who) => who.serial),
  };
  const rows = await db.all(FOUND, values);
  return clientsIn(lock ? await locked(db, rows) : rows);
}

/**
 * The rows as they are once they are locked, without those that are gone. By a statement of its own, without joins: one that
 * found gateways and locked them missed some that were there, when it had to wait for their rows.
 */
async function locked(db: Session, rows: readonly Row[]): Promise<Row[]> {
  const now = await db.all(LOCK, [rows.map((row) => int(row, 'id'))]);
  const keyOf = new Map(now.map((row) => [int(row, 'id'), row['key']]));
  return rows.flatMap((row) => {
    const key = keyOf.get(int(row, 'id'));
    return key === undefined ? [] : [{ ...row, key }];
  });
}

function clientsIn(rows: readonly Row[]): Map<string, Client> {
  const found = new Map<string, Client>();
  for (const row of rows) {
    const client = { id: int(row, 'id'), productId: int(row, 'product_id') };
    const key = textOrNull(row, 'key');
    if (key !== undefined) found.set(refText({ key }), client);
    found.set(refText({ product: text(row, 'product'), serial: text(row, 'serial') }), client);
  }
  return found;
}

/** Fetches all that `wanted` names. */
export async function fetchWorld(
  db: Session,
  wanted: ReadonlyArray<{ who: GatewayRef; aliases: readonly string[] }>,
  lock: boolean,
): Promise<World> {
  const clients = await findClients(
    db,
    wanted.map(({ who }) => who),
    lock,
  );
  const find = (who: GatewayRef) => clients.get(refText(who));
  const ports = wanted.flatMap(({ who, aliases }) => {
    const id = find(who)?.id;
    return id === undefined ? [] : aliases.map((alias) => ({ id, alias }));
  });
  const heads = new Map<string, Head>();
  for (const head of await fetchHeads(db, ports)) heads.set(portText(head.gateway, head.alias), head);
  const aliases = new Set(
    (await db.all('SELECT product_id, alias FROM product_alias')).map((row) =>
      portText(int(row, 'product_id'), text(row, 'alias')),
    ),
  );
  return {
    find,
    head: (gateway, alias) => heads.get(portText(gateway, alias)),
    addHead: (head) => void heads.set(portText(head.gateway, head.alias), head),
    heads: () => [...heads.values()],
    isProductAlias: (product, alias) => aliases.has(portText(product, alias)),
  };
}

async function fetchHeads(db: Session, ports: ReadonlyArray<{ id: number; alias: string }>): Promise<Head[]> {
  if (ports.length === 0) return [];
  const rows = await db.all(
    `SELECT d.* FROM dataport d WHERE (d.gateway_id, d.alias) IN (SELECT * FROM unnest(:ids::bigint[], :aliases::text[]))`,
    { ids: ports.map(({ id }) => id), aliases: ports.map(({ alias }) => alias) },
  );
  return rows.map((row) => ({
    id: int(row, 'id'),
    gateway: int(row, 'gateway_id'),
    alias: text(row, 'alias'),
    value: text(row, 'value'),
    updated_ms: int(row, 'time_ms'),
    point: int(row, 'point_id'),
    lastId: int(row, 'last_id'),
    textDay: int(row, 'text_day'),
    isNew: false,
    change: 'none',
  }));
}
