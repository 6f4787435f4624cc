/**
 * The store in one SQLite file: what changes something goes through the batcher (one commit for all calls of the moment,
 * answered when it is on the disk), what only reads is answered at once. "Last seen" is kept in memory and written behind:
 * after a crash it may be some seconds old, nothing else may.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../host/clock.ts';
import {
  HISTORY_SWEEP_DATAPORTS,
  HISTORY_SWEEP_MS,
  LAST_SEEN_FLUSH_MS,
  PAST_ROUND_MS,
  PAST_ROUNDS,
} from './limits.ts';
import { createBatcher } from './sqlite-batch.ts';
import { prepareCatalog } from './sqlite-catalog.ts';
import { prepareContent } from './sqlite-content.ts';
import { prepareData } from './sqlite-data.ts';
import { openFleetStore } from './sqlite-fleet-store.ts';
import { openRolloutStore } from './sqlite-rollout-store.ts';
import { openDatabase, openReader } from './sqlite-schema.ts';
import { type Disk, takeSync } from './sqlite-sync.ts';
import type { Exchange, ExchangeEnd, Store, WriteListener } from './store.ts';

/** The store, and what its own threads ask of it. */
export interface SqliteStore extends Store {
  /** Brings "last seen" into the file, where those look who read it over another connection. */
  settle(): Promise<void>;
}

/**
 * Opens the store in `file`, making it where there is none. Raises `layout` (file of a newer gwe), `io`. With `isRelaxed` a
 * write is answered before it is on the disk: a power cut may take the last second, a killed process nothing. `history_ms`: how old a point may become.
 */
export function openSqliteStore(
  file: string,
  clock: Clock,
  options: { isRelaxed?: boolean; history_ms?: number | undefined } = {},
): SqliteStore {
  const db = openDatabase(file, options);
  const disk = options.isRelaxed ? undefined : takeSync(db, file);
  return prepareStore(db, clock, { disk, history_ms: options.history_ms });
}

/** The same file over a connection that only reads, for questions that take long; "last seen" is what lies in the file. */
export function openSqliteReader(file: string): SqliteStore {
  return prepareStore(openReader(file), systemClock);
}

