/** Rollouts in PostgreSQL. A command and what is noted of it are one transaction. What a rollout does is decided elsewhere: rollout-rules.ts. */
import type { Database, Session } from './postgres-client.ts';
import { carryOut } from './postgres-data.ts';
import type { FencedLease } from './postgres-lease.ts';
import { observeAll } from './postgres-look.ts';
import { productId } from './postgres-products.ts';
import { completeStages, inOrder, newMember, stageEnds, stageOf } from './rollout-order.ts';
import type { RolloutStore } from './rollout-store.ts';
import type { Member, Rollout } from './rollout-types.ts';
import { readMember, readMemberState, readRollout } from './sqlite-rollout-rows.ts';
import { int, text } from './sqlite-rows.ts';
import type { Dataport, Exchange, GatewayRef } from './store.ts';

const ROLLOUTS = `SELECT r.id, p.name AS product, r.plan, r.state, r.stage, r.why, r.created_by, r.created_ms, r.changed_ms
  FROM rollout r JOIN product p ON p.id = r.product_id`;
/** Members that are written with one statement. */
const MEMBERS_MAX = 2_000;

export interface RolloutParts {
  db: Database;
  lease: FencedLease;
  seen(gateway: number): number;
  /** Makes the partition for what is written now. */
  prepare(now_ms: number): Promise<void>;
  /** Wakes those who wait for a write. */
  written(gateway: number, aliases: readonly string[]): void;
}

async function oneRollout(db: Session, id: number): Promise<Rollout | undefined> {
  const row = await db.get(`${ROLLOUTS} WHERE r.id = ?`, [id]);
  return row === undefined ? undefined : readRollout(row);
}

async function putMembers(db: Session, rollout: number, members: readonly Member[]): Promise<void> {
  for (let at = 0; at < members.length; at += MEMBERS_MAX) {
    const some = members.slice(at, at + MEMBERS_MAX);
    await db.run(
      `INSERT INTO rollout_member (rollout_id, gateway_id, serial, place, stage, state, since_ms, why, point, status_point,
         outcomes, success_ms, touched, excused)
       SELECT :rollout::bigint, m.* FROM unnest(:gateways::bigint[], :serials::text[], :places::bigint[], :stages::bigint[],
         :states::text[], :sinces::bigint[], :whys::text[], :points::bigint[], :statuses::bigint[], :outcomes::text[],
         :successes::bigint[], :touched::bigint[], :excused::bigint[]) m
       ON CONFLICT (rollout_id, gateway_id) DO UPDATE SET serial = excluded.serial, state = excluded.state,
         since_ms = excluded.since_ms, why = excluded.why, point = excluded.point, status_point = excluded.status_point,
         outcomes = excluded.outcomes, success_ms = excluded.success_ms, touched = excluded.touched, excused = excluded.excused`,
      {
        rollout,
        gateways: some.map((each) => each.gateway),
        serials: some.map((each) => each.serial),
        places: some.map((each) => each.place),
        stages: some.map((each) => each.stage),
        states: some.map((each) => each.state),
        sinces: some.map((each) => each.since_ms),
        whys: some.map((each) => each.why),
        points: some.map((each) => each.point),
        statuses: some.map((each) => each.statusPoint),
        outcomes: some.map((each) => JSON.stringify(each.outcomes)),
        successes: some.map((each) => each.success_ms),
        touched: some.map((each) => (each.touched ? 1 : 0)),
        excused: some.map((each) => (each.excused ? 1 : 0)),
      },
    );
  }
}

export function openRolloutTable({ db, lease, seen, prepare, written }: RolloutParts): RolloutStore {
  const asDriver = <T>(work: (session: Session) => Promise<T>) =>
    db.transaction(async (session) => {
      await lease.fence(session);
      return work(session);
    });
  return {
    lease,
    ...openReading(db),
    addRollout: (plan, gateways) =>
      asDriver(async (session) => {
        const product = await productId(session, plan.product);
        if (product === undefined) return 'unknown';
        const { created_ms, createdBy, product: _, state = 'running', ...kept } = plan;
        const stages = completeStages(plan.stages);
        const row = await session.get(
          `INSERT INTO rollout (product_id, plan, state, stage, why, created_by, created_ms, changed_ms)
           VALUES (?, ?, ?, 0, '', ?, ?, ?) RETURNING id`,
          [product, JSON.stringify({ ...kept, stages }), state, createdBy, created_ms, created_ms],
        );
        const id = int(row ?? {}, 'id');
        const ends = stageEnds(stages, gateways.length);
        const members = inOrder(id, gateways).map(({ gateway, serial }, place) =>
          newMember({ gateway, serial, place, stage: stageOf(ends, place) }, created_ms),
        );
        await putMembers(session, id, members);
        return (await oneRollout(session, id)) ?? 'unknown';
      }),
    saveRollout: ({ id, state, stage, why, changed_ms }, changed) =>
      asDriver(async (session) => {
        const isThere = await session.run(
          'UPDATE rollout SET state = ?, stage = ?, why = ?, changed_ms = ? WHERE id = ?',
          [state, stage, why, changed_ms, id],
        );
        if (isThere > 0) await putMembers(session, id, changed);
        return isThere > 0;
      }),
    observe: (asks) => observeAll(db, asks, seen),
    async tellMember(rollout, member, command, now_ms) {
      await prepare(now_ms);
      const end = await asDriver((session) => tell(session, rollout, member, command, now_ms));
      if (typeof end !== 'string') written(member.gateway, ['engine_fetch']);
      return end;
    },
    async withdrawMember(rollout, member, now_ms) {
      await prepare(now_ms);
      const end = await asDriver((session) => withdraw(session, rollout, member, now_ms));
      if (typeof end !== 'string') written(member.gateway, ['engine_fetch']);
      return end;
    },
  };
}

