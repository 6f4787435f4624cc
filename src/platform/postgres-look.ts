/** What a rollout wants to know of a gateway, in PostgreSQL. */
import type { Session } from './postgres-client.ts';
import { readHistory } from './postgres-history.ts';
import type { Ask } from './rollout-store.ts';
import type { Observation } from './rollout-types.ts';
import { int, type Row, text } from './sqlite-rows.ts';

/** Values of fetch_status looked at in one go: as many as a history keeps. */
const STATUSES_MAX = 200;
/** Of one value: its first line tells the end. */
const STATUS_MAX_CHARACTERS = 2_000;
const LOOKED_AT = ['engine_report', 'engine_fetch', 'fetch_status', 'timezone'];

const GATEWAYS = `SELECT g.id, g.serial, g.state, g.last_seen_ms,
    (SELECT json_agg(t.tag ORDER BY t.tag) FROM tag t WHERE t.gateway_id = g.id)::text AS tags
  FROM gateway g WHERE g.id = ANY(?::bigint[])`;

/** Looks at gateways, with a few statements for all of them; only histories are read one by one. One that is gone is left out. */
export async function observeAll(
  db: Session,
  asks: readonly Ask[],
  seen: (gateway: number) => number,
): Promise<Observation[]> {
  if (asks.length === 0) return [];
  const ids = asks.map(({ gateway }) => gateway);
  const rows = new Map((await db.all(GATEWAYS, [ids])).map((row) => [int(row, 'id'), row]));
  const portOf = await portsOf(db, ids);
  const found: Observation[] = [];
  for (const ask of asks) {
    const row = rows.get(ask.gateway);
    if (row !== undefined)
      found.push(await observe(db, ask, row, (alias) => portOf(ask.gateway, alias), seen));
  }
  return found;
}

async function observe(
  db: Session,
  ask: Ask,
  row: Row,
  port: (alias: string) => Port,
  seen: (gateway: number) => number,
): Promise<Observation> {
  const [report, fetch, status] = [port('engine_report'), port('engine_fetch'), port('fetch_status')];
  const isNew = ask.point > 0 && status.point > ask.statusPoint;
  const since = { since: ask.statusPoint, limit: STATUSES_MAX };
  const statuses = isNew ? await readHistory(db, status.id, since) : [];
  const isOver = ask.point > 0 && fetch.point !== ask.point;
  const after = isOver ? await readHistory(db, fetch.id, { since: ask.point, limit: 1 }) : [];
  return {
    gateway: ask.gateway,
    serial: text(row, 'serial'),
    activated: row['state'] === 'activated',
    lastSeen_ms: Math.max(int(row, 'last_seen_ms'), seen(ask.gateway)),
    engineReport: report.value,
    report_ms: report.time_ms,
    tags: row['tags'] === null ? [] : JSON.parse(text(row, 'tags')),
    timezone: port('timezone').value,
    fetch: { point: fetch.point, value: fetch.value },
    afterCommand: isOver ? (after[0]?.value ?? fetch.value) : undefined,
    statuses: statuses.map(({ id, time_ms, value }) => ({
      point: id,
      time_ms,
      text: value.slice(0, STATUS_MAX_CHARACTERS),
    })),
  };
}

interface Port {
  id: number;
  value: string;
  point: number;
  time_ms: number;
}

const NO_PORT: Port = { id: 0, value: '', point: 0, time_ms: 0 };

async function portsOf(db: Session, gateways: readonly number[]) {
  const rows = await db.all(
    `SELECT id, gateway_id, alias, time_ms, point_id, value FROM dataport
     WHERE gateway_id = ANY(?::bigint[]) AND alias = ANY(?::text[])`,
    [gateways, LOOKED_AT],
  );
  const ports = new Map(
    rows.map((row) => [
      `${int(row, 'gateway_id')} ${text(row, 'alias')}`,
      {
        id: int(row, 'id'),
        value: text(row, 'value'),
        point: int(row, 'point_id'),
        time_ms: int(row, 'time_ms'),
      },
    ]),
  );
  return (gateway: number, alias: string) => ports.get(`${gateway} ${alias}`) ?? NO_PORT;
}
