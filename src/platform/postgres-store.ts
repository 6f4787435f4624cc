/**
 * The store in PostgreSQL, for any number of replicas at once: what is acknowledged is committed there. "Last seen" is kept in
 * memory and written behind, as with SQLite: after a crash, and at another replica, it may be some seconds old, nothing else may.
 */
import { explain } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Left } from './peers.ts';
import { createDataBatcher, type DataBatcher } from './postgres-batch.ts';
import { type Bus, openBus } from './postgres-bus.ts';
import { openCatalog } from './postgres-catalog.ts';
import { type Database, openPool } from './postgres-client.ts';
import type { TimeHeard } from './postgres-clock.ts';
import { openCounts } from './postgres-counts.ts';
import { carryOut, dayOf } from './postgres-data.ts';
import { openDigest } from './postgres-digest.ts';
import { openFleet } from './postgres-fleet.ts';
import { openGroups } from './postgres-groups.ts';
import { fetchWorld } from './postgres-heads.ts';
import { openPartitions, readHistory } from './postgres-history.ts';
import { openLease } from './postgres-lease.ts';
import { openAudit, openTokens } from './postgres-operators.ts';
import { openPeers } from './postgres-peers.ts';
import { openContentTable, openProducts } from './postgres-products.ts';
import { LIFE_SIGN_MS, openReplicas } from './postgres-replicas.ts';
import { openRolloutTable } from './postgres-rollouts.ts';
import { watchRoom } from './postgres-room.ts';
import { migrateDatabase } from './postgres-schema.ts';
import { createSeen, type Seen } from './postgres-seen.ts';
import { openSessions } from './postgres-sessions.ts';
import { int, text } from './sqlite-rows.ts';
import type { Dataport, GatewayRef, Store, WriteListener } from './store.ts';
import { OWN_ALIASES } from './store-rules.ts';

/** The other replicas see "last seen" so late. */
const LAST_SEEN_FLUSH_MS = 2_000;
/** What nobody but a gateway that checks in writes: another replica heard of it, and will write when that was. */
const CHECK_IN_ALIASES: ReadonlySet<string> = new Set(['engine_report', 'report_digest']);
/** How often room is looked for on a disk that was full. */
const ROOM_LOOK_MS = 1_000;
/** Gateways of the question that is asked beforehand: a page. */
const FIRST_LOOK_GATEWAYS = 100;
/** How often partitions are made and dropped. */
const PARTITIONS_MS = 3_600_000;

/**
 * Opens the store at `url` (`postgres://USER@HOST/DATABASE`; a password comes from PGPASSWORD or PGPASSFILE), bringing its
 * tables forward. `onTime` is told the time of the database (postgres-clock.ts); `history_ms`: how old a point may become. Raises `layout` (of a newer gwe), `busy` (PostgreSQL is away).
 */
export async function openPostgresStore(
  url: string,
  clock: Clock,
  log: Log,
  onTime?: (heard: TimeHeard) => void,
  history_ms?: number,
): Promise<Store> {
  const bus = await openBus(url, log, onTime);
  const db = openPool(url, (error) => log.debug(`PostgreSQL: ${explain(error)}`));
  bus.onSilence(db.renew);
  try {
    await db.transaction(migrateDatabase);
    return await prepareStore(db, bus, clock, log, history_ms);
  } catch (error) {
    await db.close();
    await bus.close();
    throw error;
  }
}

