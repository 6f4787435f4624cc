/**
 * What runs on the reader's thread: questions about the whole fleet, answered over a connection that only reads. The other
 * side is reader.ts.
 */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { asGweError, type ErrorCode } from '../errors.ts';
import { openSqliteReader } from './sqlite-store.ts';

/** Marks the thread as ours: the same code may be loaded by others. */
export const READER = 'gwe-reader';

export interface Question {
  id: number;
  method: string;
  args: unknown[];
}

export type Reply = { id: number; value: unknown } | { id: number; failed: CarriedError };

/** An error as it travels between threads, where its class would be lost. */
export interface CarriedError {
  code: ErrorCode;
  message: string;
  hint: string | undefined;
  retryAfter_s: number | undefined;
  stack: string | undefined;
}

function serve(port: MessagePort, file: string): void {
  const store = openSqliteReader(file);
  const methods = new Map<string, (...args: never[]) => unknown>(Object.entries(store));
  const answer = async ({ id, method, args }: Question): Promise<Reply> => {
    try {
      const value: unknown = await Reflect.apply(methods.get(method) ?? unknown, store, args);
      return { id, value };
    } catch (thrown) {
      const { code, message, hint, retryAfter_s, stack } = asGweError(thrown);
      return { id, failed: { code, message, hint, retryAfter_s, stack } };
    }
  };
  port.on('message', async (question: Question) => {
    port.postMessage(await answer(question));
    if (question.method === 'close') port.close();
  });
}

function unknown(): never {
  throw new TypeError('no such question');
}

if (!isMainThread && parentPort !== null && workerData?.role === READER) serve(parentPort, workerData.file);
