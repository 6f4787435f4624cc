/**
 * What a rollout does next: pure, from its definition, where its gateways stand, and the time. Whom to tell, whose command
 * to take back, whom to leave, when the next stage begins, and when it pauses by itself. Acting is rollouts.ts's business.
 */
import { isDeferred, isOnline } from './rollout-member.ts';
import { MEMBER_STATES } from './rollout-states.ts';
import type { Member, Rollout } from './rollout-types.ts';
import { isOpen, timezoneFor } from './rollout-window.ts';
import { pauseText, timeText, unreachedText } from './rollout-words.ts';

/** A change of state that needs no word with the gateway. */
export interface Settled {
  member: Member;
  to: 'left' | 'cancelled' | 'done';
  why: string;
}

/** A command to take back, if the gateway has not taken it: only then the state changes. */
export interface Withdrawn {
  member: Member;
  to: 'waiting' | 'left' | 'cancelled';
  why: string;
}

export interface Decisions {
  /** In the order in which they are to be told. */
  tell: Member[];
  withdraw: Withdrawn[];
  settle: Settled[];
  /** The stage that is under way. */
  stage: number;
  /** Why it must pause. */
  pause: string | undefined;
  end: 'complete' | 'aborted' | undefined;
}

/** What is to be done now. In `paused` and `aborting` nobody is told, and what was not taken yet is taken back. */
export function decide(rollout: Rollout, members: readonly Member[], now_ms: number): Decisions {
  const nothing: Decisions = {
    tell: [],
    withdraw: [],
    settle: [],
    stage: rollout.stage,
    pause: undefined,
    end: undefined,
  };
  if (rollout.state === 'aborting') return { ...nothing, ...abort(members) };
  if (rollout.state === 'paused') return { ...nothing, ...hold(members) };
  if (rollout.state !== 'running') return nothing;
  return go(rollout, members, now_ms, nothing);
}

function hold(members: readonly Member[]): Partial<Decisions> {
  return { withdraw: told(members).map((member) => ({ member, to: 'waiting', why: '' })) };
}

/** It is aborted when every command is either taken back or has ended: one that was taken cannot be called back. */
function abort(members: readonly Member[]): Partial<Decisions> {
  const settle = members.flatMap((member): Settled[] => {
    if (member.state === 'waiting') return [{ member, to: 'cancelled', why: '' }];
    if (member.state !== 'watched') return [];
    return [
      { member, to: 'done', why: 'It reported success; it was not watched on when the rollout was aborted.' },
    ];
  });
  const withdraw = told(members).map((member): Withdrawn => ({ member, to: 'cancelled', why: '' }));
  const isOver = withdraw.length === 0 && !members.some(({ state }) => state === 'taken');
  return { settle, withdraw, end: isOver ? 'aborted' : undefined };
}

function told(members: readonly Member[]): Member[] {
  return members.filter(({ state }) => state === 'told');
}

function go(rollout: Rollout, members: readonly Member[], now_ms: number, nothing: Decisions): Decisions {
  const pause = tooManyBad(rollout, members, firstStageSize(members));
  if (pause !== undefined) return { ...nothing, ...hold(members), pause };
  const may = permits(rollout, now_ms);
  const settle = members.flatMap((member): Settled[] =>
    member.state === 'waiting' && may.isTooLate(member)
      ? [{ member, to: 'left', why: leftWhy(rollout, member) }]
      : [],
  );
  const withdraw = told(members).flatMap((member): Withdrawn[] => {
    if (may.isTooLate(member)) return [{ member, to: 'left', why: leftWhy(rollout, member) }];
    return may.beTold(member) ? [] : [{ member, to: 'waiting', why: '' }];
  });
  // What is settled now counts at the next look: stages go on from states that are on the disk.
  if (settle.length > 0 || withdraw.length > 0) return { ...nothing, settle, withdraw };
  const { stage, pause: unreached, end } = stageNow(rollout, members, may.isReachable);
  if (unreached !== undefined) return { ...nothing, ...hold(members), pause: unreached };
  const free = rollout.cap - members.filter(isUnderWay).length;
  const tell = members.filter(
    (member) =>
      member.state === 'waiting' && member.stage <= stage && !member.facts.occupied && may.beTold(member),
  );
  return { ...nothing, stage, end, tell: tell.slice(0, Math.max(0, free)) };
}

function leftWhy(rollout: Rollout, { facts }: Member): string {
  const until = timeText(rollout.offlineUntil_ms ?? 0);
  if (!facts.activated) return `It was not activated by ${until}.`;
  return `It was offline at ${until}.`;
}

