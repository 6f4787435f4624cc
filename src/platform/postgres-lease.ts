/**
 * The lease of the replica that drives rollouts, as a row in PostgreSQL: the clock of the database decides when it is over, and
 * a token that grows with each new holder stands in the way of one that was paused and does not know that its time is over.
 */
import { GweError } from '../errors.ts';
import { RETRY_AFTER_S } from './limits.ts';
import type { Lease } from './peers.ts';
import type { Bus } from './postgres-bus.ts';
import type { Database, Session } from './postgres-client.ts';
import { int } from './sqlite-rows.ts';

/** A replica that does not say for so long that it goes on is taken to have ended. */
export const LEASE_MS = 6_000;
/** Whoever is asked gives it up when what they are at is done. */
const INSIST_MAX_MS = 2 * LEASE_MS;
const ASK_AGAIN_MS = 200;

/** The time of the database, in ms: the one clock that all replicas have in common. */
export const DATABASE_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
const NAME = 'rollouts';
/** One that would last for longer than a lease can is over, too: a server with another clock, for which this one took over, gave it. */
const TAKE = `INSERT INTO lease AS l (name, holder, token, until_ms) VALUES (:name, :holder, 1, ${DATABASE_MS} + :lease_ms)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms,
    token = CASE WHEN l.holder = excluded.holder AND l.token = :token THEN l.token ELSE l.token + 1 END
  WHERE l.until_ms < ${DATABASE_MS} OR l.until_ms > ${DATABASE_MS} + 2 * :lease_ms OR (l.holder = excluded.holder AND l.token = :token)
  RETURNING token`;

const RENEW = `UPDATE lease SET until_ms = ${DATABASE_MS} + :lease_ms
  WHERE name = :name AND holder = :holder AND token = :token AND until_ms >= ${DATABASE_MS}`;

export interface FencedLease extends Lease {
  close(): void;
  /** To be called first in each transaction of the driver; nobody takes the lease until that ends. Raises `busy` when another replica has taken it. */
  fence(session: Session): Promise<void>;
}

export function openLease(db: Database, bus: Bus): FencedLease {
  let token = 0;
  let freed = () => {};
  const asked: Array<() => void> = [];
  const free: Array<() => void> = [];
  bus.onNews(({ notes }) => {
    if (notes.has('yield') && token > 0) for (const listener of asked) listener();
    if (!notes.has('free')) return;
    freed();
    for (const listener of free) listener();
  });
  const values = () => ({ name: NAME, holder: bus.name, token, lease_ms: LEASE_MS });
  // While its holder is at something that takes long; never takes it anew, so no write slips in under another token.
  const renewing = setInterval(() => {
    if (token > 0) db.run(RENEW, values()).catch(() => {});
  }, LEASE_MS / 3).unref();
  const hold = async () => {
    const row = await db.get(TAKE, values());
    token = row === undefined ? 0 : int(row, 'token');
    return token;
  };
  return {
    hold,
    close: () => clearInterval(renewing),
    async insist() {
      const end_ms = performance.now() + INSIST_MAX_MS;
      for (;;) {
        if ((await hold()) > 0) return token;
        if (performance.now() > end_ms) throw heldByAnother();
        bus.note('yield');
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ASK_AGAIN_MS);
          freed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async release() {
      const own = token;
      token = 0;
      const released = await db.run(
        'UPDATE lease SET until_ms = 0, holder = ? WHERE holder = ? AND token = ?',
        [...['', bus.name, own]],
      );
      if (released > 0) bus.note('free');
    },
    onAsked: (listener) => void asked.push(listener),
    onFree: (listener) => void free.push(listener),
    async fence(session) {
      const row = await session.get(
        'SELECT 1 AS held FROM lease WHERE name = ? AND holder = ? AND token = ? FOR SHARE',
        [...[NAME, bus.name, token]],
      );
      if (row === undefined) throw heldByAnother();
    },
  };
}

function heldByAnother(): GweError {
  return new GweError('busy', 'Cannot drive the rollouts: another replica does', {
    retryAfter_s: RETRY_AFTER_S,
  });
}
