/** Everything that a store keeps, kind by kind: its columns as SQLite has them, how it is read there, and how it is summed up. Pure but for the reading of a table's columns. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { text } from './sqlite-rows.ts';

export type Cell = string | number | null;

export interface Kind {
  /** For people, in the plural. */
  name: string;
  table: string;
  columns: ReadonlyArray<{ name: string; type: 'text' | 'bigint' }>;
  /** SQL of SQLite that gives the columns. */
  read: string;
}

/** In an order in which each finds what it refers to. What is small comes first. */
const PLAIN: ReadonlyArray<readonly [name: string, table: string]> = [
  ['products', 'product'],
  ['tokens', 'token'],
  ['aliases of products', 'product_alias'],
  ['ranges of serial numbers', 'serial_range'],
  ['names of content', 'content'],
  ['groups', 'gateway_group'],
  ['audit records', 'audit'],
  ['hours counted', 'hour'],
  ['versions counted', 'version_hour'],
  ['rollouts', 'rollout'],
  ['members of rollouts', 'rollout_member'],
  ['gateways', 'gateway'],
  ['activations', 'activation'],
  ['reports taken apart', 'fleet'],
  ['installed applications', 'installed'],
  ['tags', 'tag'],
  ['members of groups', 'group_member'],
];

/** The newest value lies beside its dataport in PostgreSQL. No text of a point before the move is leaned on after it: day 0. */
const DATAPORTS: Kind = {
  name: 'dataports',
  table: 'dataport',
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'gateway_id', type: 'bigint' },
    { name: 'alias', type: 'text' },
    { name: 'time_ms', type: 'bigint' },
    { name: 'point_id', type: 'bigint' },
    { name: 'value', type: 'text' },
    { name: 'last_id', type: 'bigint' },
    { name: 'text_day', type: 'bigint' },
  ],
  read: `SELECT d.id, d.gateway_id, d.alias, d.time_ms, d.point_id, coalesce(v.value, '') AS value, d.last_id, 0 AS text_day
    FROM dataport d LEFT JOIN point v ON v.id = d.value_id ORDER BY d.id`,
};

/** Points of history, each dataport's together and in their order. */
export const POINTS: Kind = {
  name: 'points of history',
  table: 'point',
  columns: [
    { name: 'dataport_id', type: 'bigint' },
    { name: 'id', type: 'bigint' },
    { name: 'time_ms', type: 'bigint' },
    { name: 'value', type: 'text' },
  ],
  read: `SELECT h.dataport_id, p.id, p.time_ms, p.value FROM past h JOIN point p ON p.id = h.point_id
    ORDER BY h.dataport_id, h.point_id`,
};

/** All kinds, as the file's tables are. */
export function kindsIn(db: DatabaseSync): Kind[] {
  const plain = PLAIN.map(([name, table]): Kind => {
    const columns = db.prepare(`PRAGMA table_info(${table})`).all();
    return {
      ...{ name, table },
      columns: columns.map((row) => ({
        name: text(row, 'name'),
        type: text(row, 'type') === 'TEXT' ? 'text' : 'bigint',
      })),
      read: `SELECT * FROM ${table}`,
    };
  });
  return [...plain, DATAPORTS, POINTS];
}

/** How many rows of a kind there are, and one digest of them all. */
export interface Sum {
  rows: number;
  /** 32 hexadecimal digits. */
  digest: string;
}

const MODULUS = 1n << 128n;

/** Adds up rows. The order in which they come does not matter: what is added are digests of rows. */
export function createTally(): { add(row: readonly Cell[]): void; sum(): Sum } {
  let rows = 0;
  let total = 0n;
  return {
    add(row) {
      rows += 1;
      const hash = createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 32);
      total = (total + BigInt(`0x${hash}`)) % MODULUS;
    },
    sum: () => ({ rows, digest: total.toString(16).padStart(32, '0') }),
  };
}

/** Gives points their texts, where they took them from the point before. Points of a dataport come together and in order. */
export function createTexts(): (row: readonly Cell[]) => Cell[] {
  let port: Cell = null;
  let last: Cell = '';
  return ([dataport = null, id = null, time_ms = null, value = null]) => {
    if (dataport !== port) last = '';
    port = dataport;
    last = value ?? last;
    return [dataport, id, time_ms, last];
  };
}

/**
 * Takes texts away again where the point before has the same one and lies in the same day's partition, and adds that day:
 * when the point was written, as far as its time tells, from `oldest` to `today`.
 */
export function createDays(oldest: number, today: number): (row: readonly Cell[]) => Cell[] {
  let before: { port: Cell; value: Cell; day: number } | undefined;
  return ([dataport = null, id = null, time_ms = null, value = null]) => {
    const day = Math.min(today, Math.max(oldest, Math.floor(Number(time_ms) / 86_400_000)));
    const isSame = before?.port === dataport && before.value === value && before.day === day;
    before = { port: dataport, value, day };
    return [day, dataport, id, time_ms, isSame ? null : value];
  };
}
