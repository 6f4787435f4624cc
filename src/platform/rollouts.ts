/**
 * The rollouts that go on: driven by what gateways write, and by a tick for what only time brings. All that is known lies
 * in the store; after a start it is read, looked at, and gone on with. One thing at a time: passes and operators take turns.
 * Of several replicas the one that holds the lease drives; an operator's wish brings the lease to the replica that was asked.
 */
import { asGweError, explain, GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { FleetStore } from './fleet-store.ts';
import type { Peers } from './peers.ts';
import {
  ACTIONS,
  cannot,
  noRollout,
  ownRollout,
  ROLLOUTS_LIVE_MAX,
  type RolloutAction,
  tooMany,
} from './rollout-actions.ts';
import { gatewaysFor, JOIN_LOOK_MS, joining } from './rollout-gateways.ts';
import {
  advance,
  dueForLook,
  type Live,
  liveOf,
  lookAt,
  type PassParts,
  save,
  withFacts,
} from './rollout-live.ts';
import { again, excuse } from './rollout-rules.ts';
import type { NewRollout, RolloutStore } from './rollout-store.ts';
import type { Member, Rollout, RolloutState } from './rollout-types.ts';

/** How often time alone is looked at: silence, windows, gateways that are left. */
export const ROLLOUT_TICK_MS = 2_000;

export interface RolloutView {
  rollout: Rollout;
  /** By their place. */
  members: readonly Member[];
}

export interface RolloutParts {
  store: RolloutStore &
    Pick<FleetStore, 'fleet'> & {
      onWrite(listener: (gateway: number, aliases: readonly string[]) => void): void;
      peers?: Pick<Peers, 'onGap'> | undefined;
    };
  clock: Clock;
  log: Log;
  /** Told when a rollout, or the state of a gateway in it, has changed. */
  onChange(rollout: Rollout): void;
  /** Told when it paused or ended by itself. */
  onOwnDeed(rollout: Rollout): void;
}

export interface Rollouts {
  create(plan: NewRollout, gateways: ReadonlyArray<{ gateway: number; serial: string }>): Promise<Rollout>;
  /** Raises `not-found`, and `conflict` for what can't be done in the state it is in. */
  act(id: number, action: RolloutAction, who: string): Promise<Rollout>;
  /** As it is now; `undefined`: none of that id. */
  view(id: number): Promise<RolloutView | undefined>;
  /** Resolves when all that was written before is taken in. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const LIVE_STATES: readonly RolloutState[] = ['running', 'paused', 'aborting'];

/** Opens what goes on; returns at once, the first looks follow. */
export function openRollouts(parts: RolloutParts): Rollouts {
  const { store, clock, log } = parts;
  const pass: PassParts = { store, clock };
  const lives = new Map<number, Live>();
  const dirty = new Set<number>();
  /** Rollouts in which gateways moved: told with the next tick, so that a fleet that installs is no flood of news. */
  const moved = new Set<number>();
  const heldUp = new Set<number>();
  const over = new AbortController();
  const { lease } = store;
  /** The lease under which all that is in memory was read; 0 while another replica drives. */
  let term = 0;
  let isAway = false;
  let last: Promise<unknown> = Promise.resolve();
  let isScheduled = false;
  let isTick = false;
  let joined_ms = clock.monotonic();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
  /** Tells what became of a rollout; `asked` is the state that an operator asked for. */
  const telling = async (live: Live, work: () => Promise<boolean>, asked?: RolloutState): Promise<void> => {
    const before = live.rollout;
    const states = live.members.map(({ state }) => state);
    const isThere = await work();
    const { rollout } = live;
    if (live.members.some(({ state }, at) => state !== states[at])) moved.add(rollout.id);
    if (rollout !== before) parts.onChange(rollout);
    if (rollout.state !== (asked ?? before.state)) parts.onOwnDeed(rollout);
    if (!isThere || !LIVE_STATES.includes(rollout.state)) lives.delete(rollout.id);
  };
  /** A pass decides anew when something was seen, and with each tick: most check-ins tell nothing new. */
  const passOver = async (live: Live, gateways: readonly number[], isTick: boolean): Promise<void> => {
    try {
      await telling(live, async () => {
        const seen = await lookAt(pass, live, gateways);
        if (seen === 'nothing' && !isTick) return true;
        return seen !== 'gone' && advance(pass, live);
      });
      heldUp.delete(live.rollout.id);
    } catch (thrown) {
      // Nothing is lost: with the next tick they are looked at again.
      for (const gateway of gateways) dirty.add(gateway);
      const { id } = live.rollout;
      if (!heldUp.has(id)) log.error(`Rollout ${id} is held up: ${explain(asGweError(thrown))}`);
      heldUp.add(id);
    }
  };
  /** Adds those who came to fit since the last look; what fails is tried again at the next one. */
  const letJoin = async ({ rollout, members }: Live): Promise<void> => {
    try {
      const fresh = joining(rollout, members, await gatewaysFor(store, rollout, clock.now()), clock.now());
      if (fresh.length === 0 || !(await store.saveRollout(rollout, fresh))) return;
      lives.set(rollout.id, liveOf(rollout, [...members, ...fresh]));
      for (const { gateway } of fresh) dirty.add(gateway);
      moved.add(rollout.id);
    } catch (thrown) {
      log.error(`Cannot look who joins rollout ${rollout.id}: ${explain(asGweError(thrown))}`);
    }
  };
  const letAllJoin = async (): Promise<void> => {
    if (clock.monotonic() - joined_ms < JOIN_LOOK_MS) return;
    joined_ms = clock.monotonic();
    const open = [...lives.values()].filter(({ rollout }) => rollout.dynamic && rollout.state === 'running');
    for (const live of open) await letJoin(live);
  };
  const passAll = async (): Promise<void> => {
    const tick = isTick;
    isTick = false;
    isScheduled = false;
    if (tick) await lead(lease.hold);
    isAway = false;
    if (term === 0) return;
    if (tick) await letAllJoin();
    const written = [...dirty];
    dirty.clear();
    for (const live of [...lives.values()]) {
      const due = tick ? dueForLook(live, clock.now()) : [];
      const own = written.filter((gateway) => live.places.has(gateway));
      if (tick || own.length > 0) await passOver(live, [...new Set([...own, ...due])], tick);
      if (tick && moved.delete(live.rollout.id)) parts.onChange(live.rollout);
    }
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    inTurn(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await passAll();
    }).catch((thrown) => {
      if (!isAway) log.error(`Cannot go on with rollouts: ${explain(asGweError(thrown))}`);
      isAway = true;
    });
  };
  const lookAtAll = () => {
    for (const live of lives.values()) for (const gateway of live.places.keys()) dirty.add(gateway);
    isTick = true;
    schedule();
  };
  const load = async () => {
    for (const state of LIVE_STATES) {
      for (const rollout of await store.rollouts({ state, limit: ROLLOUTS_LIVE_MAX }))
        lives.set(rollout.id, liveOf(rollout, await store.rolloutMembers(rollout.id)));
    }
    if (lives.size > 0) lookAtAll();
  };
  /** Only in turn: so nothing that was read under a former lease is written under a later one. */
  const lead = async (take: () => Promise<number>): Promise<void> => {
    const now = await take();
    if (now === term) return;
    stepDown();
    if (now > 0) await load();
    term = now;
  };
  const stepDown = () => {
    term = 0;
    lives.clear();
    dirty.clear();
  };
  const asLeader = <T>(work: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      await lead(lease.insist);
      return work();
    });
  const find = async (id: number): Promise<Live> => {
    const rollout = lives.get(id) ?? (await store.rollout(id));
    if (rollout === undefined) throw noRollout(id);
    return 'places' in rollout ? rollout : liveOf(rollout, await store.rolloutMembers(id));
  };
  const actNow = async (id: number, action: RolloutAction, who: string): Promise<Rollout> => {
    const live = await find(id);
    const row = ACTIONS[action];
    if (!row.from.includes(live.rollout.state)) throw cannot(action, live.rollout);
    if (action === 'approve' && who === live.rollout.createdBy) throw ownRollout(live.rollout);
    if (action === 'approve' && lives.size >= ROLLOUTS_LIVE_MAX) throw tooMany();
    const now_ms = clock.now();
    const changed =
      action === 'resume' ? excuse(live.members) : action === 'retry' ? again(live.members, now_ms) : [];
    if (action === 'retry' && changed.length === 0) {
      throw new GweError('conflict', `Cannot retry rollout ${id}: no gateway failed, or was left`);
    }
    const why = row.why.replace('WHO', who);
    const work = async () => {
      const next = { ...live.rollout, state: row.to, why, changed_ms: now_ms };
      if (!(await save(pass, live, next, changed))) throw noRollout(id);
      lives.set(id, live);
      return (await lookAt(pass, live, live.places.keys())) !== 'gone' && advance(pass, live);
    };
    await telling(live, work, row.to);
    return live.rollout;
  };

  store.onWrite((gateway, aliases) => {
    if (lives.size === 0 || !aliases.some((alias) => WATCHED_ALIASES.has(alias))) return;
    if (![...lives.values()].some((live) => live.places.has(gateway))) return;
    dirty.add(gateway);
    schedule();
  });
  const tick = () => {
    isTick = true;
    if (lives.size > 0 || term === 0 || store.peers !== undefined) schedule();
  };
  const atTrouble = (thrown: unknown) =>
    log.error(`Cannot go on with rollouts: ${explain(asGweError(thrown))}`);
  void inTurn(async () => {
    await lead(lease.hold);
    await passAll();
  }).catch(atTrouble);
  void tickOn(clock, over.signal, tick);
  lease.onFree(tick);
  lease.onAsked(() => {
    void inTurn(async () => {
      stepDown();
      await lease.release();
    }).catch(atTrouble);
  });
  store.peers?.onGap(lookAtAll);

  return {
    create: (plan, gateways) =>
      asLeader(async () => {
        if (lives.size >= ROLLOUTS_LIVE_MAX) throw tooMany();
        const rollout = await store.addRollout(plan, gateways);
        if (rollout === 'unknown') throw new GweError('not-found', `Cannot find product ${plan.product}`);
        parts.onChange(rollout);
        if (rollout.state === 'proposed') return rollout;
        const live = liveOf(rollout, await store.rolloutMembers(rollout.id));
        lives.set(rollout.id, live);
        await passOver(live, [...live.places.keys()], true);
        return live.rollout;
      }),
    act: (id, action, who) => asLeader(() => actNow(id, action, who)),
    async view(id) {
      const live = lives.get(id);
      if (live !== undefined) return { rollout: live.rollout, members: live.members };
      const rollout = await store.rollout(id);
      if (rollout === undefined) return undefined;
      const members = await store.rolloutMembers(id);
      const isDrivenElsewhere = LIVE_STATES.includes(rollout.state);
      return { rollout, members: isDrivenElsewhere ? await withFacts(store, members) : members };
    },
    async settled() {
      // A pass is in the queue as soon as something was written: what is written later is not waited for.
      await last;
    },
    async close() {
      over.abort();
      await last;
      stepDown();
      await lease.release().catch(() => {});
    },
  };
}

/** What a gateway writes that can change where it stands; its check-in, too. */
const WATCHED_ALIASES = new Set(['fetch_status', 'engine_report', 'engine_fetch']);

async function tickOn(clock: Clock, signal: AbortSignal, act: () => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(ROLLOUT_TICK_MS, signal);
      act();
    } catch {
      return;
    }
  }
}
