/**
 * One rollout that goes on: its gateways in memory, as they are on the disk, and one pass over them: look, decide, act.
 * When a pass is due, and what an operator may do, is rollouts.ts's business.
 */
import type { Clock } from '../host/clock.ts';
import { lookOf } from './rollout-look.ts';
import { afterLook, afterTime, factsOf, isLookedAfter, isOnline, to } from './rollout-member.ts';
import { type Decisions, decide, type Withdrawn } from './rollout-rules.ts';
import { MEMBER_STATES } from './rollout-states.ts';
import type { RolloutStore } from './rollout-store.ts';
import type { Member, Rollout } from './rollout-types.ts';

export interface Live {
  rollout: Rollout;
  /** By their place. */
  members: Member[];
  places: ReadonlyMap<number, number>;
  /** Index of the next one to look at in turn. */
  cursor: number;
}

export interface PassParts {
  store: RolloutStore;
  clock: Clock;
}

/** Gateways looked at, or told, at a time: a check-in that comes between need not wait for all of them. */
const AT_A_TIME = 100;
/** The same where nothing is decided by it. */
const SHOWN_AT_A_TIME = 1_000;
/** Gateways looked at again with each tick although nothing was written by them. */
const LOOKS_IN_TURN = 50;
/** Rounds of one pass: what is left is done by the next one. */
const ROUNDS_MAX = 20;

export function liveOf(rollout: Rollout, members: readonly Member[]): Live {
  const ordered = members.toSorted((a, b) => a.place - b.place);
  return {
    rollout,
    members: ordered,
    places: new Map(ordered.map(({ gateway }, index) => [gateway, index])),
    cursor: 0,
  };
}

/** Whether what was seen may lead to something; `gone`: the rollout itself is no more. */
export type Seen = 'news' | 'nothing' | 'gone';

/** Looks at those gateways again. */
export async function lookAt(parts: PassParts, live: Live, gateways: Iterable<number>): Promise<Seen> {
  const now_ms = parts.clock.now();
  const members = Array.from(gateways).flatMap((gateway) => memberOf(live, gateway) ?? []);
  const changed: Member[] = [];
  let isNews = false;
  for (let start = 0; start < members.length; start += AT_A_TIME) {
    const some = members.slice(start, start + AT_A_TIME);
    const asks = some.map(({ gateway, point, statusPoint }) => ({ gateway, point, statusPoint }));
    const seen = new Map((await parts.store.observe(asks)).map((each) => [each.gateway, each]));
    for (const member of some) {
      const observation = seen.get(member.gateway);
      const after =
        observation === undefined
          ? removed(member, now_ms)
          : { ...afterLook(member, lookOf(observation), live.rollout, now_ms), serial: observation.serial };
      isNews ||= isTellable(member, now_ms) !== isTellable(after, now_ms);
      if (isChanged(member, after)) changed.push(after);
      else setMember(live, after);
    }
    if (start + AT_A_TIME < members.length) await breathe();
  }
  if (changed.length > 0 && !(await save(parts, live, live.rollout, changed))) return 'gone';
  return isNews || changed.length > 0 ? 'news' : 'nothing';
}

/** Members as they are kept, with what is known of their gateways now: for a look at a rollout that another replica drives. */
export async function withFacts(
  store: Pick<RolloutStore, 'observe'>,
  members: readonly Member[],
): Promise<Member[]> {
  const seen: Member[] = [];
  for (let start = 0; start < members.length; start += SHOWN_AT_A_TIME) {
    const some = members.slice(start, start + SHOWN_AT_A_TIME);
    const found = await store.observe(some.map(({ gateway }) => ({ gateway, point: 0, statusPoint: 0 })));
    const facts = new Map(found.map((each) => [each.gateway, factsOf(lookOf(each))]));
    seen.push(...some.map((member) => ({ ...member, facts: facts.get(member.gateway) ?? member.facts })));
  }
  return seen;
}

function isTellable({ state, facts }: Member, now_ms: number): boolean {
  return state === 'waiting' && !facts.occupied && isOnline(facts, now_ms);
}

/**
 * Those to look at when nothing was written by them: who seems silent or gone by what is known, and beside them some in
 * turn, for what is never written: that a gateway was removed, or asks without reporting.
 */
