/** History in PostgreSQL: read back with its texts; a partition for each day on which something was written, dropped as a whole when it is too old. */
import { GweError } from '../errors.ts';
import { HISTORY_MAX_AGE_MS, HISTORY_MAX_POINTS } from './limits.ts';
import type { Database, Session } from './postgres-client.ts';
import { dayOf } from './postgres-data.ts';
import { LOCKS } from './postgres-locks.ts';
import { int, text, textOrNull } from './sqlite-rows.ts';
import type { Point } from './store.ts';

const PARTITION = /^point_(\d+)$/;
/** How long a drop may hold up those who read or write points. */
const DROP_WAITS_MS = 1_000;

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

/**
 * Makes the partition of a day where it is missing, within the transaction of `db`, whose advisory lock on partitions keeps
 * others out. It is made beside the table and then attached: making it in the table would hold up every check-in.
 */
export async function makePartition(db: Session, day: number): Promise<void> {
  const there = await db.get(
    "SELECT 1 AS there FROM pg_inherits WHERE inhparent = 'point'::regclass AND inhrelid = to_regclass(?)",
    [`point_${day}`],
  );
  if (there !== undefined) return;
  await db.script(
    // The index costs next to nothing, and finds what was written last (postgres-replicas.ts).
    `CREATE TABLE point_${day} (LIKE point INCLUDING DEFAULTS);
     CREATE INDEX ON point_${day} USING brin (id) WITH (autosummarize = on);
     ALTER TABLE point ATTACH PARTITION point_${day} FOR VALUES FROM (${day}) TO (${day + 1})`,
  );
}

/** Drops the partitions of days before `oldest`, unless another replica is at it. Returns their days. */
async function dropOld(db: Session, oldest: number): Promise<number[]> {
  const row = await db.get('SELECT pg_try_advisory_xact_lock(?) AS held', [LOCKS.partitions]);
  if (String(row?.['held']) !== 'true') return [];
  // A drop waits until nobody reads history, and all who come later wait behind it: rather another time.
  await db.run(`SELECT set_config('lock_timeout', '${DROP_WAITS_MS}', true)`);
  const rows = await db.all(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'point'::regclass",
  );
  const days = rows.map((each) => Number(PARTITION.exec(text(each, 'name'))?.[1] ?? oldest));
  const old = days.filter((day) => day < oldest);
  for (const day of old) await db.script(`DROP TABLE IF EXISTS point_${day}`);
  return old;
}

/** What is too old may lie there for another hour. */
function laterIfBusy(error: unknown): number[] {
  if (error instanceof GweError && error.code === 'busy') return [];
  throw error;
}

/** `history_ms`: how old a point may become. */
export function openPartitions(db: Database, history_ms = HISTORY_MAX_AGE_MS): Partitions {
  const known = new Set<number>();
  const ensure = async (days: readonly number[]) => {
    const missing = days.filter((day) => !known.has(day));
    if (missing.length === 0) return;
    await db.transaction(async (session) => {
      await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.partitions]);
      for (const day of missing) await makePartition(session, day);
    });
    for (const day of missing) known.add(day);
  };
  return {
    ensure,
    async keep(now_ms) {
      await ensure([dayOf(now_ms), dayOf(now_ms) + 1]);
      const oldest = dayOf(now_ms - history_ms);
      const dropped = await db.transaction((session) => dropOld(session, oldest)).catch(laterIfBusy);
      for (const day of dropped) known.delete(day);
    },
  };
}
