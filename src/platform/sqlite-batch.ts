/**
 * Group commit: the calls of the moment become one transaction, and each is answered only when that is on the disk. No
 * timer: whatever came in while the loop was busy is the next batch, so a lone call waits for nobody.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asGweError, GweError } from '../errors.ts';
import { BATCH_MAX_CALLS, QUEUE_MAX_CALLS, RETRY_AFTER_S } from './limits.ts';

export interface Batcher {
  /** Runs `work` within the next transaction and resolves with its result when it is durable. Raises `busy`, `disk-full`, `io`. */
  run<T>(work: () => T): Promise<T>;
  /** Commits what is waiting. */
  flush(): void;
}

interface Call {
  work(): void;
  done(): void;
  failed(error: unknown): void;
}

/** A batcher for `db`, which only it may write to. */
export function createBatcher(db: DatabaseSync): Batcher {
  const queue: Call[] = [];
  let scheduled = false;

  const flush = () => {
    scheduled = false;
    const batch = queue.splice(0, BATCH_MAX_CALLS);
    if (queue.length > 0) schedule();
    // One call's fault must not fail its neighbours: then each is tried for itself.
    if (batch.length > 0 && !commit(db, batch, batch.length === 1)) {
      for (const call of batch) commit(db, [call], true);
    }
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };

  return {
    run: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (queue.length >= QUEUE_MAX_CALLS) {
          reject(
            new GweError('busy', 'Cannot take the call: too many wait', { retryAfter_s: RETRY_AFTER_S }),
          );
          return;
        }
        let result: { value: T } | undefined;
        queue.push({
          work: () => {
            result = { value: work() };
          },
          done: () => result !== undefined && resolve(result.value),
          failed: (error) => reject(storageError(error)),
        });
        schedule();
      }),
    flush: () => {
      while (queue.length > 0) flush();
    },
  };
}

function commit(db: DatabaseSync, batch: readonly Call[], last: boolean): boolean {
  try {
    db.exec('BEGIN IMMEDIATE');
    for (const call of batch) call.work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    if (last) for (const call of batch) call.failed(error);
    return false;
  }
  for (const call of batch) call.done();
  return true;
}

const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** What SQLite raised, with the code that leads to the right answer: full disk 507, busy 503. */
export function storageError(thrown: unknown): GweError {
  const code = thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : undefined;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === SQLITE_FULL) return new GweError('disk-full', `Cannot store: ${text}`, { cause: thrown });
  if (code === SQLITE_IOERR) return new GweError('io', `Cannot store: ${text}`, { cause: thrown });
  if (code === SQLITE_BUSY) {
    return new GweError('busy', `Cannot store: ${text}`, { cause: thrown, retryAfter_s: RETRY_AFTER_S });
  }
  return asGweError(thrown);
}
