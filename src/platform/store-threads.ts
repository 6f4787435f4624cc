/**
 * The store as the platform's own thread sees it when it lies on two others: one that writes, and one that answers what is
 * asked of the whole fleet, so that a count over a million rows holds up no check-in. The same interface, the same promises.
 */
import type { Worker } from 'node:worker_threads';
import { GweError } from '../errors.ts';
import type { Store } from './store.ts';
import { type CarriedError, STORE_THREAD, type StoreCall, type StoreNews } from './store-thread.ts';
import { startStoreThread } from './store-thread-start.ts';

/** Questions about many gateways, which may take long. They are put to the second thread, over its own connection. */
const SLOW_QUESTIONS: ReadonlySet<string> = new Set([
  'fleet',
  'gateways',
  'groups',
  'group',
  'overview',
  'versions',
  'sizes',
  'audit',
  'digests',
]);

interface Thread {
  ask(method: string, args: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Opens the store on threads of its own. Raises what opening it raises: `layout`, `io`. */
export async function openStoreOnThreads(file: string, options: { isRelaxed: boolean }): Promise<Store> {
  const listeners: Array<(gateway: number, aliases: readonly string[]) => void> = [];
  const onNews = ({ written }: StoreNews) => {
    for (const { gateway, aliases } of written) for (const listener of listeners) listener(gateway, aliases);
  };
  const writer = await startThread(file, { ...options, readOnly: false }, onNews);
  let reader: Promise<Thread> | undefined;
  const askSlowly = async (method: string, args: unknown[]) => {
    reader ??= startThread(file, { ...options, readOnly: true }, () => {});
    const [thread] = await Promise.all([reader, writer.ask('settle', [])]);
    return thread.ask(method, args);
  };
  const close = async () => {
    await (await reader)?.close();
    await writer.close();
  };
  const store = new Proxy(
    {},
    {
      get(_, method) {
        if (typeof method !== 'string' || method === 'then') return undefined;
        if (method === 'onWrite')
          return (listener: (typeof listeners)[number]) => void listeners.push(listener);
        if (method === 'close') return close;
        return SLOW_QUESTIONS.has(method)
          ? (...args: unknown[]) => askSlowly(method, args)
          : (...args: unknown[]) => writer.ask(method, args);
      },
    },
  );
  // The one place where types end at a thread: on the other side it is this very interface that is called.
  return store as Store;
}

async function startThread(
  file: string,
  options: { readOnly: boolean; isRelaxed: boolean },
  onNews: (news: StoreNews) => void,
): Promise<Thread> {
  const worker = startStoreThread({ role: STORE_THREAD, file, ...options });
  const waiting = createWaiting(worker);
  worker.on('message', (news: StoreNews) => {
    onNews(news);
    waiting.settle(news);
  });
  worker.on('error', (error) => waiting.fail(error));
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  void gone.then(() => waiting.fail(new GweError('stopped', 'Cannot store: the platform is closing')));
  await waiting.opened;
  return {
    ask: waiting.ask,
    close: async () => {
      await waiting.ask('close', []);
      await gone;
    },
  };
}

interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Calls on their way: those of one turn of the loop travel together. */
function createWaiting(worker: Worker) {
  const asked = new Map<number, Asked>();
  const opened = new Promise<unknown>((resolve, reject) => asked.set(0, { resolve, reject }));
  let bundle: StoreCall[] = [];
  let last = 0;
  let broken: Error | undefined;
  const send = () => {
    worker.postMessage(bundle);
    bundle = [];
  };
  return {
    opened,
    ask: (method: string, args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) return reject(broken);
        last += 1;
        asked.set(last, { resolve, reject });
        if (bundle.length === 0) setImmediate(send);
        bundle.push({ id: last, method, args });
      }),
    settle({ ends }: StoreNews): void {
      for (const end of ends) {
        const call = asked.get(end.id);
        asked.delete(end.id);
        if ('failed' in end) call?.reject(asError(end.failed));
        else call?.resolve(end.value);
      }
    },
    fail(error: Error): void {
      broken = error;
      for (const { reject } of asked.values()) reject(error);
      asked.clear();
    },
  };
}

function asError({ code, message, hint, retryAfter_s, stack }: CarriedError): GweError {
  return new GweError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfter_s === undefined ? {} : { retryAfter_s }),
    cause: stack,
  });
}
