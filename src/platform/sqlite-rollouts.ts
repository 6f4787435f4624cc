/** Rollouts in SQLite: synchronous functions over prepared statements. What a rollout does is decided elsewhere: rollout-rules.ts. */
import type { DatabaseSync } from 'node:sqlite';
import { completeStages, inOrder, newMember, stageEnds, stageOf } from './rollout-order.ts';
import type { MemberState } from './rollout-states.ts';
import type { NewRollout, RolloutQuery } from './rollout-store.ts';
import type { Member, Rollout } from './rollout-types.ts';
import { readMember, readMemberState, readRollout } from './sqlite-rollout-rows.ts';
import { int } from './sqlite-rows.ts';

/** One step of the migrations in sqlite-schema.ts. A gateway that is removed stays in the rollouts it was in. */
export const ROLLOUT_TABLES = `
  CREATE TABLE rollout (
    id INTEGER PRIMARY KEY AUTOINCREMENT, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE,
    plan TEXT NOT NULL, state TEXT NOT NULL, stage INTEGER NOT NULL, why TEXT NOT NULL, created_by TEXT NOT NULL,
    created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX rollout_state ON rollout (state);
  CREATE TABLE rollout_member (
    rollout_id INTEGER NOT NULL REFERENCES rollout ON DELETE CASCADE, gateway_id INTEGER NOT NULL,
    serial TEXT NOT NULL, place INTEGER NOT NULL, stage INTEGER NOT NULL, state TEXT NOT NULL,
    since_ms INTEGER NOT NULL, why TEXT NOT NULL, point INTEGER NOT NULL, status_point INTEGER NOT NULL,
    outcomes TEXT NOT NULL, success_ms INTEGER NOT NULL, touched INTEGER NOT NULL, excused INTEGER NOT NULL,
    PRIMARY KEY (rollout_id, gateway_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rollout_of_gateway ON rollout_member (gateway_id);
`;

const ROLLOUT_COLUMNS = `r.id, p.name AS product, r.plan, r.state, r.stage, r.why, r.created_by, r.created_ms, r.changed_ms
  FROM rollout r JOIN product p ON p.id = r.product_id`;

export type RolloutTable = ReturnType<typeof prepareRollouts>;

export function prepareRollouts(db: DatabaseSync) {
  const productId = db.prepare('SELECT id FROM product WHERE name = ?');
  const add = db.prepare(
    `INSERT INTO rollout (product_id, plan, state, stage, why, created_by, created_ms, changed_ms)
     VALUES (?, ?, ?, 0, '', ?, ?, ?)`,
  );
  const one = db.prepare(`SELECT ${ROLLOUT_COLUMNS} WHERE r.id = ?`);
  const page = db.prepare(
    `SELECT ${ROLLOUT_COLUMNS} WHERE (:state IS NULL OR r.state = :state) AND r.id < :before
     AND (:products IS NULL OR p.name IN (SELECT value FROM json_each(:products))) ORDER BY r.id DESC LIMIT :limit`,
  );
  const set = db.prepare('UPDATE rollout SET state = ?, stage = ?, why = ?, changed_ms = ? WHERE id = ?');
  const put = db.prepare(
    `INSERT INTO rollout_member (rollout_id, gateway_id, serial, place, stage, state, since_ms, why, point, status_point,
       outcomes, success_ms, touched, excused)
     VALUES (:rollout, :gateway, :serial, :place, :stage, :state, :since_ms, :why, :point, :statusPoint, :outcomes,
       :success_ms, :touched, :excused)
     ON CONFLICT DO UPDATE SET serial = excluded.serial, state = excluded.state, since_ms = excluded.since_ms,
       why = excluded.why, point = excluded.point, status_point = excluded.status_point, outcomes = excluded.outcomes,
       success_ms = excluded.success_ms, touched = excluded.touched, excused = excluded.excused`,
  );
  const members = db.prepare('SELECT * FROM rollout_member WHERE rollout_id = ? ORDER BY place');
  const ofGateway = db.prepare('SELECT * FROM rollout_member WHERE gateway_id = ? ORDER BY rollout_id DESC');
  const counts = db.prepare(
    'SELECT state, count(*) AS n FROM rollout_member WHERE rollout_id = ? GROUP BY state',
  );

  const rollout = (id: number): Rollout | undefined => {
    const row = one.get(id);
    return row === undefined ? undefined : readRollout(row);
  };
  const putMember = (id: number, member: Member) => {
    const { facts: _, outcomes, touched, excused, ...plain } = member;
    put.run({
      ...plain,
      rollout: id,
      outcomes: JSON.stringify(outcomes),
      touched: touched ? 1 : 0,
      excused: excused ? 1 : 0,
    });
  };
  return {
    putMember,
    rollout,
    addRollout(plan: NewRollout, gateways: ReadonlyArray<{ gateway: number; serial: string }>) {
      const product = productId.get(plan.product);
      if (product === undefined) return 'unknown' as const;
      const { created_ms, createdBy, product: _, state = 'running', ...kept } = plan;
      const text = JSON.stringify({ ...kept, stages: completeStages(plan.stages) });
      const id = Number(
        add.run(int(product, 'id'), text, state, createdBy, created_ms, created_ms).lastInsertRowid,
      );
      const ends = stageEnds(completeStages(plan.stages), gateways.length);
      inOrder(id, gateways).forEach(({ gateway, serial }, place) => {
        putMember(id, newMember({ gateway, serial, place, stage: stageOf(ends, place) }, created_ms));
      });
      return rollout(id) ?? ('unknown' as const);
    },
    rollouts: ({ products, state, before, limit }: RolloutQuery): Rollout[] =>
      page
        .all({
          products: products === undefined ? null : JSON.stringify(products),
          state: state ?? null,
          before: before ?? Number.MAX_SAFE_INTEGER,
          limit,
        })
        .map(readRollout),
    rolloutsOf: (gateway: number) =>
      ofGateway.all(gateway).flatMap((row) => {
        const found = rollout(int(row, 'rollout_id'));
        return found === undefined ? [] : [{ rollout: found, member: readMember(row) }];
      }),
    rolloutMembers: (id: number): Member[] => members.all(id).map(readMember),
    rolloutCounts: (id: number): Partial<Record<MemberState, number>> =>
      Object.fromEntries(counts.all(id).map((row) => [readMemberState(row), int(row, 'n')])),
    saveRollout({ id, state, stage, why, changed_ms }: Rollout, changed: readonly Member[]): boolean {
      const isThere = set.run(state, stage, why, changed_ms, id).changes > 0;
      if (isThere) for (const member of changed) putMember(id, member);
      return isThere;
    },
  };
}
