/** Browsers that are logged in, in PostgreSQL: whichever replica their next request reaches knows them. */
import { SESSION_IDLE_MS, SESSION_MAX_AGE_MS, SESSIONS_MAX } from './limits.ts';
import type { Database } from './postgres-client.ts';
import { isSessionOver, type Sessions } from './sessions.ts';
import { int, text } from './sqlite-rows.ts';
import { digestOf, newSecret } from './tokens.ts';

/** Not each request writes that a session is used. */
const USED_EACH_MS = 60_000;

export function openSessions(db: Database, now: () => number): Sessions {
  return {
    async begin(token) {
      const secret = newSecret();
      await db.run('DELETE FROM session WHERE begun_ms < ? OR used_ms < ?', [
        now() - SESSION_MAX_AGE_MS,
        now() - SESSION_IDLE_MS,
      ]);
      await db.run(
        `DELETE FROM session WHERE hash IN (SELECT hash FROM session ORDER BY begun_ms DESC OFFSET ${SESSIONS_MAX - 1})`,
      );
      await db.run('INSERT INTO session (hash, token, begun_ms, used_ms) VALUES (?, ?, ?, ?)', [
        ...[digestOf(secret), token, now(), now()],
      ]);
      return secret;
    },
    async find(secret) {
      const hash = digestOf(secret);
      const row = await db.get('SELECT token, begun_ms, used_ms FROM session WHERE hash = ?', [hash]);
      if (row === undefined) return undefined;
      const [begun_ms, used_ms] = [int(row, 'begun_ms'), int(row, 'used_ms')];
      if (isSessionOver({ begun_ms, used_ms }, now())) return undefined;
      // Who looks on may do so while nothing can be written.
      if (now() - used_ms > USED_EACH_MS)
        await db
          .run('UPDATE session SET used_ms = greatest(used_ms, ?) WHERE hash = ?', [now(), hash])
          .catch(() => {});
      return text(row, 'token');
    },
    end: async (secret) => void (await db.run('DELETE FROM session WHERE hash = ?', [digestOf(secret)])),
  };
}
