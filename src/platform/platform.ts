/**
 * The One Platform, served: puts the parts together and takes them apart again. It is loaded only by `gwe platform`; a
 * gateway never pays for it.
 */
import { readdirSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { explain } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { makeFolder, removeFolder } from '../host/files.ts';
import { releaseLock } from '../host/lock.ts';
import type { Log } from '../host/log.ts';
import { createAccess } from './access.ts';
import { createRefusals } from './audit-refusals.ts';
import { openContent } from './content-open.ts';
import type { Platform } from './context.ts';
import { createEvents, type Events } from './events.ts';
import { watchFleet } from './fleet-watch.ts';
import { takeFolder } from './folder-lock.ts';
import { createMetrics } from './metrics.ts';
import { withReader } from './reader.ts';
import { openRollouts, type Rollouts } from './rollouts.ts';
import { startServer, type TlsFiles } from './server.ts';
import { DATABASE } from './sqlite-schema.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { createThrottle } from './throttle.ts';
import { ensureToken, newSecret } from './tokens.ts';
import { createWaiters } from './waiters.ts';
import { watchWrites } from './waiters-peers.ts';

/** What a backup that was killed leaves in the data folder (backup.ts). */
const UNFINISHED_BACKUP = /^backup-\w{6}$/;

export interface PlatformOptions {
  /** Holds everything: the database, the content. Made where it is missing. */
  dataFolder: string;
  host: string;
  /** 0 = any free one. */
  port: number;
  vendor: string;
  /** An operator's token that is accepted beside those which were made before. */
  presetToken?: string;
  /** Paths of PEM files. */
  tls?: TlsFiles;
  /** Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  proxies?: readonly string[];
  /** Requests that one key may make in REQUEST_WINDOW_MS. */
  requestsPerKey?: number;
  /** `full` (when left out): what is acknowledged is on the disk. `normal`: a power cut may take the last second. */
  durability?: 'full' | 'normal';
  /** Whether questions about the whole fleet get a thread of their own: what a platform that serves a large one wants. */
  hasReader?: boolean;
  /** What runs gwe: with it the platform makes deltas by itself. */
  gwe?: readonly string[];
  /** Where content lies when not in the data folder: `s3://BUCKET?endpoint=…` (content-open.ts). */
  content?: string;
  /** `postgres://…`: what is small is kept there, not in the data folder (postgres-store.ts). */
  store?: string;
  /** Where the credentials of the place for content are looked for. */
  env?: NodeJS.ProcessEnv;
  /** Products whose rollouts wait until another operator approves them; `all` for every one. */
  approval?: readonly string[];
  log: Log;
  clock: Clock;
}

export interface RunningPlatform {
  url: string;
  port: number;
  /** The operator's token that was made at this first start; never to be had again. */
  firstToken: string | undefined;
  /** Reads the certificate again; connections from now on get it. Raises `usage`, and then goes on with the old one. */
  reload(): Promise<void>;
  /** Answers parked polls, ends connections, closes the store. */
  close(): Promise<void>;
}

/** Starts the platform. Raises `locked` (another one has the folder), `layout`, `io`, `usage` (address, certificate). */
export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  makeFolder(options.dataFolder);
  const lock = join(options.dataFolder, 'lock');
  takeFolder(lock, (holder) => ({
    message: `Cannot use ${options.dataFolder}: another platform (process ${holder}) has it`,
    hint: 'Stop that one first, or give this one another folder: --data DIR',
  }));
  try {
    const running = await open(options);
    const close = async () => {
      await running.close();
      releaseLock(lock);
    };
    return { ...running, close };
  } catch (error) {
    releaseLock(lock);
    throw error;
  }
}

async function open(options: PlatformOptions): Promise<RunningPlatform> {
  const { dataFolder, clock, log, vendor } = options;
  for (const name of readdirSync(dataFolder))
    if (UNFINISHED_BACKUP.test(name)) removeFolder(join(dataFolder, name));
  const store = await openStore(options);
  const waiters = createWaiters();
  try {
    const content = await openContent(options, store);
    watchWrites(store, waiters, log);
    const firstToken = await ensureToken(store, options.presetToken, clock.now(), log);
    const platform = await assemble({ store, content, waiters, vendor, clock, log }, options);
    const server = await startServer(platform, options);
    const close = async () => {
      waiters.close();
      platform.events.close();
      await server.close();
      await platform.rollouts.close();
      await platform.fleet.close();
      await platform.deltas?.close();
      await content.close();
      await store.tokensUsed(platform.access.takeUsed());
      await store.close();
    };
    return { url: urlOf(options, server.port), port: server.port, firstToken, reload: server.reload, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore(options: PlatformOptions): Promise<Store> {
  const { dataFolder, clock, durability, hasReader, log } = options;
  if (options.store !== undefined) {
    if (options.content === undefined) {
      log.warning(`Content lies in ${dataFolder}: other replicas would not find it there (--content s3://…)`);
    }
    const { openPostgresStore } = await import('./postgres-store.ts');
    return openPostgresStore(options.store, clock, log);
  }
  const file = join(dataFolder, DATABASE);
  const store = openSqliteStore(file, clock, { isRelaxed: durability === 'normal' });
  return hasReader ? withReader(store, file) : store;
}

type Parts = Pick<Platform, 'store' | 'content' | 'waiters' | 'vendor' | 'clock' | 'log'>;

async function assemble(parts: Parts, options: PlatformOptions): Promise<Platform> {
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

function urlOf({ host, tls }: PlatformOptions, port: number): string {
  return `${tls === undefined ? 'http' : 'https'}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
