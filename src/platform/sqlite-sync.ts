/**
 * Makes commits durable without waiting on the platform's thread: SQLite writes its write-ahead log, and a thread of the
 * pool syncs that file while the next requests are read.
 */
import { closeSync, existsSync, fdatasync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

export interface Disk {
  /** Calls back when all that was committed before is on the disk, or with what went wrong. */
  sync(done: (error: Error | null) => void): void;
  close(): void;
}

/**
 * Takes the syncing of `db`, which lies in `file`, out of its commits. What SQLite goes on syncing by itself is the log
 * before a checkpoint and the database after it, so the file is whole at any instant (SQLite documentation, "PRAGMA
 * synchronous", NORMAL). Where there is no write-ahead log nothing is changed, and there is nothing to sync: `undefined`.
 */
export function takeSync(db: DatabaseSync, file: string): Disk | undefined {
  const log = `${file}-wal`;
  // The log is there as long as a connection is open, and is the same file all that time.
  if (db.prepare('PRAGMA journal_mode').get()?.['journal_mode'] !== 'wal' || !existsSync(log))
    return undefined;
  const descriptor = openSync(log, 'r+');
  db.exec('PRAGMA synchronous = NORMAL');
  return {
    sync: (done) => fdatasync(descriptor, done),
    close: () => closeSync(descriptor),
  };
}
