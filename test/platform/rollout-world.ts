/** A store with gateways that are moved by hand, and the driver of rollouts on it, under a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import type { NewRollout } from '../../src/platform/rollout-store.ts';
import type { Member, Rollout } from '../../src/platform/rollout-types.ts';
import { openRollouts, type Rollouts } from '../../src/platform/rollouts.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { NAME, NOW, rolloutOf } from './rollout-fixture.ts';

export interface SteppedClock extends Clock {
  /** Moves the time forward, and lets those wake up whose time has come. */
  advance(duration_ms: number): void;
}

/** A clock that stands still until it is moved; whoever sleeps by it wakes up only then. */
export function steppedClock(start_ms = NOW): SteppedClock {
  let now_ms = start_ms;
  const sleepers = new Set<{ at_ms: number; wake(): void }>();
  return {
    now: () => now_ms,
    monotonic: () => now_ms,
    sleep: (duration_ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at_ms: now_ms + duration_ms, wake: resolve };
        sleepers.add(sleeper);
        const stop = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        if (signal?.aborted) stop();
        else signal?.addEventListener('abort', stop, { once: true });
      }),
    advance(duration_ms) {
      now_ms += duration_ms;
      for (const sleeper of [...sleepers].filter(({ at_ms }) => at_ms <= now_ms)) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

export interface World {
  store: Store;
  clock: SteppedClock;
  rollouts: Rollouts;
  /** Names of rollouts' own deeds: `7 paused`. */
  deeds: string[];
  /** Makes a rollout over all gateways. */
  start(change?: Partial<NewRollout>): Promise<Rollout>;
  view(id: number): Promise<{ rollout: Rollout; members: readonly Member[] }>;
  /** How many are in each state, without zeros. */
  counts(id: number): Promise<Record<string, number>>;
  /** A check-in: reports out, command in. `report` goes into its engine_report. */
  checkIn(serial: string, report?: Record<string, unknown>): Promise<string>;
  /** Takes the command: clears engine_fetch. */
  take(serial: string): Promise<void>;
  say(serial: string, text: string): Promise<void>;
  /** Everything from taking to the first healthy check-in after the watch, for one that was told. */
  passTime(duration_ms: number): Promise<void>;
  /** Closes the driver and the store as they are, and opens both again. */
  restart(): Promise<void>;
}

/** Gateways gw-0 … of product P1, activated and seen just now, with a check-in every 60 s. */
export async function worldOf(test: TestContext, count: number): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-rollouts-'));
  const clock = steppedClock();
  const deeds: string[] = [];
  const file = join(folder, 'platform.db');
  const open = () => {
    const store = openSqliteStore(file, { ...systemClock, now: clock.now });
    const rollouts = openRollouts({
      store,
      clock,
      log: createLog('ERROR'),
      onChange: () => {},
      onOwnDeed: ({ id, state }) => void deeds.push(`${id} ${state}`),
    });
    return { store, rollouts };
  };
  let { store, rollouts } = open();
  const close = async () => {
    await rollouts.close();
    await store.close();
  };
  test.after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const serials = Array.from({ length: count }, (_, at) => `gw-${at}`);
  await store.addProduct({ name: 'P1', rid: 'r', template: '', now_ms: NOW });
  const added = serials.map((serial) => ({ serial, extra: '' }));
  if (count > 0) await store.addGateways('P1', added, 'enabled', NOW);
  const write = (serial: string, writes: Array<[string, string]>, seen = true) =>
    store.exchange({
      who: { product: 'P1', serial },
      writes,
      reads: ['engine_fetch'],
      create: false,
      seen,
      now_ms: clock.now(),
    });
  const world: World = {
    get store() {
      return store;
    },
    get rollouts() {
      return rollouts;
    },
    clock,
    deeds,
    async start(change = {}) {
      const { product, name, names, digests, stages, cap, failLimit_percent, silentAfter_s } = rolloutOf();
      const plan = { product, name, names, digests, stages, cap, failLimit_percent, silentAfter_s };
      const { gateways } = await store.fleet({ product: 'P1' }, { limit: 1000, now_ms: clock.now() });
      return rollouts.create(
        { ...plan, created_ms: clock.now(), createdBy: 'ann', ...change },
        gateways.map(({ id, serial }) => ({ gateway: id, serial })),
      );
    },
    async view(id) {
      await rollouts.settled();
      const view = await rollouts.view(id);
      if (view === undefined) throw new Error(`no rollout ${id}`);
      return view;
    },
    async counts(id) {
      const counts: Record<string, number> = {};
      for (const { state } of (await world.view(id)).members) counts[state] = (counts[state] ?? 0) + 1;
      return counts;
    },
    async checkIn(serial, report = {}) {
      const text = JSON.stringify({ apps: [], update_interval: 60, ...report });
      const end = await write(serial, [['engine_report', text]]);
      return end.end === 'done' ? (end.ports[0]?.value ?? '') : '';
    },
    take: async (serial) => void (await write(serial, [['engine_fetch', '']])),
    say: async (serial, text) => void (await write(serial, [['fetch_status', text]])),
    async passTime(duration_ms) {
      clock.advance(duration_ms);
      await new Promise((resolve) => setImmediate(resolve));
      await rollouts.settled();
    },
    async restart() {
      await close();
      ({ store, rollouts } = open());
    },
  };
  for (const serial of serials) {
    await store.activate({ product: 'P1', serial }, `key of ${serial}`, {
      time_ms: NOW,
      connection: '',
      entry: '',
    });
    await world.checkIn(serial);
  }
  return world;
}

export const INSTALLED = `${NAME}: installed in 1 s (attempt 1, exit 0)`;
export const FAILED = `${NAME}: failed: install.sh ended with 1; back at v1`;
