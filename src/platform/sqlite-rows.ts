/** Reading rows of SQLite with their types checked: what the schema promises is trusted only after a look. */
import type { SQLOutputValue } from 'node:sqlite';
import { GweError } from '../errors.ts';

export type Row = Record<string, SQLOutputValue>;

/** A text column; raises `internal` when it is something else. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new GweError('internal', `Cannot read column ${column}: no text`);
}

/** A text column that may be NULL. */
export function textOrNull(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

/** An integer column; raises `internal` when it is something else. */
export function int(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new GweError('internal', `Cannot read column ${column}: no number`);
}
