/**
 * An embedded platform's database brought to PostgreSQL, for `gwe platform migrate`: one transaction, read back before it is
 * committed. So a run that was cut leaves nothing, and can be repeated; one on a database that has it all changes nothing.
 */
import type { DatabaseSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { HISTORY_MAX_AGE_MS } from './limits.ts';
import type { Database, Session } from './postgres-client.ts';
import { dayOf } from './postgres-data.ts';
import { makePartition } from './postgres-history.ts';
import { LOCKS } from './postgres-locks.ts';
import { int } from './sqlite-rows.ts';
import {
  type Cell,
  createDays,
  createTally,
  createTexts,
  type Kind,
  kindsIn,
  POINTS,
  type Sum,
} from './store-kinds.ts';

/** Rows, and characters of text, that are sent with one statement. */
const BATCH_MAX_ROWS = 2_000;
const BATCH_MAX_CHARACTERS = 2_000_000;
/** Rows that are read back at a time. */
const FETCH_ROWS = 500;
/** Tables whose ids PostgreSQL gives. */
const NUMBERED = ['product', 'gateway', 'activation', 'content', 'token', 'gateway_group', 'rollout'];

export type MovedKind = Sum & { name: string };

export interface MovedStore {
  kinds: MovedKind[];
  /** All of it was there from an earlier run. */
  wasThere: boolean;
}

export interface StoreMove {
  from: DatabaseSync;
  to: Database;
  now_ms: number;
  /** Told while it goes on: rows of a kind that were sent, or read back. */
  onProgress(kind: string, step: 'sent' | 'read back', rows: number): void;
  /** Raises when it is to be ended: nothing was changed then. */
  check(): void;
}

/** Brings everything over. Raises `conflict` (the database holds something else), `check` (it read back something else), `busy`. */
export async function migrateStore(move: StoreMove): Promise<MovedStore> {
  const kinds = kindsIn(move.from);
  if (!(await isEmpty(move.to, kinds))) return compare(move, kinds);
  const moved = await move.to.transaction(async (session) => {
    await session.run(NO_HURRY);
    // A platform that starts meanwhile waits with what it writes, and finds all of it.
    await session.script(
      `LOCK TABLE ${kinds.map(({ table }) => table).join(', ')} IN SHARE ROW EXCLUSIVE MODE`,
    );
    if (!(await isEmpty(session, kinds))) throw holdsOther();
    await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.partitions]);
    const sent: MovedKind[] = [];
    for (const kind of kinds) sent.push({ name: kind.name, ...(await send(move, session, kind)) });
    await setSequences(session, move.from);
    for (const [at, kind] of kinds.entries()) {
      const there = await readBack(move, session, kind);
      if (there.digest === sent[at]?.digest && there.rows === sent[at]?.rows) continue;
      throw new GweError('check', `Cannot migrate ${kind.name}: PostgreSQL gives back other ones`, {
        hint: 'Nothing was changed. Try again; if it stays so, report it.',
      });
    }
    return sent;
  });
  await move.to.script('ANALYZE');
  return { kinds: moved, wasThere: false };
}

/** A statement may take long here, and so may what is read from the folder between two of them. */
const NO_HURRY = `SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`;

async function isEmpty(db: Session, kinds: readonly Kind[]): Promise<boolean> {
  const any = kinds.map(({ table }) => `EXISTS (SELECT 1 FROM ${table})`).join(' OR ');
  return (await db.get(`SELECT 1 AS found WHERE ${any}`)) === undefined;
}

const holdsOther = (kind?: string) =>
  new GweError(
    'conflict',
    `Cannot migrate: the database holds ${kind === undefined ? 'something' : `other ${kind}`} already`,
    { hint: 'Was it served since? Then it is moved. Else give an empty one: createdb, --store URL' },
  );

