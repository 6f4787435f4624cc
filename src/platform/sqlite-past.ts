/**
 * Which points belong to which dataport: the index of the history, written behind. A check-in appends its points and is done;
 * up to a minute later those of one dataport go into the index together, where each alone would have cost a page of its own.
 * Until then they are known in memory, and after a crash they are read from the points themselves.
 */
import type { DatabaseSync } from 'node:sqlite';
import { PAST_MANY_POINTS, PAST_MIN_DATAPORTS, PAST_ROUNDS, PAST_ROUNDS_WHEN_MANY } from './limits.ts';
import { int } from './sqlite-rows.ts';

export const PAST_TABLES = `
  CREATE TABLE past (
    dataport_id INTEGER NOT NULL, point_id INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    PRIMARY KEY (dataport_id, point_id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO past SELECT dataport_id, id, time_ms FROM point ORDER BY dataport_id, id;
  CREATE TABLE past_until (point_id INTEGER NOT NULL) STRICT;
  INSERT INTO past_until SELECT coalesce(max(id), 0) FROM point;
  DROP INDEX point_of_dataport;
  DROP TRIGGER dataport_gone;
  CREATE TRIGGER dataport_gone AFTER DELETE ON dataport BEGIN
    DELETE FROM point WHERE id IN (SELECT point_id FROM past WHERE dataport_id = old.id);
    DELETE FROM past WHERE dataport_id = old.id;
  END;
`;

export type Past = ReturnType<typeof preparePast>;

/** Prepares the statements, and reads what was not yet in the index. */
export function preparePast(db: DatabaseSync) {
  const until = db.prepare('SELECT point_id FROM past_until');
  const setUntil = db.prepare('UPDATE past_until SET point_id = ?');
  const unwritten = db.prepare('SELECT id, dataport_id, time_ms FROM point WHERE id > ? ORDER BY id');
  const add = db.prepare('INSERT OR IGNORE INTO past (dataport_id, point_id, time_ms) VALUES (?, ?, ?)');
  /** By dataport: id and instant of each point, one after the other, which takes the least memory. */
  const waiting = new Map<number, number[]>();
  let count = 0;
  /** The newest point. */
  let last = 0;
  /** Dataports that are still to be written in this round, and the newest point when it began. */
  let round: number[] = [];
  let roundLast = 0;

  const note = (dataport: number, id: number, time_ms: number) => {
    const entries = waiting.get(dataport);
    if (entries === undefined) waiting.set(dataport, [id, time_ms]);
    else entries.push(id, time_ms);
    count += 1;
    last = id;
  };
  const reload = () => {
    waiting.clear();
    count = 0;
    round = [];
    last = int(until.get() ?? {}, 'point_id');
    roundLast = last;
    for (const row of unwritten.iterate(last)) {
      note(int(row, 'dataport_id'), int(row, 'id'), int(row, 'time_ms'));
    }
  };
  const write = (dataport: number) => {
    const entries = waiting.get(dataport) ?? [];
    for (let at = 0; at < entries.length; at += 2) add.run(dataport, entries[at] ?? 0, entries[at + 1] ?? 0);
    waiting.delete(dataport);
    count -= entries.length / 2;
  };
  reload();

  return {
    /** Notes a point that was just added. */
    note,
    /** Ids of points that are not yet in the index, in the order of writing. */
    waiting: (dataport: number): number[] =>
      (waiting.get(dataport) ?? []).filter((_, index) => index % 2 === 0),
    /** Brings the points of one dataport into the index. */
    write,
    writeAll(): void {
      for (const dataport of [...waiting.keys()].sort((a, b) => a - b)) write(dataport);
      setUntil.run(last);
      round = [];
    },
    /** Is there something for `writeSome` to do? */
    isBehind: () => waiting.size > 0,
    /** Brings a share of what waits into the index, so that each dataport comes round once in PAST_ROUNDS calls. */
    writeSome(): void {
      if (round.length === 0) {
        // By id: neighbours lie on one page. What is added meanwhile belongs to the next round.
        round = [...waiting.keys()].sort((a, b) => b - a);
        roundLast = last;
      }
      const steps = count > PAST_MANY_POINTS ? PAST_ROUNDS_WHEN_MANY : PAST_ROUNDS;
      const share = Math.max(PAST_MIN_DATAPORTS, Math.ceil(waiting.size / steps));
      for (const dataport of round.splice(-share)) write(dataport);
      if (round.length === 0) setUntil.run(roundLast);
    },
    /** After a roll back: what was noted may never have been. */
    reload,
  };
}
