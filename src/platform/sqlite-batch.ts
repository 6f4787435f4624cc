/**
 * Group commit: the calls of the moment become one transaction, and each is answered only when that is on the disk. No
 * timer: whatever came in while the loop was busy or the disk was syncing is the next batch, so a lone call waits for nobody.
 */
import type { DatabaseSync } from 'node:sqlite';
import { asGweError, GweError } from '../errors.ts';
import { BATCH_MAX_CALLS, QUEUE_MAX_CALLS, RETRY_AFTER_S } from './limits.ts';
import type { Disk } from './sqlite-sync.ts';

export interface Batcher {
  /** Runs `work` within the next transaction and resolves with its result when it is durable. Raises `busy`, `disk-full`, `io`. */
  run<T>(work: () => T): Promise<T>;
  /** Resolves when all that can be read by now is durable: what a power cut may take must not be answered. */
  settled(): Promise<void>;
}

interface Call {
  work(): void;
  done(): void;
  failed(error: unknown): void;
}

interface Ended {
  call: Call;
  failure: { error: unknown } | undefined;
}

function tell({ call, failure }: Ended, broken?: GweError): void {
  const error = failure?.error ?? broken;
  if (error === undefined) call.done();
  else call.failed(error);
}

/**
 * A batcher for `db`, which only it may write to. Without `disk` a commit is durable, or as durable as is wanted, by itself.
 * `undone` is called when work that was carried out has been rolled back.
 */
export function createBatcher(db: DatabaseSync, disk: Disk | undefined, undone: () => void): Batcher {
  const queue: Call[] = [];
  let readers: Array<{ resolve(): void; reject(error: Error): void }> = [];
  let scheduled = false;
  let syncing = false;
  let broken: GweError | undefined;

  const commit = (batch: readonly Call[]): { error: unknown } | undefined => {
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const call of batch) call.work();
      db.exec('COMMIT');
      return undefined;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      undone();
      return { error };
    }
  };
  /** One call's fault must not fail its neighbours: then each is tried for itself. Returns how each ended. */
  const commitAll = (batch: readonly Call[]): readonly Ended[] => {
    const failure = commit(batch);
    if (failure === undefined || batch.length === 1) return batch.map((call) => ({ call, failure }));
    return batch.map((call) => ({ call, failure: commit([call]) }));
  };
  const flush = () => {
    scheduled = false;
    // Whoever comes now goes with the next batch: few large commits cost less than many small ones.
    if (syncing) return;
    const ended = commitAll(queue.splice(0, BATCH_MAX_CALLS));
    if (disk === undefined) for (const each of ended) tell(each);
    else syncThen(disk, ended);
    if (queue.length > 0) schedule();
  };
  const schedule = () => {
    if (scheduled || syncing) return;
    scheduled = true;
    setImmediate(flush);
  };
  const syncThen = (to: Disk, ended: readonly Ended[]) => {
    syncing = true;
    to.sync((error) => {
      syncing = false;
      const waiting = readers;
      readers = [];
      if (error !== null) broken ??= brokenDisk(error);
      for (const each of ended) tell(each, broken);
      for (const reader of waiting) broken === undefined ? reader.resolve() : reader.reject(broken);
      if (queue.length > 0) schedule();
    });
  };

  return {
    run: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        const refusal = broken ?? (queue.length >= QUEUE_MAX_CALLS ? tooMany() : undefined);
        if (refusal !== undefined) return reject(refusal);
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
    settled: () =>
      syncing
        ? new Promise((resolve, reject) => readers.push({ resolve, reject }))
        : broken === undefined
          ? SETTLED
          : Promise.reject(broken),
  };
}

const SETTLED = Promise.resolve();

function tooMany(): GweError {
  return new GweError('busy', 'Cannot take the call: too many wait', { retryAfter_s: RETRY_AFTER_S });
}

/** After a failed sync the system may have thrown away what it could not write: nothing that follows can be relied on. */
function brokenDisk(error: Error): GweError {
  return new GweError('io', `Cannot store: the disk failed: ${error.message}`, {
    cause: error,
    hint: 'See to the disk, then start the platform again.',
  });
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
