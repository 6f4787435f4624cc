/** Connections to PostgreSQL: a bounded pool, transactions that are tried again where that is safe, errors with the code that leads to the right answer. */
import pg from 'pg';
import { asGweError, GweError } from '../errors.ts';
import { RETRY_AFTER_S } from './limits.ts';
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
  close(): Promise<void>;
}

/** Opens the pool; nothing is connected yet. `onLost` is told of connections that broke while idle. */
export function openPool(url: string, onLost: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: 'gwe platform',
    types: { getTypeParser: parserOf },
  });
  pool.on('error', onLost);
  const once = async <T>(work: (db: Session) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    // Without a listener a connection that breaks between two statements would end the process.
    const note = (error: Error) => {
      broken = error;
    };
    client.on('error', note);
    try {
      await client.query('BEGIN');
      const made = await work(sessionOf(client));
      await client.query('COMMIT');
      return made;
    } catch (error) {
      await client.query('ROLLBACK').catch(note);
      throw error;
    } finally {
      client.off('error', note);
      client.release(broken);
    }
  };
  return {
    ...sessionOf(pool),
    async transaction(work) {
      for (let tried = 1; ; tried += 1) {
        try {
          return await once(work);
        } catch (error) {
          if (!isClash(error) || tried >= AGAIN_MAX) throw databaseError(error);
        }
      }
    },
    close: () => pool.end(),
  };
}

function sessionOf(client: Pick<pg.Pool | pg.PoolClient, 'query'>): Session {
  const query = async (sql: string, values: Values = []) => {
    const { text, list } = bound(sql, values);
    try {
      return await client.query<Row>({ text, values: list });
    } catch (error) {
      throw databaseError(error);
    }
  };
  return {
    all: async (sql, values) => (await query(sql, values)).rows,
    get: async (sql, values) => (await query(sql, values)).rows[0],
    run: async (sql, values) => (await query(sql, values)).rowCount ?? 0,
    script: async (sql) => void (await client.query(sql)),
  };
}

/** Numbers of 64 bits as numbers: ids and instants stay far below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8 || oid === NUMERIC) return Number;
  if (oid === TEXT) return decoded;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}

function codeOf(thrown: unknown): string {
  const raised = thrown instanceof GweError ? thrown.cause : thrown;
  return raised instanceof Error && 'code' in raised ? String(raised.code) : '';
}

const isClash = (thrown: unknown) => ['40P01', '40001', '55P03'].includes(codeOf(thrown));

/** Away, starting, stopping, standing by, or full of connections: it passes. */
const AWAY = /^(08...|57P0.|57014|25006|25P03|53300|40P01|40001|55P03|E[A-Z_]+)$/;
const LOST = /terminated|timeout|not queryable|ended/i;

/** What the driver or the server raised, with the code that leads to the right answer: full disk 507, away 503. */
export function databaseError(thrown: unknown): GweError {
  if (thrown instanceof GweError) return thrown;
  const code = codeOf(thrown);
  const message = `Cannot use PostgreSQL: ${thrown instanceof Error ? thrown.message || code : String(thrown)}`;
  if (code === '53100') return new GweError('disk-full', message, { cause: thrown });
  if (AWAY.test(code) || (code === '' && thrown instanceof Error && LOST.test(thrown.message))) {
    const hint =
      'Look whether the server of --store answers, with the same address: psql ADDRESS -c "SELECT 1"';
    return new GweError('busy', message, { cause: thrown, retryAfter_s: RETRY_AFTER_S, hint });
  }
  return asGweError(thrown);
}
