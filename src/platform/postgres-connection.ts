/** One connection to PostgreSQL as the pool makes it: with its limits, to a server that takes writes, watched while it is in use. */
import pg from 'pg';
import { standby } from './postgres-errors.ts';
import { decoded } from './postgres-values.ts';

/** Connections of one platform: a bounded share of what a server allows. */
export const POOL_MAX_CONNECTIONS = 8;
/** A connection is replaced after so long, and with it the plans that were made when tables were smaller. */
const CONNECTION_MAX_AGE_S = 300;
const CONNECT_TIMEOUT_MS = 5_000;
/** A statement that takes longer is ended: nobody waits for it any more. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that was paused in the midst of a transaction may not hold up the other replicas. */
const IDLE_IN_TRANSACTION_MS = 10_000;
const INT8 = 20;
const TEXT = 25;
const NUMERIC = 1700;

/** A pool without a connection in it. */
export function newPool(url: string): pg.Pool {
  return new pg.Pool({
    connectionString: url,
    max: POOL_MAX_CONNECTIONS,
    maxLifetimeSeconds: CONNECTION_MAX_AGE_S,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: 'gwe platform',
    // To compile a question takes longer than to answer any of ours.
    options: '-c jit=off',
    types: { getTypeParser: parserOf },
    onConnect: getToKnow,
  });
}

/** The processes that serve connections. */
const processes = new WeakMap<pg.ClientBase, number>();

/** Raises `busy` for a standby: what it answers may be old, a key that was taken away would open again. */
async function getToKnow(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ follows: boolean; pid: number }>(
    'SELECT pg_is_in_recovery() AS follows, pg_backend_pid() AS pid',
  );
  if (rows[0]?.follows !== false) throw standby();
  processes.set(client, rows[0].pid);
}

/** Has the server give up what it does for a connection, by another one: all of the pool may be waiting. */
export async function cancel(url: string, client: pg.ClientBase): Promise<void> {
  const limit_ms = CONNECT_TIMEOUT_MS;
  const other = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: limit_ms,
    query_timeout: limit_ms,
  });
  other.on('error', () => {});
  try {
    await other.connect();
    await other.query('SELECT pg_cancel_backend($1)', [processes.get(client)]);
  } catch {
    // It does not answer at all: then the connection is given up (renew).
  } finally {
    await other.end().catch(() => {});
  }
}

/** Where PostgreSQL gives up waiting for its synchronous standby; the commit itself then seems to have gone well. */
const GIVES_UP_STANDBY = 'SyncRepWaitForLSN';

export type Watch = ReturnType<typeof watchClient>;

/** To be ended when the connection is given back. */
export function watchClient(client: pg.PoolClient) {
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

/** Numbers of 64 bits as numbers: ids and instants stay far below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8 || oid === NUMERIC) return Number;
  if (oid === TEXT) return decoded;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
}