async function prepareStore(
  db: Database,
  bus: Bus,
  clock: Clock,
  log: Log,
  history_ms?: number,
): Promise<Store> {
  const seen = createSeen(db);
  const partitions = openPartitions(db, history_ms);
  await partitions.keep(clock.now());
  const listeners: WriteListener[] = [];
  const tell = (gateway: number, aliases: readonly string[]) => {
    if (aliases.length === 0) return;
    for (const listener of listeners) listener(gateway, aliases, true);
    bus.wrote(gateway, aliases);
  };
  bus.onNews(({ writes }) => {
    for (const [alias, gateways] of writes)
      for (const gateway of gateways) {
        if (CHECK_IN_ALIASES.has(alias)) seen.hear(gateway, clock.now());
        for (const listener of listeners) listener(gateway, [alias], false);
      }
  });
  const room = watchRoom(db, log);
  const replicas = openReplicas(db, bus.name);
  await replicas.sign();
  const left = new Set<(left: readonly Left[]) => Promise<void>>();
  /** Who waits for what was written there, and the rollouts, look for themselves. */
  const lookAfter = async () => {
    if (left.size === 0) return;
    await replicas.lookAfter(dayOf(clock.now()) - 1, async (gateways) => {
      for (const { gateway, time_ms } of gateways) seen.note(gateway, Math.min(time_ms, clock.now()));
      for (const look of left) await look(gateways);
      for (const { gateway } of gateways) {
        for (const listener of listeners) listener(gateway, ['fetch_status'], false);
        bus.wrote(gateway, ['fetch_status']);
      }
    });
  };
  const timers = startUpkeep(log, [
    [LIFE_SIGN_MS, () => replicas.sign().then(lookAfter)],
    [ROOM_LOOK_MS, room.look],
    [LAST_SEEN_FLUSH_MS, seen.turn],
    [PARTITIONS_MS, () => partitions.keep(clock.now())],
  ]);
  const lease = openLease(db, bus);
  const groups = openGroups(db);
  const fleet = openFleet(db);
  const counts = openCounts(db);
  // What PostgreSQL and this process prepare for their first question, the first who looks need not wait for.
  await fleet.fleet({}, { limit: FIRST_LOOK_GATEWAYS, now_ms: clock.now() });
  // Of a large fleet the first takes seconds; then it is remembered.
  counts.overview(undefined, clock.now(), clock.now()).catch(() => {});
  /** Queries over many gateways read "last seen" from the database. Where it cannot be written, for the disk is full, they answer all the same. */
  const settled = async <T>(read: () => Promise<T>): Promise<T> => {
    await seen.flush().catch(() => {});
    return read();
  };
  return {
    ...openDataports(db, createDataBatcher(db, partitions), seen, tell),
    onWrite: (listener) => void listeners.push(listener),
    peers: { ...openPeers(db, bus), onLeft: (look) => void left.add(look) },
    sessions: openSessions(db, clock.now),
    trouble: room.trouble,
    ...openProducts(db),
    ...openCatalog(db, seen.newest),
    ...openContentTable(db),
    ...openTokens(db),
    ...openAudit(db),
    ...openDigest(db),
    ...counts,
    overview: (...args) => settled(() => counts.overview(...args)),
    ...groups,
    groups: (...args) => settled(() => groups.groups(...args)),
    group: (...args) => settled(() => groups.group(...args)),
    groupsOf: (...args) => settled(() => groups.groupsOf(...args)),
    ...fleet,
    fleet: (...args) => settled(() => fleet.fleet(...args)),
    ...openRolloutTable({
      db,
      lease,
      seen: seen.newest,
      prepare: (now_ms) => partitions.ensure([Math.floor(now_ms / 86_400_000)]),
      written: tell,
    }),
    async close() {
      timers.stop();
      lease.close();
      await seen
        .flush()
        .catch((error) => log.error(`Cannot keep when gateways were seen: ${explain(error)}`));
      await replicas.leave().catch(() => {});
      await db.close();
      await bus.close();
    },
  };
}

/** What fails is tried again the next time. That it fails is said once, until the first of them, which always writes, goes well. */
function startUpkeep(log: Log, work: ReadonlyArray<readonly [every_ms: number, () => Promise<void>]>) {
  let isAway = false;
  const run = async (work: () => Promise<void>, at: number) => {
    try {
      await work();
      if (at > 0 || !isAway) return;
      isAway = false;
      log.info('PostgreSQL: it answers again');
    } catch (error) {
      if (!isAway) log.error(`PostgreSQL: ${explain(error)}`);
      isAway = true;
    }
  };
  const timers = work.map(([every_ms, each], at) => setInterval(() => void run(each, at), every_ms).unref());
  return {
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function openDataports(
  db: Database,
  batcher: DataBatcher,
  seen: Seen,
  tell: (gateway: number, aliases: readonly string[]) => void,
): Pick<Store, 'exchange' | 'record' | 'points' | 'dataports'> {
  const find = async (who: GatewayRef, alias: string) => {
    const { world } = await fetchWorld(db, [{ who, aliases: [alias] }]);
    return { world, client: world.find(who) };
  };
  return {
    async exchange(call) {
      const [end] =
        call.writes.length === 0
          ? await carryOut(db, [{ exchange: call }])
          : [await batcher.run({ exchange: call })];
      if (end === undefined || !('end' in end)) return { end: 'unknown' };
      if (end.end !== 'done') return end;
      if (call.seen) seen.note(end.gateway, call.now_ms);
      tell(
        end.gateway,
        end.written.map((port) => port.alias),
      );
      return end;
    },
    async record(call) {
      const end = await batcher.run({ record: call });
      if (end === undefined || 'end' in end) return 'unknown';
      seen.note(end.gateway, call.now_ms);
      tell(end.gateway, end.aliases);
      return 'done';
    },
    async points(who, alias, wanted) {
      const { world, client } = await find(who, alias);
      if (client === undefined) return undefined;
      const head = world.head(client.id, alias);
      if (head !== undefined) return readHistory(db, head.id, wanted);
      return OWN_ALIASES.has(alias) || world.isProductAlias(client.productId, alias) ? [] : undefined;
    },
    async dataports(who) {
      const { client } = await find(who, '');
      if (client === undefined) return undefined;
      const rows = await db.all('SELECT * FROM dataport WHERE gateway_id = ? ORDER BY alias', [client.id]);
      return rows.map(
        (row): Dataport => ({
          alias: text(row, 'alias'),
          value: text(row, 'value'),
          updated_ms: int(row, 'time_ms'),
          point: int(row, 'point_id'),
        }),
      );
    },
  };
}
