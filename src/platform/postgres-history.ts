/** History in PostgreSQL: read back with its texts; a partition for each day on which something was written, dropped as a whole when it is too old. */
import { HISTORY_MAX_AGE_MS, HISTORY_MAX_POINTS } from './limits.ts';
import type { Database, Session } from './postgres-client.ts';
import { dayOf } from './postgres-data.ts';
import { LOCKS } from './postgres-locks.ts';
import { int, text, textOrNull } from './sqlite-rows.ts';
import type { Point } from './store.ts';

const PARTITION = /^point_(\d+)$/;

/** Points in the order of writing: those after `since`, or the newest ones; never more than HISTORY_MAX_POINTS of the newest. */
export async function readHistory(
  db: Session,
  port: number,
  wanted: { since?: number; limit: number },
): Promise<Point[]> {
  const kept = await db.all(
    `SELECT id, time_ms, value FROM point WHERE dataport_id = ? ORDER BY id DESC LIMIT ${HISTORY_MAX_POINTS}`,
    [port],
  );
  const rows = kept.reverse();
  const first = rows[0];
  let value =
    first === undefined || first['value'] !== null ? '' : await textBefore(db, port, int(first, 'id'));
  const points = rows.map((row) => {
    value = textOrNull(row, 'value') ?? value;
    return { id: int(row, 'id'), time_ms: int(row, 'time_ms'), value };
  });
  const { since, limit } = wanted;
  if (since === undefined) return limit === 0 ? [] : points.slice(-limit);
  return points.filter(({ id }) => id > since).slice(0, limit);
}

async function textBefore(db: Session, port: number, id: number): Promise<string> {
  const row = await db.get(
    'SELECT value FROM point WHERE dataport_id = ? AND id < ? AND value IS NOT NULL ORDER BY id DESC LIMIT 1',
    [port, id],
  );
  return row === undefined ? '' : text(row, 'value');
}

export interface Partitions {
  /** Makes the partitions of these days where they are missing. */
  ensure(days: readonly number[]): Promise<void>;
  /** Makes tomorrow's, and drops those that are too old. */
  keep(now_ms: number): Promise<void>;
}

export function openPartitions(db: Database): Partitions {
  const known = new Set<number>();
  const ensure = async (days: readonly number[]) => {
    const missing = days.filter((day) => !known.has(day));
    if (missing.length === 0) return;
    await db.transaction(async (session) => {
      await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.partitions]);
      for (const day of missing) {
        await session.script(
          `CREATE TABLE IF NOT EXISTS point_${day} PARTITION OF point FOR VALUES FROM (${day}) TO (${day + 1})`,
        );
      }
    });
    for (const day of missing) known.add(day);
  };
  return {
    ensure,
    async keep(now_ms) {
      await ensure([dayOf(now_ms), dayOf(now_ms) + 1]);
      const oldest = dayOf(now_ms - HISTORY_MAX_AGE_MS);
      const rows = await db.all(
        `SELECT relid::regclass::text AS name FROM pg_partition_tree('point') WHERE isleaf`,
      );
      for (const row of rows) {
        const day = Number(PARTITION.exec(text(row, 'name'))?.[1] ?? oldest);
        if (day >= oldest) continue;
        known.delete(day);
        await db.script(`DROP TABLE IF EXISTS point_${day}`);
      }
    },
  };
}
