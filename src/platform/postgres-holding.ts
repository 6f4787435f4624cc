/**
 * One platform at a time has a database: an advisory lock, held by a connection of its own, so that it ends with the process
 * or its machine. Where the connection broke it is taken again; where another platform took it meanwhile, this one does nothing any more.
 */
import pg from 'pg';
import { explain, GweError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { RETRY_AFTER_S } from './limits.ts';
import { databaseError } from './postgres-client.ts';
import { LOCKS } from './postgres-locks.ts';

const AGAIN_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Where the network dropped a connection silently, the server ends it, and with it the lock, after some 25 s instead of two hours. */
const KEEPALIVES = `SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false)`;

export interface Holding {
  /** Raises `busy` while it is not certain that this platform has the database. */
  check(): void;
  release(): Promise<void>;
}

/** Raises `locked` when another platform has the database, `busy` when PostgreSQL is away. */
export async function holdDatabase(url: string, log: Log): Promise<Holding> {
  let isOver = false;
  let isHeld = false;
  let client: pg.Client;
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    timer = setTimeout(async () => {
      try {
        client = await take(url, onLost);
        isHeld = true;
        log.info('PostgreSQL: the database is held again');
      } catch (error) {
        log.error(`PostgreSQL: ${explain(error)}`);
        if (!isOver) again();
      }
    }, AGAIN_MS).unref();
  };
  const onLost = () => {
    isHeld = false;
    if (!isOver) again();
  };
  client = await take(url, onLost);
  isHeld = true;
  return {
    check() {
      if (isHeld) return;
      throw new GweError('busy', 'Cannot use PostgreSQL: the connection that holds the database is lost', {
        retryAfter_s: RETRY_AFTER_S,
      });
    },
    async release() {
      isOver = true;
      clearTimeout(timer);
      await client.end().catch(() => {});
    },
  };
}

async function take(url: string, onLost: () => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'gwe platform (holds the database)',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(KEEPALIVES);
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
      LOCKS.platform,
    ]);
    if (rows[0]?.held === true) {
      client.once('end', onLost);
      return client;
    }
  } catch (error) {
    await client.end().catch(() => {});
    throw databaseError(error);
  }
  await client.end();
  throw new GweError('locked', 'Cannot use the database: another platform has it', {
    hint: 'Stop that one first, or give this one another database: --store URL',
  });
}
