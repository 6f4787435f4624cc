/**
 * Looks at what gateways report, behind their check-ins: keeps what is installed where, counts, and tells events. Whoever
 * asks for the fleet has it look first, so that an answer is never older than the question.
 */
import { asGweError, explain } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Events } from './events.ts';
import { conditionOf } from './fleet-condition.ts';
import type { Digest, Written } from './fleet-store.ts';
import * as limits from './limits.ts';
import type { Store } from './store.ts';

export interface FleetWatch {
  /** Looks at all that was reported until now. */
  settle(): Promise<void>;
  /** Check-ins since the platform started. */
  readonly checkIns: number;
  close(): Promise<void>;
}

/** What one gateway wrote since it was last looked at. */
interface Pending {
  aliases: Set<string>;
  checkIns: number;
  time_ms: number;
}

/** Begins to watch; what was there before is looked at in the background. */
export function watchFleet(store: Store, events: Events, clock: Clock, log: Log): FleetWatch {
  let pending = new Map<number, Pending>();
  let last: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let checkIns = 0;
  let reset_ms = Number.NEGATIVE_INFINITY;
  const counter = createVersionCounter(store, clock);
  let isHeldUp = false;
  let caughtUp: Promise<void> = Promise.resolve();

  const note = ({ gateway, aliases, checkIns, time_ms }: Written) => {
    const there = pending.get(gateway) ?? { aliases: new Set(), checkIns: 0, time_ms: 0 };
    for (const alias of aliases) there.aliases.add(alias);
    there.checkIns += checkIns;
    there.time_ms = Math.max(there.time_ms, time_ms);
    pending.set(gateway, there);
  };
  const look = async () => {
    timer = undefined;
    const taken = [...pending].map(([gateway, { aliases, ...rest }]) => {
      return { gateway, aliases: [...aliases], ...rest };
    });
    pending = new Map();
    const isMany = taken.reduce((sum, { aliases }) => sum + aliases.length, 0) > limits.EVENTS_PER_LOOK_MAX;
    for (let at = 0; at < taken.length; at += limits.DIGEST_MAX_GATEWAYS) {
      const some = taken.slice(at, at + limits.DIGEST_MAX_GATEWAYS);
      const digests = await store.digest(some).catch((error) => {
        if (itPasses(error)) for (const each of taken.slice(at)) note(each);
        throw error;
      });
      tellEnds(events, digests);
      if (!isMany) for (const digest of digests) tellWritten(events, digest);
    }
    if (isMany && clock.monotonic() - reset_ms > limits.EVENT_RESET_MS) {
      reset_ms = clock.monotonic();
      events.publish('reset', {});
    }
    if (taken.length > 0) await counter.count();
  };
  const wait = () => {
    timer ??= closed ? undefined : setTimeout(settle, limits.DIGEST_WAIT_MS).unref();
  };
  const settle = () => {
    clearTimeout(timer);
    last = last.then(look).then(
      () => {
        isHeldUp = false;
      },
      (error) => {
        // Said once; what was not looked at waits for the next time.
        if (!isHeldUp) log.error(`Cannot look at what was reported: ${explain(error)}`);
        isHeldUp = true;
        wait();
      },
    );
    return last;
  };
  store.onWrite((gateway, aliases, isHere) => {
    // What was written at another replica is looked at, counted and told by that one.
    if (!isHere) return;
    const count = aliases.includes('engine_report') ? 1 : 0;
    checkIns += count;
    note({ gateway, aliases, checkIns: count, time_ms: clock.now() });
    wait();
  });
  store.peers?.onLeft(async (left) => {
    for (let at = 0; at < left.length; at += limits.DIGEST_MAX_GATEWAYS) {
      const some = left.slice(at, at + limits.DIGEST_MAX_GATEWAYS);
      const digests = await store.digest(some.map((each) => ({ ...each, aliases: [], checkIns: 0 })));
      tellEnds(events, digests);
    }
    if (left.length > 0) events.publish('reset', {});
  });
  const failed = (error: unknown) => log.error(`Cannot read reports: ${explain(error)}`);
  // A list waits for what a small fleet left; a large one's first list would wait for minutes.
  last = catchUp(store, 0)
    .then((next) => {
      caughtUp = catchUpAll(store, next, () => closed).catch(failed);
    })
    .catch(failed);

  return {
    settle,
    get checkIns() {
      return checkIns;
    },
    async close() {
      closed = true;
      await settle();
      await caughtUp;
    },
  };
}

const itPasses = (error: unknown) => ['busy', 'disk-full'].includes(asGweError(error).code);

/** Looks at some of what a former run did not come to look at; returns after which to go on, `undefined` at the end. */
async function catchUp(store: Store, after: number): Promise<number | undefined> {
  const gateways = await store.undigested(after, limits.DIGEST_MAX_GATEWAYS);
  if (gateways.length > 0) {
    await store.digest(
      gateways.map((gateway): Written => ({ gateway, aliases: [], checkIns: 0, time_ms: 0 })),
    );
  }
  return gateways.length < limits.DIGEST_MAX_GATEWAYS ? undefined : gateways.at(-1);
}

async function catchUpAll(store: Store, from: number | undefined, isClosed: () => boolean): Promise<void> {
  for (let after = from; after !== undefined && !isClosed(); ) after = await catchUp(store, after);
}

/** Counts the versions now and then: the longer it takes, the more rarely. */
function createVersionCounter(store: Store, clock: Clock) {
  let next_ms = 0;
  return {
    async count() {
      const begun_ms = clock.monotonic();
      if (begun_ms < next_ms) return;
      await store.countVersions(clock.now());
      const took_ms = clock.monotonic() - begun_ms;
      next_ms = begun_ms + Math.max(limits.VERSIONS_COUNT_MS, took_ms * limits.VERSIONS_COUNT_SHARE);
    },
  };
}

function tellEnds(events: Events, digests: readonly Digest[]): void {
  for (const { product, serial, ends } of digests) {
    for (const { name, outcome, time_ms } of ends) {
      events.publish('install', { product, serial, name, outcome, time: time_ms });
    }
  }
}

function tellWritten(events: Events, { product, serial, aliases, time_ms, apps, interval_s }: Digest): void {
  for (const alias of aliases) events.publish('dataport', { product, serial, alias, updated: time_ms });
  if (!aliases.includes('engine_report')) return;
  const state = conditionOf(time_ms, interval_s, time_ms);
  events.publish('gateway', { product, serial, lastSeen: time_ms, state, apps });
}
