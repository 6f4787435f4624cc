/** The rollouts' part of the store: looking at gateways, and telling them, each together with what is noted of it. */
import type { DatabaseSync } from 'node:sqlite';
import { SOLE_LEASE } from './peers.ts';
import type { Ask, RolloutStore } from './rollout-store.ts';
import type { Member, Observation } from './rollout-types.ts';
import type { DataTable } from './sqlite-data.ts';
import { prepareRollouts } from './sqlite-rollouts.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { GatewayRef } from './store.ts';

/** Values of fetch_status looked at in one go: as many as a history keeps. */
const STATUSES_MAX = 200;
/** Of one value: its first line tells the end. */
const STATUS_MAX_CHARACTERS = 2_000;

export interface RolloutStoreParts {
  db: DatabaseSync;
  data: DataTable;
  /** Makes a change durable, together with others. */
  run<T>(work: () => T): Promise<T>;
  /** What is newer than the "last seen" in the file. */
  seen(gateway: number): number;
  /** Wakes those who wait for a write. */
  written(gateway: number, aliases: readonly string[]): void;
}

export function openRolloutStore({ db, data, run, seen, written }: RolloutStoreParts): RolloutStore {
  const table = prepareRollouts(db);
  const look = prepareLook(db, data, seen);
  const refOf = prepareRef(db);
  const port = (who: GatewayRef, alias: string, now_ms: number) => {
    const end = data.exchange({ who, writes: [], reads: [alias], create: false, seen: false, now_ms });
    return end.end === 'done' ? end.ports[0] : undefined;
  };
  const write = (who: GatewayRef, value: string, now_ms: number, ifMatch: readonly number[]) =>
    data.exchange({
      who,
      writes: [['engine_fetch', value]],
      ifMatch,
      reads: [],
      create: true,
      seen: false,
      now_ms,
    });
  return {
    lease: SOLE_LEASE,
    addRollout: (rollout, gateways) => run(() => table.addRollout(rollout, gateways)),
    rollouts: async (query) => table.rollouts(query),
    rollout: async (id) => table.rollout(id),
    rolloutsOf: async (gateway) => table.rolloutsOf(gateway),
    rolloutCounts: async (id) => table.rolloutCounts(id),
    rolloutMembers: async (id) => table.rolloutMembers(id),
    saveRollout: (rollout, members) => run(() => table.saveRollout(rollout, members)),
    observe: async (asks) => asks.flatMap((ask) => look(ask) ?? []),
    async tellMember(rollout, member, text, now_ms) {
      const end = await run(() => {
        const who = refOf(member.gateway);
        if (who === undefined || table.rollout(rollout) === undefined) return 'gone';
        const now = port(who, 'engine_fetch', now_ms);
        if (now !== undefined && now.value !== '') return 'occupied';
        const statusPoint = port(who, 'fetch_status', now_ms)?.point ?? 0;
        const made = write(who, text, now_ms, [now?.point ?? 0]);
        if (made.end !== 'done') return 'occupied';
        const told: Member = { ...member, point: made.written[0]?.point ?? 0, statusPoint };
        table.putMember(rollout, told);
        return told;
      });
      if (typeof end !== 'string') written(member.gateway, ['engine_fetch']);
      return end;
    },
    async withdrawMember(rollout, member, now_ms) {
      const end = await run(() => {
        const who = refOf(member.gateway);
        if (who === undefined || table.rollout(rollout) === undefined) return 'gone';
        const made = write(who, '', now_ms, [member.point]);
        if (made.end !== 'done') return 'changed';
        const back: Member = { ...member, point: made.written[0]?.point ?? 0 };
        table.putMember(rollout, back);
        return back;
      });
      if (typeof end !== 'string') written(member.gateway, ['engine_fetch']);
      return end;
    },
  };
}

function prepareRef(db: DatabaseSync): (gateway: number) => GatewayRef | undefined {
  const ref = db.prepare(
    'SELECT p.name AS product, g.serial FROM gateway g JOIN product p ON p.id = g.product_id WHERE g.id = ?',
  );
  return (gateway) => {
    const row = ref.get(gateway);
    return row === undefined ? undefined : { product: text(row, 'product'), serial: text(row, 'serial') };
  };
}

function prepareLook(db: DatabaseSync, data: DataTable, seen: (gateway: number) => number) {
  const gateway = db.prepare(
    `SELECT p.name AS product, g.serial, g.state, g.last_seen_ms FROM gateway g JOIN product p ON p.id = g.product_id
     WHERE g.id = ?`,
  );
  const newest = db.prepare(
    `SELECT d.time_ms, d.point_id, p.value FROM dataport d LEFT JOIN point p ON p.id = d.value_id
     WHERE d.gateway_id = ? AND d.alias = ?`,
  );
  const tags = db.prepare('SELECT tag FROM tag WHERE gateway_id = ?');
  const port = (id: number, alias: string): { value: string; point: number; time_ms: number } => {
    const row: Row | undefined = newest.get(id, alias);
    if (row === undefined) return { value: '', point: 0, time_ms: 0 };
    return {
      value: textOrNull(row, 'value') ?? '',
      point: int(row, 'point_id'),
      time_ms: int(row, 'time_ms'),
    };
  };
  return (ask: Ask): Observation | undefined => {
    const row = gateway.get(ask.gateway);
    if (row === undefined) return undefined;
    const who = { product: text(row, 'product'), serial: text(row, 'serial') };
    const report = port(ask.gateway, 'engine_report');
    const fetch = port(ask.gateway, 'engine_fetch');
    const status = port(ask.gateway, 'fetch_status');
    const isNew = ask.point > 0 && status.point > ask.statusPoint;
    const since = { since: ask.statusPoint, limit: STATUSES_MAX };
    const statuses = isNew ? (data.points(who, 'fetch_status', since) ?? []) : [];
    const isOver = ask.point > 0 && fetch.point !== ask.point;
    const after = isOver ? data.points(who, 'engine_fetch', { since: ask.point, limit: 1 }) : undefined;
    return {
      gateway: ask.gateway,
      serial: who.serial,
      activated: row['state'] === 'activated',
      lastSeen_ms: Math.max(int(row, 'last_seen_ms'), seen(ask.gateway)),
      engineReport: report.value,
      report_ms: report.time_ms,
      tags: tags.all(ask.gateway).map((each) => text(each, 'tag')),
      timezone: port(ask.gateway, 'timezone').value,
      fetch: { point: fetch.point, value: fetch.value },
      afterCommand: isOver ? (after?.[0]?.value ?? fetch.value) : undefined,
      statuses: statuses.map(({ id, time_ms, value }) => ({
        point: id,
        time_ms,
        text: value.slice(0, STATUS_MAX_CHARACTERS),
      })),
    };
  };
}
