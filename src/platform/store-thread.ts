/**
 * The store on a thread of its own: this is what runs there. Calls come in bundles, as many as the platform's own thread
 * took in during one turn of its loop; what they write becomes one commit, and their ends go back in bundles too. The other
 * side is store-threads.ts.
 */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asGweError, type ErrorCode } from '../errors.ts';
import { systemClock } from '../host/clock.ts';
import { openSqliteReader, openSqliteStore } from './sqlite-store.ts';

/** Marks the thread as ours: the same text may be loaded by others. */
export const STORE_THREAD = 'gwe-store';

export interface StoreThreadData {
  role: typeof STORE_THREAD;
  file: string;
  readOnly: boolean;
  isRelaxed: boolean;
}

export interface StoreCall {
  id: number;
  method: string;
  args: unknown[];
}

export type StoreEnd = { id: number; value: unknown } | { id: number; failed: CarriedError };

/** What a thread tells: writes come before the ends of the calls that made them. */
export interface StoreNews {
  written: Array<{ gateway: number; aliases: readonly string[] }>;
  ends: StoreEnd[];
}

/** An error as it travels between threads, where its class would be lost. */
export interface CarriedError {
  code: ErrorCode;
  message: string;
  hint: string | undefined;
  retryAfter_s: number | undefined;
  stack: string | undefined;
}

function serve(port: MessagePort, data: StoreThreadData): void {
  let news: StoreNews = { written: [], ends: [] };
  let scheduled = false;
  const tell = () => {
    scheduled = false;
    port.postMessage(news);
    news = { written: [], ends: [] };
  };
  const schedule = () => {
    if (!scheduled) setImmediate(tell);
    scheduled = true;
  };
  const end = (each: StoreEnd) => {
    news.ends.push(each);
    schedule();
  };
  const store = open(data, (thrown) => end({ id: 0, failed: carried(thrown) }));
  if (store === undefined) return;
  end({ id: 0, value: undefined });
  store.onWrite((gateway, aliases) => {
    news.written.push({ gateway, aliases });
    schedule();
  });
  const methods = new Map(Object.entries(store));
  const answer = async ({ id, method, args }: StoreCall): Promise<void> => {
    try {
      const value: unknown = await methods.get(method)?.(...args);
      end({ id, value });
    } catch (thrown) {
      end({ id, failed: carried(thrown) });
    }
    if (method === 'close') setImmediate(() => port.close());
  };
  port.on('message', (calls: StoreCall[]) => {
    for (const call of calls) void answer(call);
  });
}

function open({ file, readOnly, isRelaxed }: StoreThreadData, fail: (thrown: unknown) => void) {
  try {
    return readOnly ? openSqliteReader(file) : openSqliteStore(file, systemClock, { isRelaxed });
  } catch (thrown) {
    fail(thrown);
    return undefined;
  }
}

function carried(thrown: unknown): CarriedError {
  const { code, message, hint, retryAfter_s, stack } = asGweError(thrown);
  return { code, message, hint, retryAfter_s, stack };
}

if (!isMainThread && parentPort !== null && workerData?.role === STORE_THREAD) serve(parentPort, workerData);