/** Whether a member takes a place of those that may be under way. */
export function isUnderWay(member: Member): boolean {
  return MEMBER_STATES[member.state].isUnderWay && !isDeferred(member);
}

function permits(rollout: Rollout, now_ms: number) {
  const open = new Map<string, boolean>();
  const isWindowOpen = ({ facts }: Member) => {
    const { window } = rollout;
    if (window === undefined) return true;
    const zone = timezoneFor(window, facts.timezone);
    const there = open.get(zone) ?? isOpen(window, zone, now_ms);
    open.set(zone, there);
    return there;
  };
  const isReachable = (member: Member) => isOnline(member.facts, now_ms);
  return {
    isReachable,
    beTold: (member: Member) => isReachable(member) && isWindowOpen(member),
    isTooLate: (member: Member) =>
      rollout.offlineUntil_ms !== undefined && now_ms >= rollout.offlineUntil_ms && !isReachable(member),
  };
}

/** The first stage is the smallest sample that is judged: one failure of the first one that ended is not 100 %. */
function firstStageSize(members: readonly Member[]): number {
  return members.filter((member) => member.stage === 0).length;
}

/**
 * Why it must pause, if more than the limit went wrong of those that said how it ended, or of `sample` if that is more.
 * Those that an operator excused by resuming do not count, nor those that had it already.
 */
function tooManyBad(rollout: Rollout, members: readonly Member[], sample: number): string | undefined {
  const judged = members.filter(isJudged);
  const bad = judged.filter(({ state }) => MEMBER_STATES[state].isBad);
  const limit = (rollout.failLimit_percent / 100) * Math.max(judged.length, sample);
  if (bad.length === 0 || bad.length <= limit) return undefined;
  const count = (state: Member['state']) => bad.filter((member) => member.state === state).length;
  return pauseText({
    failed: count('failed'),
    silent: count('silent'),
    unhealthy: count('unhealthy'),
    judged: judged.length,
    limit_percent: rollout.failLimit_percent,
    example: bad[0],
  });
}

function isJudged({ state, touched, excused }: Member): boolean {
  return touched && !excused && (state === 'watched' || MEMBER_STATES[state].isEnd);
}

/**
 * The stage that is under way: it is passed when none of its gateways is under way or waits for its turn, at least one
 * ended, and not too many went wrong. Gateways that are offline, or put it off themselves, are not waited for here.
 */
function stageNow(
  rollout: Rollout,
  members: readonly Member[],
  isReachable: (member: Member) => boolean,
): Pick<Decisions, 'stage' | 'pause' | 'end'> {
  const last = members.at(-1)?.stage ?? 0;
  for (let stage = rollout.stage; ; stage += 1) {
    const those = members.filter((member) => member.stage <= stage);
    const isBusy = those.some((m) => isUnderWay(m) || (m.state === 'waiting' && isReachable(m)));
    if (isBusy) return { stage, pause: undefined, end: undefined };
    const pause = tooManyBad(rollout, those, 0);
    if (pause !== undefined) return { stage, pause, end: undefined };
    if (stage >= last)
      return {
        stage: Math.max(stage, rollout.stage),
        pause,
        end: rollout.dynamic ? undefined : allEnded(members),
      };
    const hasEnd = those.some(({ state }) => state === 'done' || MEMBER_STATES[state].isBad);
    if (!hasEnd)
      return { stage, pause: allEnded(those) && unreachedText(stage, those.length), end: undefined };
  }
}

function allEnded(members: readonly Member[]): 'complete' | undefined {
  return members.every(({ state }) => MEMBER_STATES[state].isEnd) ? 'complete' : undefined;
}

/** After an operator said "go on": what went wrong so far is accepted. */
export function excuse(members: readonly Member[]): Member[] {
  return members.flatMap((member) =>
    MEMBER_STATES[member.state].isBad && !member.excused ? [{ ...member, excused: true }] : [],
  );
}

/** Those that did not get it, brought back to the start. */
export function again(members: readonly Member[], now_ms: number): Member[] {
  return members.flatMap((member): Member[] => {
    if (MEMBER_STATES[member.state].retry === undefined) return [];
    const fresh = { outcomes: {}, why: '', point: 0, success_ms: 0, excused: false, touched: false };
    return [{ ...member, ...fresh, state: 'waiting', since_ms: now_ms }];
  });
}
