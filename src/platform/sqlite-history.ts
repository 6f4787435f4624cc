/** History of a dataport in SQLite: reading it, and forgetting what is too old or too much. */
import type { DatabaseSync } from 'node:sqlite';
import { HISTORY_MAX_AGE_MS, HISTORY_MAX_POINTS } from './limits.ts';
import type { Past } from './sqlite-past.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { Point } from './store.ts';

/** What of the table of points a history needs, by the index in sqlite-past.ts. */
const FROM_PAST = 'FROM past h JOIN point p ON p.id = h.point_id WHERE h.dataport_id = ?';

/** Prepares the statements. A point without text has that of the point before it. */
export function prepareHistory(db: DatabaseSync, past: Past, history_ms = HISTORY_MAX_AGE_MS) {
  const one = db.prepare('SELECT id, time_ms, value FROM point WHERE id = ?');
  const since = db.prepare(
    `SELECT p.id, p.time_ms, p.value ${FROM_PAST} AND h.point_id > ? ORDER BY h.point_id LIMIT ?`,
  );
  const newest = db.prepare(`SELECT p.id, p.time_ms, p.value ${FROM_PAST} ORDER BY h.point_id DESC LIMIT ?`);
  const textBefore = db.prepare(
    `SELECT p.value ${FROM_PAST} AND h.point_id < ? AND p.value IS NOT NULL ORDER BY h.point_id DESC LIMIT 1`,
  );
  const oldest = db.prepare('SELECT time_ms FROM past WHERE dataport_id = ? ORDER BY point_id LIMIT 1');
  const heads = db.prepare('SELECT point_id, value_id FROM dataport WHERE id = ?');
  const beyondCount = db.prepare(
    'SELECT point_id AS id FROM past WHERE dataport_id = ? ORDER BY point_id DESC LIMIT 1 OFFSET ?',
  );
  const beyondAge = db.prepare(
    `SELECT point_id AS id FROM past WHERE dataport_id = ? AND time_ms < ? ORDER BY point_id DESC LIMIT 1`,
  );
  const giveText = db.prepare('UPDATE point SET value = ? WHERE id = ?');
  const going = 'FROM past WHERE dataport_id = ? AND point_id <= ? AND point_id <> ? AND point_id <> ?';
  const forget = db.prepare(`DELETE FROM point WHERE id IN (SELECT point_id ${going})`);
  const forgetEntries = db.prepare(`DELETE ${going}`);
  const settle = db.prepare(
    `UPDATE dataport SET value_id = ?, kept = (SELECT count(*) FROM past WHERE dataport_id = dataport.id)
     WHERE id = ? RETURNING kept`,
  );
  const portsAfter = db.prepare('SELECT id FROM dataport WHERE id > ? ORDER BY id LIMIT ?');

  const idOf = (row: Row | undefined) => (row === undefined ? 0 : int(row, 'id'));
  /** Those that are not in the index yet are the newest. */
  const before = (port: number, id: number): string => {
    for (const waiting of past.waiting(port).toReversed()) {
      const row = waiting < id ? one.get(waiting) : undefined;
      const value = row === undefined ? undefined : textOrNull(row, 'value');
      if (value !== undefined) return value;
    }
    const row = textBefore.get(port, id);
    return row === undefined ? '' : text(row, 'value');
  };
  const rowsOf = (ids: readonly number[]): Row[] =>
    ids.flatMap((id) => {
      const row = one.get(id);
      return row === undefined ? [] : [row];
    });
  const rowsSince = (port: number, id: number, limit: number): Row[] => {
    const rows = since.all(port, id, limit);
    const later = past.waiting(port).filter((each) => each > id);
    return [...rows, ...rowsOf(later.slice(0, limit - rows.length))];
  };
  const newestRows = (port: number, limit: number): Row[] => {
    const waiting = past.waiting(port);
    const late = waiting.slice(Math.max(0, waiting.length - limit));
    const rows = newest.all(port, limit - late.length).reverse();
    return [...rows, ...rowsOf(late)];
  };

  /** Forgets what is beyond count or age; the newest value stays whatever its age. Returns what changed in its row. */
  const trim = (port: number, now_ms: number): { kept: number; valueId: number } | undefined => {
    past.write(port);
    const row = heads.get(port);
    const lastGone = Math.max(
      idOf(beyondCount.get(port, HISTORY_MAX_POINTS)),
      idOf(beyondAge.get(port, now_ms - history_ms)),
    );
    if (row === undefined || lastGone === 0) return undefined;
    const head = int(row, 'point_id');
    const [first] = since.all(port, lastGone, 1);
    if (first !== undefined && textOrNull(first, 'value') === undefined) {
      giveText.run(before(port, idOf(first)), idOf(first));
    }
    // Where the newest value's text lies among what goes, the first point that stays has the same one.
    const valueGoes = int(row, 'value_id') <= lastGone && head > lastGone;
    const valueId = valueGoes ? idOf(first) : int(row, 'value_id');
    forget.run(port, lastGone, head, valueId);
    forgetEntries.run(port, lastGone, head, valueId);
    return { kept: int(settle.get(valueId, port) ?? {}, 'kept'), valueId };
  };

  return {
    trim,
    /** Points in the order of writing: those after `since`, or the newest ones. */
    read(port: number, wanted: { since?: number; limit: number }): Point[] {
      const { limit } = wanted;
      const rows =
        wanted.since === undefined ? newestRows(port, limit) : rowsSince(port, wanted.since, limit);
      let value = rows[0] === undefined ? '' : before(port, idOf(rows[0]));
      return rows.map((row) => {
        value = textOrNull(row, 'value') ?? value;
        return { id: int(row, 'id'), time_ms: int(row, 'time_ms'), value };
      });
    },
    /** Trims the dataports that come after `cursor` and have something too old; `next` is where to go on, 0 at the end. */
    sweep(cursor: number, limit: number, now_ms: number): { next: number; trimmed: number } {
      let trimmed = 0;
      const ids = portsAfter.all(cursor, limit).map((row) => int(row, 'id'));
      for (const id of ids) {
        const row = oldest.get(id);
        if (row === undefined || int(row, 'time_ms') >= now_ms - history_ms) continue;
        if (trim(id, now_ms) !== undefined) trimmed += 1;
      }
      return { next: ids.length < limit ? 0 : (ids.at(-1) ?? 0), trimmed };
    },
  };
}