export function dueForLook(live: Live, now_ms: number): number[] {
  const { members, rollout } = live;
  const suspects = members.filter(
    (member) =>
      afterTime(member, rollout, now_ms) !== member ||
      (member.state === 'told' && !isOnline(member.facts, now_ms)),
  );
  const inTurn: Member[] = [];
  for (let step = 0; step < members.length && inTurn.length < LOOKS_IN_TURN; step += 1) {
    const member = members[live.cursor % members.length];
    live.cursor = (live.cursor + 1) % members.length;
    if (member !== undefined && mayChange(member, rollout, now_ms)) inTurn.push(member);
  }
  return [...new Set([...suspects, ...inTurn].map(({ gateway }) => gateway))];
}

function mayChange(member: Member, rollout: Rollout, now_ms: number): boolean {
  const { isEnd, isBad } = MEMBER_STATES[member.state];
  return !isEnd || (isBad && member.state !== 'failed') || isLookedAfter(member, rollout, now_ms);
}

/** Decides and acts until there is nothing more to do. False: the rollout itself is gone. */
export async function advance(parts: PassParts, live: Live): Promise<boolean> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const decisions = decide(live.rollout, live.members, parts.clock.now());
    const end = await carryOut(parts, live, decisions);
    if (end !== 'again') return end === 'done';
  }
  return true;
}

async function carryOut(parts: PassParts, live: Live, made: Decisions): Promise<'again' | 'done' | 'gone'> {
  const now_ms = parts.clock.now();
  const { rollout } = live;
  const state = made.pause !== undefined ? 'paused' : (made.end ?? rollout.state);
  const isNew = state !== rollout.state || made.stage !== rollout.stage;
  const settled = made.settle.map((each) => to(each.member, each.to, now_ms, each.why));
  if (isNew || settled.length > 0) {
    const why = made.pause ?? (made.end === 'complete' ? '' : rollout.why);
    const next = isNew ? { ...rollout, state, stage: made.stage, why, changed_ms: now_ms } : rollout;
    if (!(await save(parts, live, next, settled))) return 'gone';
  }
  await inParts(made.withdraw, (each) => withdraw(parts, live, each));
  await inParts(made.tell, (member) => tell(parts, live, member));
  const isMore = isNew || settled.length + made.withdraw.length + made.tell.length > 0;
  return isMore ? 'again' : 'done';
}

async function tell(parts: PassParts, live: Live, member: Member): Promise<void> {
  const now_ms = parts.clock.now();
  const text = JSON.stringify({ install: live.rollout.names.map((name) => ({ name })) });
  const told = { ...to(member, 'told', now_ms), outcomes: {}, success_ms: 0 };
  const end = await parts.store.tellMember(live.rollout.id, told, text, now_ms);
  if (end === 'occupied') setMember(live, { ...member, facts: { ...member.facts, occupied: true } });
  else if (end !== 'gone') setMember(live, { ...end, facts: member.facts });
  else await save(parts, live, live.rollout, [removed(member, now_ms)]);
}

/** One that has taken its command meanwhile keeps it: a look at it says so. */
async function withdraw(parts: PassParts, live: Live, { member, to: state, why }: Withdrawn): Promise<void> {
  const now_ms = parts.clock.now();
  const end = await parts.store.withdrawMember(live.rollout.id, to(member, state, now_ms, why), now_ms);
  if (typeof end !== 'string') setMember(live, { ...end, facts: member.facts });
  else if (end === 'changed') await lookAt(parts, live, [member.gateway]);
  else await save(parts, live, live.rollout, [removed(member, now_ms)]);
}

/** On the disk first, then in memory. False: the rollout is gone. */
export async function save(
  parts: PassParts,
  live: Live,
  rollout: Rollout,
  members: readonly Member[],
): Promise<boolean> {
  if (!(await parts.store.saveRollout(rollout, members))) return false;
  live.rollout = rollout;
  for (const member of members) setMember(live, member);
  return true;
}

export function memberOf(live: Live, gateway: number): Member | undefined {
  return live.members[live.places.get(gateway) ?? -1];
}

function setMember(live: Live, member: Member): void {
  const index = live.places.get(member.gateway);
  if (index !== undefined) live.members[index] = member;
}

function isChanged(before: Member, after: Member): boolean {
  const { facts: _a, ...a } = before;
  const { facts: _b, ...b } = after;
  return JSON.stringify(a) !== JSON.stringify(b);
}

function removed(member: Member, now_ms: number): Member {
  const isOver = member.state !== 'waiting' && member.state !== 'told';
  if (isOver && member.state !== 'taken' && member.state !== 'watched') return member;
  if (isOver) return to(member, 'silent', now_ms, 'It was removed from the platform.');
  return to(member, 'left', now_ms, 'It was removed from the platform.');
}

async function inParts<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < all.length; start += AT_A_TIME) {
    await Promise.all(all.slice(start, start + AT_A_TIME).map(act));
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