async function tell(db: Session, rollout: number, member: Member, command: string, now_ms: number) {
  const who = await refOf(db, member.gateway);
  if (who === undefined || (await oneRollout(db, rollout)) === undefined) return 'gone';
  const ports = await portsOf(db, who, ['engine_fetch', 'fetch_status'], now_ms);
  const now = ports.find(({ alias }) => alias === 'engine_fetch');
  if (now !== undefined && now.value !== '') return 'occupied';
  const made = await writeCommand(db, who, command, now_ms, now?.point ?? 0);
  if (made === undefined) return 'occupied';
  const statusPoint = ports.find(({ alias }) => alias === 'fetch_status')?.point ?? 0;
  const told: Member = { ...member, point: made.point, statusPoint };
  await putMembers(db, rollout, [told]);
  return told;
}

async function withdraw(db: Session, rollout: number, member: Member, now_ms: number) {
  const who = await refOf(db, member.gateway);
  if (who === undefined || (await oneRollout(db, rollout)) === undefined) return 'gone';
  const made = await writeCommand(db, who, '', now_ms, member.point);
  if (made === undefined) return 'changed';
  const back: Member = { ...member, point: made.point };
  await putMembers(db, rollout, [back]);
  return back;
}

const CALL = { create: true, seen: false } as const;

async function portsOf(
  db: Session,
  who: GatewayRef,
  reads: readonly string[],
  now_ms: number,
): Promise<Dataport[]> {
  const exchange: Exchange = { ...CALL, who, writes: [], reads, now_ms };
  const [end] = await carryOut(db, [{ exchange }]);
  return end !== undefined && 'end' in end && end.end === 'done' ? end.ports : [];
}

/** Writes engine_fetch if `point` is still its newest; `undefined` when not. */
async function writeCommand(db: Session, who: GatewayRef, value: string, now_ms: number, point: number) {
  const exchange: Exchange = {
    ...CALL,
    who,
    writes: [['engine_fetch', value]],
    ifMatch: [point],
    reads: [],
    now_ms,
  };
  const [end] = await carryOut(db, [{ exchange }]);
  return end !== undefined && 'end' in end && end.end === 'done' ? end.written[0] : undefined;
}

async function refOf(db: Session, gateway: number): Promise<GatewayRef | undefined> {
  const row = await db.get(
    'SELECT p.name AS product, g.serial FROM gateway g JOIN product p ON p.id = g.product_id WHERE g.id = ?',
    [gateway],
  );
  return row === undefined ? undefined : { product: text(row, 'product'), serial: text(row, 'serial') };
}

function openReading(
  db: Database,
): Pick<RolloutStore, 'rollouts' | 'rollout' | 'rolloutsOf' | 'rolloutCounts' | 'rolloutMembers'> {
  return {
    async rollouts({ products, state, before, limit }) {
      const rows = await db.all(
        `${ROLLOUTS} WHERE (:state::text IS NULL OR r.state = :state) AND r.id < :before
         AND (:products::text[] IS NULL OR p.name = ANY(:products)) ORDER BY r.id DESC LIMIT :limit`,
        {
          products: products ?? null,
          state: state ?? null,
          before: before ?? Number.MAX_SAFE_INTEGER,
          limit,
        },
      );
      return rows.map(readRollout);
    },
    rollout: (id) => oneRollout(db, id),
    async rolloutsOf(gateway) {
      const rows = await db.all(
        'SELECT * FROM rollout_member WHERE gateway_id = ? ORDER BY rollout_id DESC',
        [gateway],
      );
      const found: Array<{ rollout: Rollout; member: Member }> = [];
      for (const row of rows) {
        const rollout = await oneRollout(db, int(row, 'rollout_id'));
        if (rollout !== undefined) found.push({ rollout, member: readMember(row) });
      }
      return found;
    },
    async rolloutCounts(id) {
      const rows = await db.all(
        'SELECT state, count(*) AS n FROM rollout_member WHERE rollout_id = ? GROUP BY state',
        [id],
      );
      return Object.fromEntries(rows.map((row) => [readMemberState(row), int(row, 'n')]));
    },
    rolloutMembers: async (id) =>
      (await db.all('SELECT * FROM rollout_member WHERE rollout_id = ? ORDER BY place', [id])).map(
        readMember,
      ),
  };
}
