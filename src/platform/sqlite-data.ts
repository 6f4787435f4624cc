/**
 * Dataports in SQLite: writing, reading, recording, history. Synchronous functions over prepared statements, plain values
 * in and out; which of them share a transaction is the batcher's business.
 */
import type { DatabaseSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { HISTORY_MAX_POINTS, HISTORY_SLACK_POINTS } from './limits.ts';
import { prepareHistory } from './sqlite-history.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { Dataport, Exchange, ExchangeEnd, GatewayRef, Point, RecordCall } from './store.ts';

/** The dataports that every gateway has, because the protocol names them; others are made by the operator. */
export const OWN_ALIASES: ReadonlySet<string> = new Set([
  'usage_report',
  'device_info',
  'engine_report',
  'engine_fetch',
  'fetch_status',
  'update_interval',
]);

interface Port extends Dataport {
  id: number;
  valueId: number;
  lastId: number;
  kept: number;
}

export type DataTable = ReturnType<typeof prepareData>;

/** Prepares the statements; `find` leads from a reference to ids. */
export function prepareData(
  db: DatabaseSync,
  find: (who: GatewayRef) => { id: number; productId: number } | undefined,
) {
  const portOf = db.prepare(
    `SELECT d.id, d.time_ms, d.point_id, d.value_id, d.last_id, d.kept, p.value FROM dataport d
     LEFT JOIN point p ON p.id = d.value_id WHERE d.gateway_id = ? AND d.alias = ?`,
  );
  const portsOf = db.prepare(
    `SELECT d.id, d.alias, d.time_ms, d.point_id, d.value_id, d.last_id, d.kept, p.value FROM dataport d
     LEFT JOIN point p ON p.id = d.value_id WHERE d.gateway_id = ? ORDER BY d.alias`,
  );
  const addPort = db.prepare('INSERT INTO dataport (gateway_id, alias) VALUES (?, ?)');
  const isProductAlias = db.prepare('SELECT 1 FROM product_alias WHERE product_id = ? AND alias = ?');
  const addPoint = db.prepare('INSERT INTO point (dataport_id, time_ms, value) VALUES (?, ?, ?)');
  const setHead = db.prepare(
    'UPDATE dataport SET time_ms = ?, point_id = ?, value_id = ?, last_id = ?, kept = kept + 1 WHERE id = ?',
  );
  const setLast = db.prepare('UPDATE dataport SET last_id = ?, kept = kept + 1 WHERE id = ?');
  const history = prepareHistory(db);

  // Five rows are read at each check-in: as arrays they cost half.
  portOf.setReturnArrays(true);
  const port = (gateway: number, alias: string): Port | undefined => {
    const row: unknown = portOf.get(gateway, alias);
    return Array.isArray(row) ? portOfColumns(alias, row) : undefined;
  };

  const known = (gateway: { id: number; productId: number }, alias: string) =>
    OWN_ALIASES.has(alias) || isProductAlias.get(gateway.productId, alias) !== undefined;

  /** The dataport to write to: made when it is known or may be made. */
  const portToWrite = (gateway: { id: number; productId: number }, alias: string, create: boolean) => {
    const there = port(gateway.id, alias);
    if (there !== undefined || !(create || known(gateway, alias))) return there;
    const id = Number(addPort.run(gateway.id, alias).lastInsertRowid);
    return { id, alias, value: '', updated_ms: 0, point: 0, valueId: 0, lastId: 0, kept: 0 };
  };

  const write = (to: Port, value: string, now_ms: number): Dataport => {
    // A point may leave its text to the one before it only if that one holds the newest value.
    const same = to.valueId !== 0 && to.lastId === to.point && to.value === value;
    const id = Number(addPoint.run(to.id, now_ms, same ? null : value).lastInsertRowid);
    setHead.run(now_ms, id, same ? to.valueId : id, id, to.id);
    if (to.kept >= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS) history.trim(to.id, now_ms);
    return { alias: to.alias, value, updated_ms: now_ms, point: id };
  };

  const writeAll = (gateway: { id: number; productId: number }, call: Exchange): Dataport[] | undefined => {
    const { ifMatch } = call;
    if (ifMatch !== undefined) {
      const changed = call.writes.some(([alias]) => !ifMatch.includes(port(gateway.id, alias)?.point ?? 0));
      if (changed) return undefined;
    }
    return call.writes.flatMap(([alias, value]) => {
      const to = portToWrite(gateway, alias, call.create);
      return to === undefined ? [] : [write(to, value, call.now_ms)];
    });
  };

  const recordPoint = (to: Port, time_ms: number, value: string, now_ms: number) => {
    const id = Number(addPoint.run(to.id, time_ms, value).lastInsertRowid);
    if (time_ms >= to.updated_ms) setHead.run(time_ms, id, id, id, to.id);
    else setLast.run(id, to.id);
    if (to.kept >= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS) history.trim(to.id, now_ms);
  };

  return {
    exchange(call: Exchange): ExchangeEnd {
      const gateway = find(call.who);
      if (gateway === undefined) return { end: 'unknown' };
      const written = writeAll(gateway, call);
      if (written === undefined) return { end: 'changed' };
      const ports = call.reads.flatMap((alias) => {
        const found = port(gateway.id, alias);
        if (found !== undefined) return [asDataport(found)];
        return known(gateway, alias) ? [{ alias, value: '', updated_ms: 0, point: 0 }] : [];
      });
      return { end: 'done', gateway: gateway.id, ports, written };
    },
    /** Returns the gateway's id and what became of it, for the wake-up. */
    record(call: RecordCall): { gateway: number; aliases: string[] } | undefined {
      const gateway = find(call.who);
      if (gateway === undefined) return undefined;
      const aliases = new Set<string>();
      for (const { alias, time_ms, value } of call.points) {
        const to = portToWrite(gateway, alias, false);
        if (to === undefined) continue;
        recordPoint(to, time_ms, value, call.now_ms);
        aliases.add(alias);
      }
      return { gateway: gateway.id, aliases: [...aliases] };
    },
    points(who: GatewayRef, alias: string, wanted: { since?: number; limit: number }): Point[] | undefined {
      const gateway = find(who);
      if (gateway === undefined) return undefined;
      const found = port(gateway.id, alias);
      if (found === undefined) return known(gateway, alias) ? [] : undefined;
      return history.read(found.id, wanted);
    },
    dataports(who: GatewayRef): Dataport[] | undefined {
      const gateway = find(who);
      return gateway === undefined
        ? undefined
        : portsOf.all(gateway.id).map((row) => asDataport(readPort(row)));
    },
    sweep: history.sweep,
  };
}

function portOfColumns(alias: string, row: readonly unknown[]): Port {
  const [id, updated_ms, point, valueId, lastId, kept, value] = row;
  const isWhole =
    typeof id === 'number' &&
    typeof updated_ms === 'number' &&
    typeof point === 'number' &&
    typeof valueId === 'number' &&
    typeof lastId === 'number' &&
    typeof kept === 'number';
  if (!isWhole) throw new GweError('internal', `Cannot read dataport ${alias}: no number`);
  return {
    id,
    alias,
    value: typeof value === 'string' ? value : '',
    updated_ms,
    point,
    valueId,
    lastId,
    kept,
  };
}

function readPort(row: Row): Port {
  return {
    id: int(row, 'id'),
    alias: text(row, 'alias'),
    value: textOrNull(row, 'value') ?? '',
    updated_ms: int(row, 'time_ms'),
    point: int(row, 'point_id'),
    valueId: int(row, 'value_id'),
    lastId: int(row, 'last_id'),
    kept: int(row, 'kept'),
  };
}

function asDataport({ alias, value, updated_ms, point }: Port): Dataport {
  return { alias, value, updated_ms, point };
}
