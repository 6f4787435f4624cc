/** History of a dataport in SQLite: reading it, and forgetting what is too old or too much. */
import type { DatabaseSync } from 'node:sqlite';
import { HISTORY_MAX_AGE_MS, HISTORY_MAX_POINTS } from './limits.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import type { Point } from './store.ts';

/** Prepares the statements. A point without text has that of the point before it. */
export function prepareHistory(db: DatabaseSync) {
  const since = db.prepare(
    'SELECT id, time_ms, value FROM point WHERE dataport_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  const newest = db.prepare(
    'SELECT id, time_ms, value FROM point WHERE dataport_id = ? ORDER BY id DESC LIMIT ?',
  );
  const textBefore = db.prepare(
    'SELECT value FROM point WHERE dataport_id = ? AND id < ? AND value IS NOT NULL ORDER BY id DESC LIMIT 1',
  );
  const oldest = db.prepare('SELECT time_ms FROM point WHERE dataport_id = ? ORDER BY id LIMIT 1');
  const heads = db.prepare('SELECT point_id, value_id FROM dataport WHERE id = ?');
  const beyondCount = db.prepare(
    'SELECT id FROM point WHERE dataport_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?',
  );
  const beyondAge = db.prepare(
    'SELECT id FROM point WHERE dataport_id = ? AND time_ms < ? ORDER BY id DESC LIMIT 1',
  );
  const next = db.prepare('SELECT id, value FROM point WHERE dataport_id = ? AND id > ? ORDER BY id LIMIT 1');
  const giveText = db.prepare('UPDATE point SET value = ? WHERE id = ?');
  const forget = db.prepare('DELETE FROM point WHERE dataport_id = ? AND id <= ? AND id <> ? AND id <> ?');
  const settle = db.prepare(
    `UPDATE dataport SET value_id = ?, kept = (SELECT count(*) FROM point WHERE dataport_id = dataport.id)
     WHERE id = ? RETURNING kept`,
  );
  const portsAfter = db.prepare('SELECT id FROM dataport WHERE id > ? ORDER BY id LIMIT ?');

  const idOf = (row: Row | undefined) => (row === undefined ? 0 : int(row, 'id'));
  const before = (port: number, id: number) => {
    const row = textBefore.get(port, id);
    return row === undefined ? '' : text(row, 'value');
  };

  /** Forgets what is beyond count or age; the newest value stays whatever its age. Returns what changed in its row. */
  const trim = (port: number, now_ms: number): { kept: number; valueId: number } | undefined => {
    const row = heads.get(port);
    const lastGone = Math.max(
      idOf(beyondCount.get(port, HISTORY_MAX_POINTS)),
      idOf(beyondAge.get(port, now_ms - HISTORY_MAX_AGE_MS)),
    );
    if (row === undefined || lastGone === 0) return undefined;
    const head = int(row, 'point_id');
    const first = next.get(port, lastGone);
    if (first !== undefined && textOrNull(first, 'value') === undefined) {
      giveText.run(before(port, idOf(first)), idOf(first));
    }
    // Where the newest value's text lies among what goes, the first point that stays has the same one.
    const valueGoes = int(row, 'value_id') <= lastGone && head > lastGone;
    const valueId = valueGoes ? idOf(first) : int(row, 'value_id');
    forget.run(port, lastGone, head, valueId);
    return { kept: int(settle.get(valueId, port) ?? {}, 'kept'), valueId };
  };

  return {
    trim,
    /** Points in the order of writing: those after `since`, or the newest ones. */
    read(port: number, wanted: { since?: number; limit: number }): Point[] {
      const rows =
        wanted.since === undefined
          ? newest.all(port, wanted.limit).reverse()
          : since.all(port, wanted.since, wanted.limit);
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
        if (row === undefined || int(row, 'time_ms') >= now_ms - HISTORY_MAX_AGE_MS) continue;
        if (trim(id, now_ms) !== undefined) trimmed += 1;
      }
      return { next: ids.length < limit ? 0 : (ids.at(-1) ?? 0), trimmed };
    },
  };
}
