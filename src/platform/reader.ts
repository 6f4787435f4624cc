/**
 * The store with a second thread for what is asked of the whole fleet, so that a count over a million rows holds up no
 * check-in. Everything else stays on the platform's own thread: a writer of its own was measured, and cost more than it gave.
 */
import { GweError } from '../errors.ts';
import { startReaderThread } from './reader-start.ts';
import { type CarriedError, type Question, READER, type Reply } from './reader-thread.ts';
import type { SqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

type SlowQuestion = 'fleet' | 'gateways' | 'groups' | 'overview' | 'versions' | 'sizes' | 'audit';

/** The store, with its slow questions put to a thread that begins with the first of them. */
export function withReader(store: SqliteStore, file: string): Store {
  let reader: Reader | undefined;
  const slow = <Name extends SlowQuestion>(method: Name): Store[Name] => {
    const ask = async (...args: unknown[]) => {
      await store.settle();
      reader ??= startReader(file);
      return reader.ask(method, args);
    };
    // Types end at a thread: on the other side it is this very method that is called.
    return ask as Store[Name];
  };
  return {
    ...store,
    fleet: slow('fleet'),
    gateways: slow('gateways'),
    groups: slow('groups'),
    overview: slow('overview'),
    versions: slow('versions'),
    sizes: slow('sizes'),
    audit: slow('audit'),
    async close() {
      await reader?.close();
      await store.close();
    },
  };
}

interface Reader {
  ask(method: string, args: unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

function startReader(file: string): Reader {
  const worker = startReaderThread({ role: READER, file });
  const asked = new Map<number, Asked>();
  let last = 0;
  let broken: Error | undefined;
  const fail = (error: Error) => {
    broken ??= error;
    for (const { reject } of asked.values()) reject(broken);
    asked.clear();
  };
  worker.on('message', (reply: Reply) => {
    const call = asked.get(reply.id);
    asked.delete(reply.id);
    if ('failed' in reply) call?.reject(asError(reply.failed));
    else call?.resolve(reply.value);
  });
  worker.on('error', fail);
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  void gone.then(() => fail(new GweError('stopped', 'Cannot read the fleet: the platform is closing')));
  const ask = (method: string, args: unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      if (broken !== undefined) return reject(broken);
      last += 1;
      asked.set(last, { resolve, reject });
      worker.postMessage({ id: last, method, args } satisfies Question);
    });
  return {
    ask,
    close: async () => {
      if (broken === undefined) await ask('close', []);
      await gone;
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
