/**
 * Group commit over a network: the check-ins of the moment become one transaction, answered when PostgreSQL has committed. A
 * few batches are under way at a time; whatever comes meanwhile is the next one.
 */
import { GweError } from '../errors.ts';
import { BATCH_MAX_CALLS, QUEUE_MAX_CALLS, RETRY_AFTER_S } from './limits.ts';
import type { Database } from './postgres-client.ts';
import { createKeys } from './postgres-clients.ts';
import { carryOut, type DataCall, type DataEnd, daysOf } from './postgres-data.ts';
import { meetsEverybody } from './postgres-errors.ts';
import type { Partitions } from './postgres-history.ts';

/** Batches under way: while one syncs, the next is put together. */
const BATCHES_MAX = 2;
/** A second one only when so many wait: few large batches cost less than many small ones, here and in PostgreSQL. */
const SECOND_MIN_CALLS = 64;
/** Or when the first one takes longer: it may wait for gateways that somebody else has locked, and those who come now need not. */
const SLOW_MS = 100;

interface Waiting {
  call: DataCall;
  resolve(end: DataEnd): void;
  reject(error: unknown): void;
}

export interface DataBatcher {
  /** Resolves when committed. Raises `busy`, `disk-full`. */
  run(call: DataCall): Promise<DataEnd>;
}

export function createDataBatcher(db: Database, partitions: Partitions): DataBatcher {
  const keys = createKeys();
  const queue: Waiting[] = [];
  let underWay = 0;
  /** When the last batch was sent. */
  let sent_ms = 0;
  let isScheduled = false;
  let again: NodeJS.Timeout | undefined;

  const commit = async (calls: readonly DataCall[]): Promise<DataEnd[]> => {
    await partitions.ensure(daysOf(calls));
    return db.transaction((session) => carryOut(session, calls, keys));
  };
  /** One call's fault must not fail its neighbours: then each is tried for itself. Not when PostgreSQL is away. */
  const commitAll = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const ends = await commit(batch.map(({ call }) => call));
      batch.forEach(({ resolve }, at) => {
        resolve(ends[at]);
      });
    } catch (error) {
      const isAway = error instanceof GweError && error.code === 'busy';
      // Who waits would only wait as long for the same.
      if (isAway && meetsEverybody(error)) for (const { reject } of queue.splice(0)) reject(error);
      if (batch.length === 1 || isAway) for (const { reject } of batch) reject(error);
      else for (const each of batch) await commitAll([each]);
    }
  };
  const isWorthIt = () =>
    underWay === 0 || queue.length >= SECOND_MIN_CALLS || performance.now() - sent_ms > SLOW_MS;
  const flush = () => {
    isScheduled = false;
    clearTimeout(again);
    while (underWay < BATCHES_MAX && queue.length > 0 && isWorthIt()) {
      underWay += 1;
      sent_ms = performance.now();
      void commitAll(queue.splice(0, BATCH_MAX_CALLS)).finally(() => {
        underWay -= 1;
        schedule();
      });
    }
    if (queue.length > 0 && underWay < BATCHES_MAX) again = setTimeout(schedule, SLOW_MS).unref();
  };
  const schedule = () => {
    if (isScheduled || queue.length === 0) return;
    isScheduled = true;
    setImmediate(flush);
  };
  return {
    run: (call) =>
      new Promise((resolve, reject) => {
        if (queue.length >= QUEUE_MAX_CALLS) return reject(tooMany());
        queue.push({ call, resolve, reject });
        schedule();
      }),
  };
}

function tooMany(): GweError {
  return new GweError('busy', 'Cannot take the call: too many wait', { retryAfter_s: RETRY_AFTER_S });
}
