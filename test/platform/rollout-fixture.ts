/** Rollouts and gateways as plain values, for tests of the rules; and a small world of gateways that obeys them. */
import { to } from '../../src/platform/rollout-member.ts';
import { stageEnds, stageOf } from '../../src/platform/rollout-order.ts';
import type { Decisions } from '../../src/platform/rollout-rules.ts';
import type { Facts, Look, Member, Rollout } from '../../src/platform/rollout-types.ts';

export const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);
export const NAME = 'hello.v2.tar.gz';

export function rolloutOf(change: Partial<Rollout> = {}): Rollout {
  return {
    id: 7,
    product: 'P1',
    name: 'hello 2',
    names: [NAME],
    digests: {},
    stages: [{ percent: 10 }, { percent: 100 }],
    cap: 20,
    failLimit_percent: 10,
    silentAfter_s: 600,
    state: 'running',
    stage: 0,
    why: '',
    created_ms: NOW,
    createdBy: 'test',
    changed_ms: NOW,
    ...change,
  };
}

export function factsOf(change: Partial<Facts> = {}): Facts {
  return {
    activated: true,
    lastSeen_ms: NOW,
    interval_s: 60,
    timezone: undefined,
    occupied: false,
    ...change,
  };
}

export function memberOf(place: number, change: Partial<Member> = {}): Member {
  return {
    gateway: place + 1,
    serial: `gw-${place}`,
    place,
    stage: 0,
    state: 'waiting',
    since_ms: NOW,
    why: '',
    point: 0,
    statusPoint: 0,
    outcomes: {},
    success_ms: 0,
    touched: false,
    excused: false,
    facts: factsOf(),
    ...change,
  };
}

/** As many as said, put into the stages of a rollout. */
export function membersOf(rollout: Rollout, count: number): Member[] {
  const ends = stageEnds(rollout.stages, count);
  return Array.from({ length: count }, (_, place) => memberOf(place, { stage: stageOf(ends, place) }));
}

export function lookAt(change: Partial<Look> = {}): Look {
  return {
    ...factsOf(),
    report_ms: 0,
    programs: [],
    versions: {},
    fetchPoint: 0,
    afterCommand: undefined,
    statuses: [],
    ...change,
  };
}

export const says = (text: string, point = 1, time_ms = NOW): Partial<Look> => ({
  statuses: [{ point, time_ms, text }],
});

/** What the driver does with decisions, when every command that is taken back was still there. */
export function obey(
  rollout: Rollout,
  members: readonly Member[],
  made: Decisions,
  now_ms: number,
): { rollout: Rollout; members: Member[] } {
  const changed = new Map<number, Member>();
  for (const each of [...made.settle, ...made.withdraw])
    changed.set(each.member.place, to(each.member, each.to, now_ms, each.why));
  for (const member of made.tell) changed.set(member.place, to(member, 'told', now_ms));
  const state = made.pause === undefined ? (made.end ?? rollout.state) : 'paused';
  return {
    rollout: { ...rollout, state, stage: made.stage, why: made.pause ?? rollout.why },
    members: members.map((member) => changed.get(member.place) ?? member),
  };
}