/** Whether a database has just what the folder has; seen as of one instant, and held up by nothing. */
async function compare(move: StoreMove, kinds: readonly Kind[]): Promise<MovedStore> {
  return move.to.transaction(async (session) => {
    await session.script('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await session.run(NO_HURRY);
    const found: MovedKind[] = [];
    for (const kind of kinds) {
      const tally = createTally();
      for (const row of rowsOf(move.from, kind)) tally.add(row);
      const [here, there] = [tally.sum(), await readBack(move, session, kind)];
      if (here.rows !== there.rows || here.digest !== there.digest) throw holdsOther(kind.name);
      found.push({ name: kind.name, ...here });
    }
    return { kinds: found, wasThere: true };
  });
}

/** The rows of a kind in SQLite, one by one, points with their texts. */
function* rowsOf(from: DatabaseSync, kind: Kind): Generator<Cell[]> {
  const withText = createTexts();
  for (const row of from.prepare(kind.read).iterate()) {
    const cells = kind.columns.map(({ name }) => cellOf(row[name]));
    yield kind === POINTS ? withText(cells) : cells;
  }
}

function cellOf(value: unknown): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new GweError('internal', `Cannot migrate a ${typeof value}`);
}

async function send(move: StoreMove, session: Session, kind: Kind): Promise<Sum> {
  const tally = createTally();
  const columns = kind === POINTS ? [{ name: 'day', type: 'bigint' }, ...kind.columns] : kind.columns;
  const byDay = createDays(dayOf(move.now_ms - HISTORY_MAX_AGE_MS), dayOf(move.now_ms));
  const days = new Set<number>();
  const names = columns.map(({ name }) => name).join(', ');
  const insert = `INSERT INTO ${kind.table} (${names}) SELECT * FROM unnest(${columns.map(({ type }) => `?::${type}[]`).join(', ')})`;
  let batch: Cell[][] = [];
  let characters = 0;
  const flush = async () => {
    if (kind === POINTS) await makeDays(session, batch, days);
    await session.run(
      insert,
      columns.map((_, at) => batch.map((row) => row[at] ?? null)),
    );
    batch = [];
    characters = 0;
    move.check();
    move.onProgress(kind.name, 'sent', tally.sum().rows);
  };
  for (const row of rowsOf(move.from, kind)) {
    tally.add(row);
    batch.push(kind === POINTS ? byDay(row) : row);
    for (const cell of row) if (typeof cell === 'string') characters += cell.length;
    if (batch.length >= BATCH_MAX_ROWS || characters >= BATCH_MAX_CHARACTERS) await flush();
  }
  if (batch.length > 0) await flush();
  return tally.sum();
}

async function makeDays(session: Session, batch: readonly Cell[][], made: Set<number>): Promise<void> {
  for (const [cell] of batch) {
    const day = Number(cell);
    if (made.has(day)) continue;
    await makePartition(session, day);
    made.add(day);
  }
}

async function readBack(move: StoreMove, session: Session, kind: Kind): Promise<Sum> {
  const tally = createTally();
  const withText = createTexts();
  const names = kind.columns.map(({ name }) => name).join(', ');
  const order = kind === POINTS ? 'ORDER BY dataport_id, id' : '';
  await session.script(`DECLARE kept NO SCROLL CURSOR FOR SELECT ${names} FROM ${kind.table} ${order}`);
  for (;;) {
    const rows = await session.all(`FETCH ${FETCH_ROWS} FROM kept`);
    for (const row of rows) {
      const cells = kind.columns.map(({ name }) => cellOf(row[name]));
      tally.add(kind === POINTS ? withText(cells) : cells);
    }
    move.check();
    if (rows.length < FETCH_ROWS) break;
    move.onProgress(kind.name, 'read back', tally.sum().rows);
  }
  await session.script('CLOSE kept');
  return tally.sum();
}

/** What is added later gets ids beyond all that ever were: an ETag never comes back. */
async function setSequences(session: Session, from: DatabaseSync): Promise<void> {
  const given = new Map(
    from
      .prepare('SELECT name, seq FROM sqlite_sequence')
      .all()
      .map((row) => [String(row['name']), int(row, 'seq')]),
  );
  for (const table of NUMBERED) {
    await session.run(
      `SELECT setval(pg_get_serial_sequence(?, 'id'), greatest(1, ?, (SELECT max(id) FROM ${table})))`,
      [table, given.get(table) ?? 0],
    );
  }
  await session.run(
    "SELECT setval('point_id', greatest(1, ?, (SELECT max(id) FROM dataport), (SELECT max(last_id) FROM dataport)))",
    [given.get('point') ?? 0],
  );
}
