/**
 * The newest point of each dataport, kept in memory for the gateways that called last, so that a check-in looks nothing up.
 * The rows in the file stay the truth: what is kept here is what they say, and it is thrown away rather than mended.
 */
import type { DatabaseSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { HEADS_MAX_GATEWAYS, HEADS_VALUE_MAX_CHARACTERS } from './limits.ts';

/** A dataport's row. */
export interface Head {
  readonly id: number;
  readonly alias: string;
  updated_ms: number;
  /** The newest value's point. */
  point: number;
  /** The point that holds its text. */
  valueId: number;
  /** The point that was added last: another than `point` after a recording of older points. */
  lastId: number;
  /** Points in the history. */
  kept: number;
  /** The newest value, if it is short; else it is read from its point. */
  text: string | undefined;
}

export type Heads = ReturnType<typeof prepareHeads>;

/** Prepares the statements. */
export function prepareHeads(db: DatabaseSync) {
  const ofGateway = db.prepare(
    `SELECT d.id, d.alias, d.time_ms, d.point_id, d.value_id, d.last_id, d.kept,
       CASE WHEN d.value_id = 0 THEN '' WHEN length(p.value) <= ${HEADS_VALUE_MAX_CHARACTERS} THEN p.value END
     FROM dataport d LEFT JOIN point p ON p.id = d.value_id WHERE d.gateway_id = ?`,
  );
  const add = db.prepare('INSERT INTO dataport (gateway_id, alias) VALUES (?, ?)');
  const textOf = db.prepare('SELECT value FROM point WHERE id = ?');
  const isText = db.prepare('SELECT 1 FROM point WHERE id = ? AND value = ?');
  const byGateway = new Map<number, Map<string, Head>>();
  ofGateway.setReturnArrays(true);
  textOf.setReturnArrays(true);
  isText.setReturnArrays(true);

  const load = (gateway: number): Map<string, Head> => {
    const heads = new Map<string, Head>();
    for (const row of ofGateway.all(gateway)) {
      const head = headOf(row);
      heads.set(head.alias, head);
    }
    const oldest = byGateway.size >= HEADS_MAX_GATEWAYS ? byGateway.keys().next().value : undefined;
    if (oldest !== undefined) byGateway.delete(oldest);
    byGateway.set(gateway, heads);
    return heads;
  };
  const of = (gateway: number) => byGateway.get(gateway) ?? load(gateway);

  return {
    head: (gateway: number, alias: string): Head | undefined => of(gateway).get(alias),
    all: (gateway: number): Head[] => [...of(gateway).values()],
    /** Makes a dataport, which must not be there. */
    add(gateway: number, alias: string): Head {
      const id = Number(add.run(gateway, alias).lastInsertRowid);
      const head = { id, alias, updated_ms: 0, point: 0, valueId: 0, lastId: 0, kept: 0, text: '' };
      of(gateway).set(alias, head);
      return head;
    },
    value(head: Head): string {
      if (head.text !== undefined) return head.text;
      const row: unknown = textOf.get(head.valueId);
      const value: unknown = Array.isArray(row) ? row[0] : undefined;
      return typeof value === 'string' ? value : '';
    },
    /** Whether the newest value is this one; a long text is compared where it lies. */
    isValue: (head: Head, value: string): boolean =>
      head.text === undefined ? isText.get(head.valueId, value) !== undefined : head.text === value,
    /** After a roll back, or when rows were changed past this table. */
    forget: () => byGateway.clear(),
  };
}

/** What of a value is kept in a head. */
export function textToKeep(value: string): string | undefined {
  return value.length <= HEADS_VALUE_MAX_CHARACTERS ? value.toWellFormed() : undefined;
}

function headOf(row: unknown): Head {
  const columns: readonly unknown[] = Array.isArray(row) ? row : [];
  const [id, alias, updated_ms, point, valueId, lastId, kept, text] = columns;
  const isWhole =
    typeof id === 'number' &&
    typeof alias === 'string' &&
    typeof updated_ms === 'number' &&
    typeof point === 'number' &&
    typeof valueId === 'number' &&
    typeof lastId === 'number' &&
    typeof kept === 'number';
  if (!isWhole) throw new GweError('internal', `Cannot read dataport ${alias}: no number`);
  return {
    id,
    alias,
    updated_ms,
    point,
    valueId,
    lastId,
    kept,
    text: typeof text === 'string' ? text : undefined,
  };
}
