/**
 * The replicas over one database, by their signs of life. What gateways reported to one that is no more, and what it may not have come
 * to look at, is looked at by another one: within seconds, and found by the ids of points, which grow with time.
 */
import type { Left } from './peers.ts';
import type { Database } from './postgres-client.ts';
import { DATABASE_MS } from './postgres-lease.ts';
import { int, text } from './sqlite-rows.ts';

/** How often a replica gives a sign of life, and after how long without one it is taken to have ended. */
export const LIFE_SIGN_MS = 2_000;
const LIFE_MS = 6_000;
/** What was reported longer before its last sign of life a replica has looked at. */
const LOOKED_AT_MS = 60_000;
/** Who looks after one that ended has so long for it; then another one does. */
const LOOK_MAX_MS = 60_000;

/** `point` is the newest one of LOOKED_AT_MS ago, or of when this replica began. */
const SIGN = `INSERT INTO replica (name, until_ms, point)
  SELECT :name, ${DATABASE_MS} + :life_ms, coalesce(:point::bigint, last_value) FROM point_id
  ON CONFLICT (name) DO UPDATE SET until_ms = excluded.until_ms, point = excluded.point
  RETURNING point, (SELECT last_value FROM point_id) AS newest`;
const TAKE_OVER = `UPDATE replica SET until_ms = ${DATABASE_MS} + ? WHERE until_ms < ${DATABASE_MS} RETURNING name, until_ms, point`;
const LEFT = `SELECT d.gateway_id, max(p.time_ms) AS time_ms FROM point p JOIN dataport d ON d.id = p.dataport_id
  WHERE p.id > ? AND p.day >= ? AND d.alias IN ('engine_report', 'report_digest', 'fetch_status')
  GROUP BY d.gateway_id ORDER BY d.gateway_id`;

export interface Replicas {
  /** Gives a sign of life; to be called before anything is acknowledged, and then every LIFE_SIGN_MS. */
  sign(): Promise<void>;
  /** Looks whether others have ended, and has `look` look at what they left. `day`: the one before which nothing is looked for. */
  lookAfter(day: number, look: (left: readonly Left[]) => Promise<void>): Promise<void>;
  /** This one ends, and leaves nothing. */
  leave(): Promise<void>;
}

export function openReplicas(db: Database, name: string): Replicas {
  /** The newest point at each sign, oldest first. */
  let known: Array<{ at_ms: number; point: number }> = [];
  let signed_ms = Number.NEGATIVE_INFINITY;
  /** After an outage the others need a moment to give their signs, too. */
  let isSteady = false;
  return {
    async sign() {
      const row = await db.get(SIGN, { name, life_ms: LIFE_MS, point: known[0]?.point ?? null });
      const at_ms = performance.now();
      isSteady = at_ms - signed_ms < LIFE_MS;
      signed_ms = at_ms;
      known.push({ at_ms, point: int(row ?? {}, 'newest') });
      const first = known.findLastIndex((each) => at_ms - each.at_ms >= LOOKED_AT_MS);
      known = known.slice(Math.max(0, first));
    },
    async lookAfter(day, look) {
      if (!isSteady) return;
      for (const row of await db.all(TAKE_OVER, [LOOK_MAX_MS])) {
        const left = await db.all(LEFT, [int(row, 'point'), day]);
        await look(left.map((each) => ({ gateway: int(each, 'gateway_id'), time_ms: int(each, 'time_ms') })));
        await db.run('DELETE FROM replica WHERE name = ? AND until_ms = ?', [
          text(row, 'name'),
          int(row, 'until_ms'),
        ]);
      }
    },
    leave: async () => void (await db.run('DELETE FROM replica WHERE name = ?', [name])),
  };
}
