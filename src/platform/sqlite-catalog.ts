/** Gateways and their activation in SQLite, and with sqlite-products.ts the whole catalog: synchronous functions over prepared statements. */
import type { DatabaseSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { ACTIVATION_LOG_MAX, HEADS_MAX_GATEWAYS } from './limits.ts';
import { prepareProducts, prepareRanges } from './sqlite-products.ts';
import { int, type Row, text } from './sqlite-rows.ts';
import type { Gateway, GatewayFilter, GatewayRef, GatewayState, LogEntry, NewGateway } from './store.ts';
import { mayRemap, stateAt } from './store-rules.ts';
import { newSecret } from './tokens.ts';

const GATEWAY_COLUMNS = `g.id, p.name AS product, g.serial, g.rid, g.state, g.extra, g.created_ms, g.last_seen_ms,
  coalesce((SELECT v.value FROM dataport d JOIN point v ON v.id = d.value_id
            WHERE d.gateway_id = g.id AND d.alias = 'engine_report'), '') AS engine_report`;

export type Catalog = ReturnType<typeof prepareCatalog>;

/** Reads the rows of gateways of either store. `seen` gives what is newer than the "last seen" there. */
export const gatewayReader =
  (seen: (gateway: number) => number) =>
  (row: Row): Gateway => ({
    id: int(row, 'id'),
    product: text(row, 'product'),
    serial: text(row, 'serial'),
    rid: text(row, 'rid'),
    state: readState(text(row, 'state')),
    extra: text(row, 'extra'),
    created_ms: int(row, 'created_ms'),
    lastSeen_ms: Math.max(int(row, 'last_seen_ms'), seen(int(row, 'id'))),
    engineReport: text(row, 'engine_report'),
  });

/** Prepares the statements. `seen` gives what is newer than the "last seen" on the disk. */
export function prepareCatalog(db: DatabaseSync, seen: (gateway: number) => number) {
  const byKey = db.prepare('SELECT id, product_id FROM gateway WHERE key = ?');
  const byName = db.prepare(
    `SELECT g.id, g.product_id FROM gateway g JOIN product p ON p.id = g.product_id
     WHERE p.name = ? AND g.serial = ?`,
  );
  const keys = new Map<string, { id: number; productId: number }>();
  const find = (who: GatewayRef): { id: number; productId: number } | undefined => {
    const kept = 'key' in who ? keys.get(who.key) : undefined;
    if (kept !== undefined) return kept;
    const row = 'key' in who ? byKey.get(who.key) : byName.get(who.product, who.serial);
    if (row === undefined) return undefined;
    const found = { id: int(row, 'id'), productId: int(row, 'product_id') };
    if (keys.size >= HEADS_MAX_GATEWAYS) keys.clear();
    if ('key' in who) keys.set(who.key, found);
    return found;
  };
  const readGateway = gatewayReader(seen);
  return {
    find,
    /** Throws away which key leads where: to be called when keys or gateways change. */
    forget: () => keys.clear(),
    ...prepareProducts(db),
    ...prepareRanges(db),
    ...prepareGateways(db, find, readGateway),
    ...prepareKeys(db, find),
  };
}

/** Raises `internal` for what is no state. */
export function readState(state: string): GatewayState {
  if (state === 'unused' || state === 'enabled' || state === 'activated' || state === 'disabled')
    return state;
  throw new GweError('internal', `Cannot read the state of a gateway: "${state}"`);
}

type Find = (who: GatewayRef) => { id: number; productId: number } | undefined;

function prepareGateways(db: DatabaseSync, find: Find, readGateway: (row: Row) => Gateway) {
  const page = db.prepare(
    `SELECT ${GATEWAY_COLUMNS} FROM gateway g JOIN product p ON p.id = g.product_id
     WHERE g.id > :after AND (:product IS NULL OR p.name = :product) AND (:serial IS NULL OR g.serial = :serial)
     ORDER BY g.id LIMIT :limit OFFSET :offset`,
  );
  const one = db.prepare(
    `SELECT ${GATEWAY_COLUMNS} FROM gateway g JOIN product p ON p.id = g.product_id WHERE g.id = ?`,
  );
  const productId = db.prepare('SELECT id FROM product WHERE name = ?');
  const exists = db.prepare('SELECT 1 FROM gateway WHERE product_id = ? AND serial = ?');
  const add = db.prepare(
    'INSERT INTO gateway (product_id, serial, rid, state, extra, created_ms) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const remove = db.prepare('DELETE FROM gateway WHERE product_id = ? AND serial = ?');
  const setSeen = db.prepare('UPDATE gateway SET last_seen_ms = max(last_seen_ms, ?) WHERE id = ?');
  return {
    gateways: (filter: GatewayFilter): Gateway[] =>
      page
        .all({
          product: filter.product ?? null,
          serial: filter.serial ?? null,
          after: filter.after ?? 0,
          offset: filter.offset ?? 0,
          limit: filter.limit,
        })
        .map(readGateway),
    gateway(who: GatewayRef): Gateway | undefined {
      const found = find(who);
      const row = found === undefined ? undefined : one.get(found.id);
      return row === undefined ? undefined : readGateway(row);
    },
    addGateways(
      product: string,
      gateways: readonly NewGateway[],
      state: 'unused' | 'enabled',
      now_ms: number,
    ) {
      const row = productId.get(product);
      if (row === undefined) return 'unknown' as const;
      const id = int(row, 'id');
      const serials = new Set(gateways.map((gateway) => gateway.serial));
      const taken = serials.size < gateways.length || [...serials].some((serial) => exists.get(id, serial));
      if (taken) return 'exists' as const;
      for (const { serial, extra } of gateways) add.run(id, serial, newSecret(), state, extra, now_ms);
      return 'added' as const;
    },
    removeGateways(product: string, serials: readonly string[]): number {
      const row = productId.get(product);
      if (row === undefined) return 0;
      const id = int(row, 'id');
      return serials.reduce((removed, serial) => removed + Number(remove.run(id, serial).changes), 0);
    },
    setSeen: (seen: ReadonlyMap<number, number>) => {
      for (const [gateway, time_ms] of seen) setSeen.run(time_ms, gateway);
    },
  };
}

function prepareKeys(db: DatabaseSync, find: Find) {
  const state = db.prepare('SELECT state, enabled_until_ms FROM gateway WHERE id = ?');
  const set = db.prepare('UPDATE gateway SET key = ?, state = ?, enabled_until_ms = ? WHERE id = ?');
  const rename = db.prepare('UPDATE gateway SET serial = ? WHERE id = ?');
  const log = db.prepare(
    'INSERT INTO activation (gateway_id, time_ms, connection, entry) VALUES (?, ?, ?, ?)',
  );
  const cutLog = db.prepare(
    `DELETE FROM activation WHERE gateway_id = ?1 AND id <=
     (SELECT id FROM activation WHERE gateway_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
  );
  const logOf = db.prepare(
    'SELECT time_ms, connection, entry FROM activation WHERE gateway_id = ? ORDER BY id DESC',
  );
  const note = (gateway: number, entry: LogEntry) => {
    log.run(gateway, entry.time_ms, entry.connection, entry.entry);
    cutLog.run(gateway, ACTIVATION_LOG_MAX);
  };
  const stateOf = (gateway: number, now_ms: number): GatewayState => {
    const row = state.get(gateway) ?? {};
    return stateAt(readState(text(row, 'state')), row['enabled_until_ms'], now_ms);
  };
  return {
    setState(who: GatewayRef, to: 'enabled' | 'disabled', until_ms: number | undefined, entry: LogEntry) {
      const found = find(who);
      if (found === undefined) return false;
      set.run(null, to, until_ms ?? null, found.id);
      note(found.id, entry);
      return true;
    },
    /** Two serial numbers change places: the client keeps its id, and so all its data. */
    remap(product: string, from: string, to: string, until_ms: number, entry: LogEntry) {
      const client = find({ product, serial: from });
      const unused = find({ product, serial: to });
      if (client === undefined || unused === undefined) return 'unknown' as const;
      const states = [stateOf(client.id, entry.time_ms), stateOf(unused.id, entry.time_ms)] as const;
      if (!mayRemap(...states)) return 'conflict' as const;
      rename.run('', unused.id);
      rename.run(to, client.id);
      rename.run(from, unused.id);
      set.run(null, 'enabled', until_ms, client.id);
      note(client.id, entry);
      return 'done' as const;
    },
    activate(who: GatewayRef, key: string, entry: LogEntry) {
      const found = find(who);
      if (found === undefined) return 'unknown' as const;
      if (stateOf(found.id, entry.time_ms) !== 'enabled') return 'conflict' as const;
      set.run(key, 'activated', null, found.id);
      note(found.id, entry);
      return 'activated' as const;
    },
    activationLog(who: GatewayRef): LogEntry[] | undefined {
      const found = find(who);
      return found === undefined
        ? undefined
        : logOf.all(found.id).map((row) => ({
            time_ms: int(row, 'time_ms'),
            connection: text(row, 'connection'),
            entry: text(row, 'entry'),
          }));
    },
  };
}
