/** Gateways and their activation in PostgreSQL. */
import { ACTIVATION_LOG_MAX } from './limits.ts';
import type { Database, Session } from './postgres-client.ts';
import { type Client, findClients, lockClients, refText } from './postgres-clients.ts';
import { LOCKS } from './postgres-locks.ts';
import { productId } from './postgres-products.ts';
import { gatewayReader, readState } from './sqlite-catalog.ts';
import { int, text } from './sqlite-rows.ts';
import type { GatewayRef, GatewayState, LogEntry, Store } from './store.ts';
import { mayRemap, stateAt } from './store-rules.ts';
import { newSecret } from './tokens.ts';

type Catalog = Pick<
  Store,
  | 'gateways'
  | 'gateway'
  | 'addGateways'
  | 'removeGateways'
  | 'setState'
  | 'remap'
  | 'activate'
  | 'activationLog'
>;

const GATEWAYS = `SELECT g.id, p.name AS product, g.serial, g.rid, g.state, g.extra, g.created_ms, g.last_seen_ms,
  coalesce((SELECT d.value FROM dataport d WHERE d.gateway_id = g.id AND d.alias = 'engine_report'), '') AS engine_report
  FROM gateway g JOIN product p ON p.id = g.product_id`;

/** The gateway of a reference; with `lock` nobody else changes it until the transaction ends. */
export async function findOne(db: Session, who: GatewayRef, lock = false): Promise<Client | undefined> {
  const find = lock ? lockClients : findClients;
  return (await find(db, [who])).get(refText(who));
}

/** `seen` gives what is newer than the "last seen" in the database. */
export function openCatalog(db: Database, seen: (gateway: number) => number): Catalog {
  const readGateway = gatewayReader(seen);
  return {
    async gateways({ product, serial, after = 0, offset = 0, limit }) {
      const rows = await db.all(
        `${GATEWAYS} WHERE g.id > :after AND (:product::text IS NULL OR p.name = :product)
         AND (:serial::text IS NULL OR g.serial = :serial) ORDER BY g.id LIMIT :limit OFFSET :offset`,
        { product: product ?? null, serial: serial ?? null, after, offset, limit },
      );
      return rows.map(readGateway);
    },
    async gateway(who) {
      const found = await findOne(db, who);
      const row = found === undefined ? undefined : await db.get(`${GATEWAYS} WHERE g.id = ?`, [found.id]);
      return row === undefined ? undefined : readGateway(row);
    },
    addGateways: (product, gateways, state, now_ms) =>
      db.transaction(async (session) => {
        const id = await productId(session, product);
        if (id === undefined) return 'unknown';
        const serials = [...new Set(gateways.map(({ serial }) => serial))];
        if (serials.length < gateways.length) return 'exists';
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.catalog]);
        const taken = await session.get(
          'SELECT 1 AS taken FROM gateway WHERE product_id = ? AND serial = ANY(?::text[]) LIMIT 1',
          [id, serials],
        );
        if (taken !== undefined) return 'exists';
        await session.run(
          `INSERT INTO gateway (product_id, serial, rid, state, extra, created_ms)
           SELECT :id::bigint, n.serial, n.rid, :state, n.extra, :now_ms::bigint
           FROM unnest(:serials::text[], :rids::text[], :extras::text[]) WITH ORDINALITY n(serial, rid, extra, place) ORDER BY n.place`,
          {
            ...{ id, state, now_ms, serials },
            rids: gateways.map(() => newSecret()),
            extras: gateways.map(({ extra }) => extra),
          },
        );
        return 'added';
      }),
    removeGateways: (product, serials) =>
      db.transaction(async (session) => {
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.catalog]);
        await lockClients(
          session,
          serials.map((serial) => ({ product, serial })),
        );
        return session.run(
          `DELETE FROM gateway g USING product p WHERE p.id = g.product_id AND p.name = ? AND g.serial = ANY(?::text[])`,
          [product, serials],
        );
      }),
    ...openKeys(db),
  };
}

async function stateOf(db: Session, gateway: number, now_ms: number): Promise<GatewayState> {
  const row = (await db.get('SELECT state, enabled_until_ms FROM gateway WHERE id = ?', [gateway])) ?? {};
  return stateAt(readState(text(row, 'state')), row['enabled_until_ms'], now_ms);
}

async function note(db: Session, gateway: number, { time_ms, connection, entry }: LogEntry): Promise<void> {
  await db.run('INSERT INTO activation (gateway_id, time_ms, connection, entry) VALUES (?, ?, ?, ?)', [
    ...[gateway, time_ms, connection, entry],
  ]);
  await db.run(
    `DELETE FROM activation WHERE gateway_id = :gateway AND id <=
     (SELECT id FROM activation WHERE gateway_id = :gateway ORDER BY id DESC LIMIT 1 OFFSET ${ACTIVATION_LOG_MAX})`,
    { gateway },
  );
}

const SET = 'UPDATE gateway SET key = ?, state = ?, enabled_until_ms = ? WHERE id = ?';
const RENAME = 'UPDATE gateway SET serial = ? WHERE id = ?';

function openKeys(db: Database): Pick<Catalog, 'setState' | 'remap' | 'activate' | 'activationLog'> {
  return {
    setState: (who, to, until_ms, log) =>
      db.transaction(async (session) => {
        const found = await findOne(session, who, true);
        if (found === undefined) return false;
        await session.run(SET, [null, to, until_ms ?? null, found.id]);
        await note(session, found.id, log);
        return true;
      }),
    /** Two serial numbers change places: the client keeps its id, and so all its data. */
    remap: (product, from, to, until_ms, log) =>
      db.transaction(async (session) => {
        await lockClients(session, [
          { product, serial: from },
          { product, serial: to },
        ]);
        const client = await findOne(session, { product, serial: from });
        const unused = await findOne(session, { product, serial: to });
        if (client === undefined || unused === undefined) return 'unknown';
        const now = await stateOf(session, client.id, log.time_ms);
        if (!mayRemap(now, await stateOf(session, unused.id, log.time_ms))) return 'conflict';
        await session.run(RENAME, ['', unused.id]);
        await session.run(RENAME, [to, client.id]);
        await session.run(RENAME, [from, unused.id]);
        await session.run(SET, [null, 'enabled', until_ms, client.id]);
        await note(session, client.id, log);
        return 'done';
      }),
    activate: (who, key, log) =>
      db.transaction(async (session) => {
        const found = await findOne(session, who, true);
        if (found === undefined) return 'unknown';
        if ((await stateOf(session, found.id, log.time_ms)) !== 'enabled') return 'conflict';
        await session.run(SET, [key, 'activated', null, found.id]);
        await note(session, found.id, log);
        return 'activated';
      }),
    async activationLog(who) {
      const found = await findOne(db, who);
      if (found === undefined) return undefined;
      const rows = await db.all(
        'SELECT time_ms, connection, entry FROM activation WHERE gateway_id = ? ORDER BY id DESC',
        [found.id],
      );
      return rows.map((row) => ({
        time_ms: int(row, 'time_ms'),
        connection: text(row, 'connection'),
        entry: text(row, 'entry'),
      }));
    },
  };
}
