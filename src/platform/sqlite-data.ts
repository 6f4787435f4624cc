/**
 * Dataports in SQLite: writing, reading, recording, history. Synchronous functions over prepared statements, plain values
 * in and out; which of them share a transaction is the batcher's business.
 */
import type { DatabaseSync } from 'node:sqlite';
import { HISTORY_MAX_POINTS, HISTORY_SLACK_POINTS } from './limits.ts';
import { type Head, prepareHeads, textToKeep } from './sqlite-heads.ts';
import { prepareHistory } from './sqlite-history.ts';
import { preparePast } from './sqlite-past.ts';
import type { Dataport, Exchange, ExchangeEnd, GatewayRef, Point, RecordCall } from './store.ts';
import { areMatched, OWN_ALIASES } from './store-rules.ts';

/** Points that are added with one statement: a check-in's reports and some more. */
const POINTS_PER_INSERT = 8;

export type DataTable = ReturnType<typeof prepareData>;

/** Prepares the statements; `find` leads from a reference to ids. */
export function prepareData(
  db: DatabaseSync,
  find: (who: GatewayRef) => { id: number; productId: number } | undefined,
  history_ms?: number,
) {
  const isProductAlias = db.prepare('SELECT 1 FROM product_alias WHERE product_id = ? AND alias = ?');
  const insertPoints = Array.from({ length: POINTS_PER_INSERT }, (_, more) =>
    db.prepare(
      `INSERT INTO point (dataport_id, time_ms, value) VALUES (?, ?, ?)${', (?, ?, ?)'.repeat(more)}`,
    ),
  );
  const setHead = db.prepare(
    'UPDATE dataport SET time_ms = ?, point_id = ?, value_id = ?, last_id = ?, kept = kept + 1 WHERE id = ?',
  );
  const setLast = db.prepare('UPDATE dataport SET last_id = ?, kept = kept + 1 WHERE id = ?');
  const past = preparePast(db);
  const history = prepareHistory(db, past, history_ms);
  const heads = prepareHeads(db);

  const known = (gateway: { id: number; productId: number }, alias: string) =>
    OWN_ALIASES.has(alias) || isProductAlias.get(gateway.productId, alias) !== undefined;

  /** The dataport to write to: made when it is known or may be made. */
  const headToWrite = (gateway: { id: number; productId: number }, alias: string, create: boolean) => {
    const there = heads.head(gateway.id, alias);
    if (there !== undefined || !(create || known(gateway, alias))) return there;
    return heads.add(gateway.id, alias);
  };

  /** Adds at most POINTS_PER_INSERT points with consecutive ids, and returns the first. */
  const addPoints = (
    points: ReadonlyArray<readonly [dataport: number, value: string | null]>,
    time_ms: number,
  ): number => {
    const values = points.flatMap(([dataport, value]) => [dataport, time_ms, value]);
    const last = Number(insertPoints[points.length - 1]?.run(...values).lastInsertRowid);
    const first = last - points.length + 1;
    points.forEach(([dataport], index) => {
      past.note(dataport, first + index, time_ms);
    });
    return first;
  };

  /** Makes the newest point known: in the file, then in memory. */
  const lead = (head: Head, id: number, value: string, time_ms: number, valueId: number) => {
    setHead.run(time_ms, id, valueId, id, head.id);
    head.updated_ms = time_ms;
    head.point = id;
    head.valueId = valueId;
    head.lastId = id;
    head.kept += 1;
    head.text = textToKeep(value);
  };

  const trimIfLong = (head: Head, now_ms: number) => {
    if (head.kept < HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS) return;
    const left = history.trim(head.id, now_ms);
    if (left === undefined) return;
    head.kept = left.kept;
    head.valueId = left.valueId;
  };

  /** A point may leave its text to the one before it only if that one holds the newest value. */
  const isSame = (head: Head, value: string) =>
    head.valueId !== 0 && head.lastId === head.point && heads.isValue(head, value);

  /** Writes to dataports that are all different. */
  const writeTo = (targets: ReadonlyArray<{ head: Head; value: string }>, now_ms: number): Dataport[] => {
    const rows = targets.map(({ head, value }) => ({ head, value, same: isSame(head, value) }));
    const first = addPoints(
      rows.map(({ head, value, same }) => [head.id, same ? null : value] as const),
      now_ms,
    );
    return rows.map(({ head, value, same }, index) => {
      const point = first + index;
      lead(head, point, value, now_ms, same ? head.valueId : point);
      trimIfLong(head, now_ms);
      return { alias: head.alias, value, updated_ms: now_ms, point };
    });
  };

  const writeAll = (gateway: { id: number; productId: number }, call: Exchange): Dataport[] | undefined => {
    const { ifMatch } = call;
    if (ifMatch !== undefined) {
      const points = call.writes.map(([alias]) => heads.head(gateway.id, alias)?.point);
      if (!areMatched(ifMatch, points)) return undefined;
    }
    const written: Dataport[] = [];
    const targets: Array<{ head: Head; value: string }> = [];
    for (const [alias, value] of call.writes) {
      const head = headToWrite(gateway, alias, call.create);
      if (head === undefined) continue;
      const isAgain = targets.length === POINTS_PER_INSERT || targets.some((each) => each.head === head);
      if (isAgain) written.push(...writeTo(targets.splice(0), call.now_ms));
      targets.push({ head, value });
    }
    return targets.length === 0 ? written : [...written, ...writeTo(targets, call.now_ms)];
  };

  const recordPoint = (head: Head, time_ms: number, value: string, now_ms: number) => {
    const id = addPoints([[head.id, value]], time_ms);
    if (time_ms >= head.updated_ms) lead(head, id, value, time_ms, id);
    else {
      setLast.run(id, head.id);
      head.lastId = id;
      head.kept += 1;
    }
    trimIfLong(head, now_ms);
  };

  const asDataport = (head: Head): Dataport => ({
    alias: head.alias,
    value: heads.value(head),
    updated_ms: head.updated_ms,
    point: head.point,
  });

  return {
    exchange(call: Exchange): ExchangeEnd {
      const gateway = find(call.who);
      if (gateway === undefined) return { end: 'unknown' };
      const written = writeAll(gateway, call);
      if (written === undefined) return { end: 'changed' };
      const ports = call.reads.flatMap((alias) => {
        const found = heads.head(gateway.id, alias);
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
        const head = headToWrite(gateway, alias, false);
        if (head === undefined) continue;
        recordPoint(head, time_ms, value, call.now_ms);
        aliases.add(alias);
      }
      return { gateway: gateway.id, aliases: [...aliases] };
    },
    points(who: GatewayRef, alias: string, wanted: { since?: number; limit: number }): Point[] | undefined {
      const gateway = find(who);
      if (gateway === undefined) return undefined;
      const found = heads.head(gateway.id, alias);
      if (found === undefined) return known(gateway, alias) ? [] : undefined;
      return history.read(found.id, wanted);
    },
    dataports(who: GatewayRef): Dataport[] | undefined {
      const gateway = find(who);
      if (gateway === undefined) return undefined;
      const all = heads.all(gateway.id).map(asDataport);
      return all.sort((a, b) => (a.alias < b.alias ? -1 : 1));
    },
    /** See `history.sweep`. */
    sweep(cursor: number, limit: number, now_ms: number): number {
      const { next, trimmed } = history.sweep(cursor, limit, now_ms);
      if (trimmed > 0) heads.forget();
      return next;
    },
    /** Points of a dataport by its id; see `history.read`. */
    history: history.read,
    past,
    /** After a roll back: what is kept in memory may never have been. */
    undone(): void {
      heads.forget();
      past.reload();
    },
    forget: heads.forget,
  };
}