/** `writer` is for the connection that writes: what is to be synced after a commit, if anything. */
function prepareStore(
  db: DatabaseSync,
  clock: Clock,
  writer?: { disk: Disk | undefined; history_ms: number | undefined },
): SqliteStore {
  const batcher = createBatcher(db, writer?.disk, () => {
    catalog.forget();
    data.undone();
  });
  const seen = new Map<number, number>();
  const catalog = prepareCatalog(db, (gateway) => seen.get(gateway) ?? 0);
  const data = prepareData(db, catalog.find, writer?.history_ms);
  const content = prepareContent(db);
  const listeners: WriteListener[] = [];
  const tell = (gateway: number, aliases: readonly string[]) => {
    if (aliases.length > 0) for (const listener of listeners) listener(gateway, aliases, true);
  };
  const { run } = batcher;
  const forget = () => {
    catalog.forget();
    data.forget();
  };
  // What is kept in memory of gateways and keys is thrown away by whatever removes or changes them.
  const remove = <T>(work: () => T): Promise<T> =>
    run(() => {
      data.past.writeAll();
      const made = work();
      forget();
      return made;
    });
  const changeKeys = <T>(work: () => T): Promise<T> =>
    run(() => {
      const made = work();
      catalog.forget();
      return made;
    });
  const read = async <T>(work: () => T): Promise<T> => {
    // Another connection writes what this one keeps in memory.
    if (writer === undefined) forget();
    const found = work();
    await batcher.settled();
    return found;
  };
  const exchange = async (call: Exchange): Promise<ExchangeEnd> => {
    const end = await (call.writes.length === 0 ? read : run)(() => data.exchange(call));
    if (end.end !== 'done') return end;
    if (call.seen) seen.set(end.gateway, call.now_ms);
    tell(
      end.gateway,
      end.written.map((port) => port.alias),
    );
    return end;
  };
  const settle = async () => {
    const flushed = new Map(seen);
    seen.clear();
    if (flushed.size > 0) await run(() => catalog.setSeen(flushed));
  };
  const upkeep =
    writer === undefined
      ? undefined
      : startUpkeep(
          () => void settle().catch(() => {}),
          sweeper(clock, data.sweep, run),
          () => void (data.past.isBehind() && run(data.past.writeSome).catch(() => {})),
        );

  return {
    exchange,
    async record(call) {
      const end = await run(() => data.record(call));
      if (end === undefined) return 'unknown';
      seen.set(end.gateway, call.now_ms);
      tell(end.gateway, end.aliases);
      return 'done';
    },
    points: (who, alias, wanted) => read(() => data.points(who, alias, wanted)),
    dataports: (who) => read(() => data.dataports(who)),
    addProductAlias: (product, alias) => run(() => catalog.addProductAlias(product, alias)),
    onWrite: (listener) => void listeners.push(listener),
    peers: undefined,
    trouble: () => undefined,
    sessions: undefined,
    products: async () => catalog.products(),
    product: async (name) => catalog.product(name),
    productOfHost: async (label) => catalog.productOfHost(label),
    addProduct: (product) => run(() => catalog.addProduct(product)),
    setTemplate: (name, template) => run(() => catalog.setTemplate(name, template)),
    removeProduct: (name) => remove(() => catalog.removeProduct(name)),
    ranges: async (product) => catalog.ranges(product),
    addRanges: (product, ranges) => run(() => catalog.addRanges(product, ranges)),
    removeRanges: (product, ranges) => run(() => catalog.removeRanges(product, ranges)),
    gateways: async (filter) => catalog.gateways(filter),
    gateway: async (who) => catalog.gateway(who),
    addGateways: (product, gateways, state, now_ms) =>
      run(() => catalog.addGateways(product, gateways, state, now_ms)),
    removeGateways: (product, serials) => remove(() => catalog.removeGateways(product, serials)),
    setState: (who, state, until_ms, log) => changeKeys(() => catalog.setState(who, state, until_ms, log)),
    remap: (product, from, to, until_ms, log) =>
      changeKeys(() => catalog.remap(product, from, to, until_ms, log)),
    activate: (who, key, log) => changeKeys(() => catalog.activate(who, key, log)),
    activationLog: async (who) => catalog.activationLog(who),
    contents: async (product) => content.contents(product),
    content: async (product, name) => content.content(product, name),
    addContent: (product, entry) => run(() => content.addContent(product, entry)),
    putContent: (product, entry) => run(() => content.putContent(product, entry)),
    setMeta: (product, name, meta) => run(() => content.setMeta(product, name, meta)),
    removeContent: (product, name) => run(() => content.removeContent(product, name)),
    digests: async () => content.digests(),
    digestIsUsed: async (sha256) => content.digestIsUsed(sha256),
    ...openFleetStore(db, run, catalog.find, settle, data),
    ...openRolloutStore({ db, data, run, seen: (gateway) => seen.get(gateway) ?? 0, written: tell }),
    settle,
    async close() {
      upkeep?.stop();
      // It comes last, so when it is done all others are.
      if (writer !== undefined) await run(data.past.writeAll).catch(() => {});
      writer?.disk?.close();
      db.close();
    },
  };
}

/** What is done now and then, and once more at the end. */
function startUpkeep(flushSeen: () => void, sweep: () => void, writePast: () => void) {
  const timers = [
    setInterval(flushSeen, LAST_SEEN_FLUSH_MS),
    setInterval(sweep, HISTORY_SWEEP_MS),
    setInterval(writePast, PAST_ROUND_MS / PAST_ROUNDS),
  ];
  for (const timer of timers) timer.unref();
  return {
    stop() {
      for (const timer of timers) clearInterval(timer);
      flushSeen();
    },
  };
}

function sweeper(
  clock: Clock,
  sweep: (cursor: number, limit: number, now_ms: number) => number,
  run: <T>(work: () => T) => Promise<T>,
) {
  let cursor = 0;
  return () => {
    const from = cursor;
    void run(() => sweep(from, HISTORY_SWEEP_DATAPORTS, clock.now())).then(
      (next) => {
        cursor = next;
      },
      () => {},
    );
  };
}
