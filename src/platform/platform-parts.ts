/** The parts of the One Platform, put together over its store, and taken apart again. */
import { join } from 'node:path';
import { explain } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { createAccess } from './access.ts';
import { createRefusals } from './audit-refusals.ts';
import { openContent } from './content-open.ts';
import type { Platform } from './context.ts';
import { createEvents, type Events } from './events.ts';
import { watchFleet } from './fleet-watch.ts';
import { createGate } from './gate.ts';
import { createMetrics } from './metrics.ts';
import { withReader } from './reader.ts';
import { openRollouts, type Rollouts } from './rollouts.ts';
import { DATABASE } from './sqlite-schema.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { createThrottle } from './throttle.ts';
import { ensureToken, newSecret } from './tokens.ts';
import { createWaiters } from './waiters.ts';
import { watchWrites } from './waiters-peers.ts';

export interface PartsOptions {
  /** Holds everything: the database, the content. Made where it is missing. */
  dataFolder: string;
  vendor: string;
  /** An operator's token that is accepted beside those which were made before. */
  presetToken?: string;
  /** Requests that one key may make in REQUEST_WINDOW_MS. */
  requestsPerKey?: number;
  /** Calls of gateways that are worked on at a time. */
  callsAtOnce?: number;
  /** `full` (when left out): what is acknowledged is on the disk. `normal`: a power cut may take the last second. */
  durability?: 'full' | 'normal';
  /** How old a point of history may become; HISTORY_MAX_AGE_MS when left out. */
  history_ms?: number;
  /** Whether questions about the whole fleet get a thread of their own: what a platform that serves a large one wants. */
  hasReader?: boolean;
  /** What runs gwe: with it the platform makes deltas by itself. */
  gwe?: readonly string[];
  /** Where content lies when not in the data folder: `s3://BUCKET?endpoint=…` (content-open.ts). */
  content?: string;
  /** `postgres://…`: what is small is kept there, not in the data folder (postgres-store.ts). */
  store?: string;
  /** Whether time is that of the database, for all replicas the same: what platforms that serve have. */
  hasDatabaseTime?: boolean;
  /** Where the credentials of the place for content are looked for. */
  env?: NodeJS.ProcessEnv;
  /** Products whose rollouts wait until another operator approves them; `all` for every one. */
  approval?: readonly string[];
  log: Log;
  clock: Clock;
}

export interface Opened {
  platform: Platform;
  /** The operator's token that was made at this first start; never to be had again. */
  firstToken: string | undefined;
  /** Answers parked polls and ends streams of events; to be called before the server is closed. */
  release(): void;
  close(): Promise<void>;
}

/** Opens the store, and all that stands on it. Raises `busy` (PostgreSQL is away), `layout`, `io`, `usage`, `config`. */
export async function openParts(options: PartsOptions): Promise<Opened> {
  const { log, vendor } = options;
  const { store, clock } = await openStore(options);
  const waiters = createWaiters();
  try {
    // What a place elsewhere is asked for is signed with this machine's time.
    const content = await openContent(options, store);
    watchWrites(store, waiters, log);
    const firstToken = await ensureToken(store, options.presetToken, clock.now(), log);
    const platform = await assemble({ store, content, waiters, vendor, clock, log }, options);
    return {
      platform,
      firstToken,
      release() {
        waiters.close();
        platform.events.close();
      },
      close: () => closeParts(platform, log),
    };
  } catch (error) {
    waiters.close();
    await store.close();
    throw error;
  }
}

async function closeParts(
  { rollouts, fleet, deltas, content, store, access }: Platform,
  log: Log,
): Promise<void> {
  await rollouts.close();
  await fleet.close();
  await deltas?.close();
  await content.close();
  await store
    .tokensUsed(access.takeUsed())
    .catch((error) => log.error(`Cannot keep when tokens were used: ${explain(error)}`));
  await store.close();
}

async function openStore(options: PartsOptions): Promise<{ store: Store; clock: Clock }> {
  const { dataFolder, clock, durability, hasReader, history_ms, log } = options;
  if (options.store !== undefined) {
    const [{ openPostgresStore }, { shareClock }] = await Promise.all([
      import('./postgres-store.ts'),
      import('./postgres-clock.ts'),
    ]);
    const shared = shareClock(clock);
    if (options.hasDatabaseTime !== true)
      return { store: await openPostgresStore(options.store, clock, log, undefined, history_ms), clock };
    return {
      store: await openPostgresStore(options.store, shared, log, shared.hear, history_ms),
      clock: shared,
    };
  }
  const file = join(dataFolder, DATABASE);
  const store = openSqliteStore(file, clock, { isRelaxed: durability === 'normal', history_ms });
  return { store: hasReader ? withReader(store, file) : store, clock };
}

type Parts = Pick<Platform, 'store' | 'content' | 'waiters' | 'vendor' | 'clock' | 'log'>;

async function assemble(parts: Parts, options: PartsOptions): Promise<Platform> {
  const { store, clock, log } = parts;
  const { dataFolder, gwe = [] } = options;
  const throttle = createThrottle(clock.now, options.requestsPerKey);
  const { peers } = store;
  // Replicas may start in the same instant.
  const events = createEvents(`${clock.now().toString(36)}${newSecret().slice(0, 4)}`, peers?.tell);
  peers?.onEvent(events.hear);
  peers?.onGap(() => events.hear('reset', {}));
  const audit: Platform['audit'] = async (entry) =>
    void (await store.appendAudit({ ...entry, time_ms: clock.now() }));
  const makesDeltas = gwe.length === 0 ? undefined : await import('./deltas.ts');
  return {
    ...parts,
    deltas: makesDeltas?.openDeltas({ ...parts, events }, dataFolder, gwe),
    throttle,
    gate: createGate(clock.monotonic, options.callsAtOnce),
    events,
    access: createAccess(store, throttle, clock.now),
    fleet: watchFleet(store, events, clock, log),
    rollouts: watchRollouts(parts, events, audit),
    metrics: createMetrics(),
    audit,
    refusals: createRefusals(clock.now),
    needsApproval: (product) => ['all', product].some((each) => options.approval?.includes(each)),
  };
}

/** What a rollout does by itself is told as an event, and what stops or ends it is noted like an operator's deed. */
function watchRollouts({ store, clock, log }: Parts, events: Events, audit: Platform['audit']): Rollouts {
  return openRollouts({
    store,
    clock,
    log,
    onChange({ id, product, state }) {
      events.publish('rollout', { id, product, state });
    },
    onOwnDeed({ id, product, state, why }) {
      log.info(`Rollout ${id} of ${product} is ${state}${why === '' ? '' : `: ${why}`}`);
      const entry = { who: `rollout ${id}`, role: '', address: '', action: state, status: 200 };
      audit({ ...entry, product, details: why }).catch((error) =>
        log.error(`Cannot note what rollout ${id} did: ${explain(error)}`),
      );
    },
  });
}
