/** When gateways were seen: kept in memory, written behind; what other replicas are about to write is known beforehand where they said so. */
import type { Database, Session } from './postgres-client.ts';

export type Seen = ReturnType<typeof createSeen>;

export function createSeen(db: Database) {
  let waiting = new Map<number, number>();
  /** Of this turn and the one before: by then it lies in the database, whoever wrote it. */
  let recent = new Map<number, number>();
  let before = new Map<number, number>();
  const maps = () => [waiting, recent, before];
  /** What could not be written stays for the next time. */
  const flush = async (): Promise<void> => {
    if (waiting.size === 0) return;
    const taken = waiting;
    waiting = new Map();
    try {
      await db.transaction((session) => write(session, taken));
    } catch (error) {
      waiting = new Map([...taken, ...waiting]);
      throw error;
    }
  };
  return {
    /** It called here. */
    note(gateway: number, time_ms: number): void {
      waiting.set(gateway, time_ms);
      recent.set(gateway, time_ms);
    },
    /** It called another replica, which will write it. */
    hear: (gateway: number, time_ms: number) => void recent.set(gateway, time_ms),
    /** What may be newer than the database; 0 when nothing is known. */
    newest: (gateway: number) => Math.max(0, ...maps().map((each) => each.get(gateway) ?? 0)),
    flush,
    /** To be called as often as each replica flushes. */
    async turn(): Promise<void> {
      before = recent;
      recent = new Map();
      await flush();
    },
  };
}

/** In the order of ids, so that two replicas never wait for each other. */
async function write(session: Session, seen: ReadonlyMap<number, number>): Promise<void> {
  const ids = [...seen.keys()].sort((a, b) => a - b);
  await session.run('SELECT id FROM gateway WHERE id = ANY(?::bigint[]) ORDER BY id FOR NO KEY UPDATE', [
    ids,
  ]);
  await session.run(
    `UPDATE gateway g SET last_seen_ms = greatest(g.last_seen_ms, n.time_ms)
     FROM unnest(?::bigint[], ?::bigint[]) n(id, time_ms) WHERE g.id = n.id`,
    [ids, ids.map((id) => seen.get(id) ?? 0)],
  );
}
