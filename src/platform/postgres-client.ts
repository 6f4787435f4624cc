/**
 * Connections to PostgreSQL: a bounded pool, transactions that are tried again where that is safe. A connection that leads to a
 * server which no longer takes writes is dropped; a commit that the synchronous standby did not confirm is none.
 */
import type pg from 'pg';
import { cancel, newPool, STATEMENT_TIMEOUT_MS, type Watch, watchClient } from './postgres-connection.ts';
import { databaseError, isClash, isFull, isSpoilt, unsure } from './postgres-errors.ts';
import { bound, type Values } from './postgres-values.ts';
import type { Row } from './sqlite-rows.ts';

/** A commit waits for the synchronous standby however long that takes, no limit on statements ends that: then it is told to give up. */
const COMMIT_MAX_MS = 10_000;
/** Deadlocks, locks that were waited for too long: nothing of such a transaction was done. */
const AGAIN_MAX = 3;

/** A statement that each connection has read and planned once, by its name. For those of every batch of check-ins; it must always mean the same. */
export interface Prepared {
  name: string;
  text: string;
}

export type Sql = string | Prepared;

/** One connection, or whichever of the pool is free. Values stand for `?`, or for `:name`. */
export interface Session {
  all(sql: Sql, values?: Values): Promise<Row[]>;
  get(sql: Sql, values?: Values): Promise<Row | undefined>;
  /** Returns how many rows were changed. */
  run(sql: Sql, values?: Values): Promise<number>;
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
export function openPool(
  url: string,
  onLost: (error: Error) => void,
  commitMax_ms = COMMIT_MAX_MS,
): Database {
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
  /** Waits for what ends with a commit, and has it given up when that takes too long. */
  const inTime = async <T>(client: pg.PoolClient, watch: Watch, max_ms: number, work: Promise<T>) => {
    const giveUp = () => {
      watch.break();
      void cancel(url, client);
    };
    const timer = setTimeout(giveUp, max_ms).unref();
    return work.finally(() => clearTimeout(timer));
  };
  const once = <T>(work: (db: Session) => Promise<T>): Promise<T> =>
    lend(async (client, watch) => {
      try {
        await client.query('BEGIN');
        const made = await work(sessionOf(client));
        await inTime(client, watch, commitMax_ms, client.query('COMMIT'));
        return made;
      } catch (error) {
        await client.query('ROLLBACK').catch(watch.break);
        throw error;
      }
    });
  const query: Query = (statement) =>
    lend((client, watch) => {
      const asked = client.query<Row>(statement);
      return inTime(client, watch, STATEMENT_TIMEOUT_MS + commitMax_ms, asked);
    }).catch((thrown) => {
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

type Query = (statement: { name?: string; text: string; values: unknown[] }) => Promise<pg.QueryResult<Row>>;

function sessionOf(client: pg.PoolClient): Session {
  return sessionBy(async (statement) => {
    try {
      return await client.query<Row>(statement);
    } catch (error) {
      throw databaseError(error);
    }
  });
}

function sessionBy(query: Query): Session {
  const ask = (sql: Sql, values: Values = []) => {
    const { text, list } = bound(typeof sql === 'string' ? sql : sql.text, values);
    return query({ text, values: list, ...(typeof sql === 'string' ? {} : { name: sql.name }) });
  };
  return {
    all: async (sql, values) => (await ask(sql, values)).rows,
    get: async (sql, values) => (await ask(sql, values)).rows[0],
    run: async (sql, values) => (await ask(sql, values)).rowCount ?? 0,
    script: async (sql) => void (await query({ text: sql, values: [] })),
  };
}
