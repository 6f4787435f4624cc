/**
 * Connections to PostgreSQL: a bounded pool, transactions that are tried again where that is safe. A connection that leads to a
 * server which no longer takes writes is dropped; a commit that the synchronous standby did not confirm is none.
 */
import pg from 'pg';
import { databaseError, isClash, isFull, isSpoilt, standby, unsure } from './postgres-errors.ts';
import { bound, decoded, type Values } from './postgres-values.ts';
import type { Row } from './sqlite-rows.ts';

/** Connections of one platform: a bounded share of what a server allows. */
export const POOL_MAX_CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 5_000;
/** A statement that takes longer is ended: nobody waits for it any more. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that was paused in the midst of a transaction may not hold up the other replicas. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** Deadlocks, locks that were waited for too long: nothing of such a transaction was done. */
const AGAIN_MAX = 3;
const INT8 = 20;
const TEXT = 25;
const NUMERIC = 1700;

/** One connection, or whichever of the pool is free. Values stand for `?`, or for `:name`. */
export interface Session {
  all(sql: string, values?: Values): Promise<Row[]>;
  get(sql: string, values?: Values): Promise<Row | undefined>;
  /** Returns how many rows were changed. */
  run(sql: string, values?: Values): Promise<number>;
  /** Several statements without values. */
  script(sql: string): Promise<void>;
}

export interface Database extends Session {
  /** Runs `work` in one transaction: committed when this resolves, undone when it raises. */
  transaction<T>(work: (db: Session) => Promise<T>): Promise<T>;
  /** Called when the server said that its disk is full. */
  onFull(listener: (error: Error) => void): void;
  /** Uses none of the connections that are there any more. What is under way on them fails as `busy` when it has taken `silent_ms`. */
  renew(silent_ms: number): void;
  close(): Promise<void>;
}

/** Opens the pool; nothing is connected yet. `onLost` is told of connections that broke while idle. */
export function openPool(url: string, onLost: (error: Error) => void): Database {
  const open = () => newPool(url).on('error', onLost);
  let pool = open();
  /** Since when. */
  const lent = new Map<pg.PoolClient, number>();
  let tellFull: (error: Error) => void = () => {};

  const raised = (thrown: unknown) => {
    const error = databaseError(thrown);
    if (isFull(error)) tellFull(error);
    return error;
  };
  /** Lends a connection for `work`. */
  const lend = async <T>(work: (client: pg.PoolClient, watch: Watch) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    const watch = watchClient(client);
    lent.set(client, performance.now());
    try {
      const made = await work(client, watch);
      if (watch.isUnsure) throw unsure();
      return made;
    } catch (error) {
      if (isSpoilt(error)) watch.break();
      throw error;
    } finally {
      lent.delete(client);
      watch.end();
      client.release(watch.isBroken);
    }
  };
  const once = <T>(work: (db: Session) => Promise<T>): Promise<T> =>
    lend(async (client, watch) => {
      try {
        await client.query('BEGIN');
        const made = await work(sessionOf(client));
        await client.query('COMMIT');
        return made;
      } catch (error) {
        await client.query('ROLLBACK').catch(watch.break);
        throw error;
      }
    });
  const query: Query = (text, values) =>
    lend((client) => client.query<Row>({ text, values })).catch((thrown) => {
      throw raised(thrown);
    });
  return {
    ...sessionBy(query),
    async transaction(work) {
      for (let tried = 1; ; tried += 1) {
        try {
          return await once(work);
        } catch (error) {
          if (!isClash(error) || tried >= AGAIN_MAX) throw raised(error);
        }
      }
    },
    onFull(listener) {
      tellFull = listener;
    },
    renew(silent_ms) {
      const old = pool;
      pool = open();
      void old.end().catch(() => {});
      for (const [client, since_ms] of lent) {
        const endIt = () => lent.get(client) === since_ms && void client.end().catch(() => {});
        setTimeout(endIt, Math.max(1, since_ms + silent_ms - performance.now())).unref();
      }
    },
    close: () => pool.end(),
  };
}

function newPool(url: string): pg.Pool {
  return new pg.Pool({
    connectionString: url,
    max: POOL_MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: 'gwe platform',
    types: { getTypeParser: parserOf },
    onConnect: refuseStandby,
  });
}

/** What a standby answers may be old: a key that was taken away would open again. */
async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<Row>('SELECT pg_is_in_recovery() AS follows');
  if (String(rows[0]?.['follows']) === 'true') throw standby();
}

/** Where PostgreSQL gives up waiting for its synchronous standby; the commit itself then seems to have gone well. */
const GIVES_UP_STANDBY = 'SyncRepWaitForLSN';

type Watch = ReturnType<typeof watchClient>;

function watchClient(client: pg.PoolClient) {
  const onNotice = ({ routine }: { routine: string | undefined }) => {
    if (routine === GIVES_UP_STANDBY) watch.isUnsure = true;
  };
  const watch = {
    isBroken: false,
    isUnsure: false,
    break() {
      watch.isBroken = true;
    },
    end() {
      client.off('error', watch.break);
      client.off('notice', onNotice);
    },
  };
  // Without a listener a connection that breaks between two statements would end the process.
  client.on('error', watch.break);
  client.on('notice', onNotice);
  return watch;
}

type Query = (text: string, values: unknown[]) => Promise<pg.QueryResult<Row>>;

function sessionOf(client: pg.PoolClient): Session {
  return sessionBy(async (text, values) => {
    try {
      return await client.query<Row>({ text, values });
    } catch (error) {
      throw databaseError(error);
    }
  });
}

function sessionBy(query: Query): Session {
  const ask = (sql: string, values: Values = []) => {
    const { text, list } = bound(sql, values);
    return query(text, list);
  };
  return {
    all: async (sql, values) => (await ask(sql, values)).rows,
    get: async (sql, values) => (await ask(sql, values)).rows[0],
    run: async (sql, values) => (await ask(sql, values)).rowCount ?? 0,
    script: async (sql) => void (await query(sql, [])),
  };
}

/** Numbers of 64 bits as numbers: ids and instants stay far below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8 || oid === NUMERIC) return Number;
  if (oid === TEXT) return decoded;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}
