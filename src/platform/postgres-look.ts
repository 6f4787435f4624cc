/** What a rollout wants to know of a gateway, in PostgreSQL. */
import type { Session } from './postgres-client.ts';
import { readHistory } from './postgres-history.ts';
import type { Ask } from './rollout-store.ts';
import type { Observation } from './rollout-types.ts';
import { int, text } from './sqlite-rows.ts';

/** Values of fetch_status looked at in one go: as many as a history keeps. */
const STATUSES_MAX = 200;
/** Of one value: its first line tells the end. */
const STATUS_MAX_CHARACTERS = 2_000;
const LOOKED_AT = ['engine_report', 'engine_fetch', 'fetch_status', 'timezone'];

/** `undefined` for a gateway that is gone. */
export async function observeOne(
  db: Session,
  ask: Ask,
  seen: (gateway: number) => number,
): Promise<Observation | undefined> {
  const row = await db.get(`SELECT g.serial, g.state, g.last_seen_ms FROM gateway g WHERE g.id = ?`, [
    ask.gateway,
  ]);
  if (row === undefined) return undefined;
  const port = await portsOf(db, ask.gateway);
  const [report, fetch, status] = [port('engine_report'), port('engine_fetch'), port('fetch_status')];
  const isNew = ask.point > 0 && status.point > ask.statusPoint;
  const since = { since: ask.statusPoint, limit: STATUSES_MAX };
  const statuses = isNew ? await readHistory(db, status.id, since) : [];
  const isOver = ask.point > 0 && fetch.point !== ask.point;
  const after = isOver ? await readHistory(db, fetch.id, { since: ask.point, limit: 1 }) : [];
  const tags = await db.all('SELECT tag FROM tag WHERE gateway_id = ? ORDER BY tag', [ask.gateway]);
  return {
    gateway: ask.gateway,
    serial: text(row, 'serial'),
    activated: row['state'] === 'activated',
    lastSeen_ms: Math.max(int(row, 'last_seen_ms'), seen(ask.gateway)),
    engineReport: report.value,
    report_ms: report.time_ms,
    tags: tags.map((each) => text(each, 'tag')),
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

async function portsOf(db: Session, gateway: number) {
  const rows = await db.all(
    'SELECT id, alias, time_ms, point_id, value FROM dataport WHERE gateway_id = ? AND alias = ANY(?::text[])',
    [gateway, LOOKED_AT],
  );
  const ports = new Map(
    rows.map((row) => [
      text(row, 'alias'),
      {
        id: int(row, 'id'),
        value: text(row, 'value'),
        point: int(row, 'point_id'),
        time_ms: int(row, 'time_ms'),
      },
    ]),
  );
  return (alias: string) => ports.get(alias) ?? { id: 0, value: '', point: 0, time_ms: 0 };
}
