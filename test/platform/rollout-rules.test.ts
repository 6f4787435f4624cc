import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder, stageEnds } from '../../src/platform/rollout-order.ts';
import { again, decide, excuse, isUnderWay } from '../../src/platform/rollout-rules.ts';
import {
  MEMBER_STATES,
  type MemberState,
  mayFollow,
  STATE_NAMES,
} from '../../src/platform/rollout-states.ts';
import type { Member, Rollout } from '../../src/platform/rollout-types.ts';
import { memberWhy, rolloutWhy } from '../../src/platform/rollout-waits.ts';
import { factsOf, memberOf, membersOf, NOW, obey, rolloutOf } from './rollout-fixture.ts';

const LONG_AGO = factsOf({ lastSeen_ms: NOW - 86_400_000 });
const ended = (state: MemberState, count: number, from = 0, change: Partial<Member> = {}) =>
  Array.from({ length: count }, (_, at) =>
    memberOf(from + at, { state, touched: true, why: 'so it was', ...change }),
  );

test('the table of states is sound: every state can be reached, every open one can end, ends count right', () => {
  const reached = new Set<MemberState>(['waiting']);
  for (const from of reached) {
    for (const next of STATE_NAMES.filter((each) => mayFollow(from, each))) reached.add(next);
  }
  assert.deepEqual([...reached].sort(), [...STATE_NAMES].sort());
  const endsFrom = (from: MemberState, seen = new Set<MemberState>()): boolean => {
    if (MEMBER_STATES[from].isEnd) return true;
    seen.add(from);
    return STATE_NAMES.some((next) => mayFollow(from, next) && !seen.has(next) && endsFrom(next, seen));
  };
  for (const state of STATE_NAMES) {
    const row = MEMBER_STATES[state];
    assert.ok(endsFrom(state), `${state} never ends`);
    assert.ok(!(row.isBad || row.retry !== undefined) || row.isEnd, `${state} is bad but no end`);
    assert.ok(!row.isUnderWay || !row.isEnd, `${state} is under way and an end`);
    assert.ok(!row.isBad || row.retry === 'waiting', `${state} could not be tried again`);
  }
  assert.ok(
    !mayFollow('taken', 'cancelled') && !mayFollow('taken', 'waiting'),
    'a taken command cannot be called back',
  );
});

test('the order is the same each time, another one in each rollout, and hangs on no list', () => {
  const gateways = Array.from({ length: 50 }, (_, at) => ({ serial: `gw-${at}` }));
  assert.deepEqual(inOrder(1, gateways), inOrder(1, gateways.toReversed()));
  assert.notDeepEqual(inOrder(1, gateways), inOrder(2, gateways));
});

test('stages by percent or count never shrink, begin with at least one gateway, and the last one reaches all', () => {
  const cases = [
    { stages: [{ percent: 10 }, { percent: 50 }, { percent: 100 }], total: 200, ends: [20, 100, 200] },
    { stages: [{ percent: 1 }, { percent: 100 }], total: 5, ends: [1, 5] },
    { stages: [{ count: 3 }, { percent: 100 }], total: 200, ends: [3, 200] },
    { stages: [{ count: 0 }, { percent: 100 }], total: 2, ends: [1, 2] },
    { stages: [{ count: 50 }, { percent: 10 }, { percent: 100 }], total: 100, ends: [50, 50, 100] },
    { stages: [{ percent: 100 }], total: 0, ends: [0] },
  ];
  for (const { stages, total, ends } of cases) assert.deepEqual(stageEnds(stages, total), ends);
});

test('only gateways of the stage are told, and never more than the cap at a time', () => {
  const rollout = rolloutOf({ cap: 5 });
  const members = membersOf(rollout, 200);
  const first = decide(rollout, members, NOW);
  assert.deepEqual(
    first.tell.map(({ place }) => place),
    [0, 1, 2, 3, 4],
  );
  const next = obey(rollout, members, first, NOW);
  assert.deepEqual(decide(next.rollout, next.members, NOW).tell, []);
});

test('it pauses by itself, in words, when more than the limit failed, fell silent or became unhealthy after success', () => {
  const rollout = rolloutOf();
  const rest = membersOf(rollout, 200);
  const cases: Array<[MemberState, RegExp]> = [
    ['failed', /3 failed/],
    ['silent', /3 fell silent after they took it/],
    ['unhealthy', /3 became unhealthy after success/],
  ];
  for (const [state, words] of cases) {
    const members = [...ended(state, 3), ...ended('done', 5, 3), ...rest.slice(8)];
    const { pause, tell } = decide(rollout, members, NOW);
    assert.match(pause ?? '', words);
    assert.match(
      pause ?? '',
      /^Paused by itself: of 8 gateways that took it and ended, .*the limit is 10 %.*gw-0: so it was\.$/,
    );
    assert.deepEqual(tell, []);
    assert.equal(
      decide(rollout, [...ended(state, 2), ...ended('done', 6, 2), ...rest.slice(8)], NOW).pause,
      undefined,
    );
  }
});

test('the first gateway that fails does not make 100 %: the first stage is the least that is judged', () => {
  const rollout = rolloutOf();
  const members = [...ended('failed', 1), ...membersOf(rollout, 200).slice(1)];
  assert.equal(decide(rollout, members, NOW).pause, undefined);
  const canaryOfOne = rolloutOf({ stages: [{ count: 1 }, { percent: 100 }] });
  assert.match(
    decide(canaryOfOne, [...ended('failed', 1), ...membersOf(canaryOfOne, 9).slice(1)], NOW).pause ?? '',
    /100 %/,
  );
});

test('a first stage that is mostly offline is judged by those who came', () => {
  const rollout = rolloutOf();
  const members = membersOf(rollout, 200).map((m) => (m.stage === 0 ? { ...m, facts: LONG_AGO } : m));
  const came = [...ended('failed', 2), ...members.slice(2)];
  assert.match(decide(rollout, came, NOW).pause ?? '', /of 2 gateways that took it and ended, 2 failed/);
});

test('gateways that are offline are not told and block nothing, but a stage of which nobody ended is not passed', () => {
  const rollout = rolloutOf();
  const members = membersOf(rollout, 200).map((m) => (m.stage === 0 ? { ...m, facts: LONG_AGO } : m));
  const all = decide(rollout, members, NOW);
  assert.deepEqual([all.tell.length, all.stage], [0, 0]);
  const one = decide(rollout, [...ended('done', 1), ...members.slice(1)], NOW);
  assert.deepEqual([one.tell.length, one.stage], [20, 1]);
  assert.match(
    memberWhy(rollout, members[0] ?? memberOf(0), NOW).text,
    /It is offline: it was last seen 1 d ago/,
  );
});

test('gateways that are offline at the stated time are left, and a rollout without them is complete', () => {
  const rollout = rolloutOf({ offlineUntil_ms: NOW, stages: [{ percent: 100 }] });
  const members = [
    ...ended('done', 3),
    memberOf(3, { facts: LONG_AGO }),
    memberOf(4, { state: 'told', facts: LONG_AGO }),
  ];
  assert.deepEqual(decide({ ...rollout, offlineUntil_ms: NOW + 1 }, members, NOW).settle, []);
  const made = decide(rollout, members, NOW);
  assert.deepEqual([made.settle[0]?.to, made.withdraw[0]?.to], ['left', 'left']);
  const next = obey(rollout, members, made, NOW);
  assert.equal(decide(next.rollout, next.members, NOW).end, 'complete');
});

test('when the whole first stage is left, it pauses: nothing is known of the version', () => {
  const rollout = rolloutOf();
  const members = membersOf(rollout, 20).map((m) => (m.stage === 0 ? { ...m, state: 'left' as const } : m));
  assert.match(decide(rollout, members, NOW).pause ?? '', /none of the 2 gateways up to stage 1 was reached/);
});

test('a command that was told but not taken is taken back when the gateway goes offline, the window closes, or it pauses', () => {
  const told = memberOf(0, { state: 'told' });
  const cases: Array<[Rollout, Member]> = [
    [rolloutOf(), { ...told, facts: LONG_AGO }],
    [rolloutOf({ window: { from: '02:00', to: '05:00', timezone: 'UTC' } }), told],
    [rolloutOf({ state: 'paused' }), told],
  ];
  for (const [rollout, member] of cases) {
    assert.deepEqual(
      decide(rollout, [member], NOW).withdraw.map((each) => each.to),
      ['waiting'],
    );
  }
});

test('gateways are told within the window of their own time zone only', () => {
  const rollout = rolloutOf({
    window: { from: '12:00', to: '14:00', timezone: 'UTC' },
    stages: [{ percent: 100 }],
  });
  const members = [
    memberOf(0),
    memberOf(1, { facts: factsOf({ timezone: 'Europe/Berlin' }) }),
    memberOf(2, { facts: factsOf({ timezone: 'America/New_York' }) }),
    memberOf(3, { facts: factsOf({ timezone: 'Nowhere/Else' }) }),
  ];
  assert.deepEqual(
    decide(rollout, members, NOW).tell.map(({ place }) => place),
    [0, 1, 3],
  );
  const wait = memberWhy(rollout, members[2] ?? memberOf(2), NOW);
  assert.match(wait.text, /from 12:00 to 14:00 \(America\/New_York\) only/);
  assert.equal(wait.expected_ms, NOW + 5 * 3_600_000);
});

test('one that puts it off itself is no failure and holds nobody up; one that had it already counts as done', () => {
  const rollout = rolloutOf({ stages: [{ count: 2 }, { percent: 100 }], cap: 1 });
  const deferring = memberOf(0, { state: 'taken', touched: true, outcomes: { x: 'waiting' } });
  const members = [deferring, memberOf(1, { state: 'done' }), memberOf(2, { stage: 1 })];
  const made = decide(rollout, members, NOW);
  assert.deepEqual([made.stage, made.tell.map(({ place }) => place), made.pause], [1, [2], undefined]);
});

test('a gateway for which another command waits is not told before that one was taken', () => {
  const rollout = rolloutOf({ stages: [{ percent: 100 }] });
  const member = memberOf(0, { facts: factsOf({ occupied: true }) });
  assert.deepEqual(decide(rollout, [member], NOW).tell, []);
  assert.match(memberWhy(rollout, member, NOW).text, /Another command waits for it/);
});

test('aborting cancels who was not told, asks back what was not taken, and waits for what was', () => {
  const rollout = rolloutOf({ state: 'aborting', why: 'Aborted by ann.' });
  const members = [
    memberOf(0),
    memberOf(1, { state: 'told' }),
    memberOf(2, { state: 'taken', touched: true }),
    memberOf(3, { state: 'watched', touched: true }),
  ];
  const made = decide(rollout, members, NOW);
  assert.deepEqual(
    made.settle.map((each) => [each.member.place, each.to]),
    [
      [0, 'cancelled'],
      [3, 'done'],
    ],
  );
  assert.deepEqual(
    made.withdraw.map((each) => [each.member.place, each.to]),
    [[1, 'cancelled']],
  );
  assert.equal(made.end, undefined);
  const next = obey(rollout, members, made, NOW);
  assert.equal(decide(next.rollout, next.members, NOW).end, undefined);
  assert.match(
    rolloutWhy(next.rollout, next.members, NOW),
    /1 gateway took the command before, and cannot be called back/,
  );
  const over = next.members.map((m) => (m.state === 'taken' ? { ...m, state: 'failed' as const } : m));
  assert.equal(decide(next.rollout, over, NOW).end, 'aborted');
});

test('resuming accepts what went wrong so far, and pauses again for what comes', () => {
  const rollout = rolloutOf();
  const bad = [...ended('failed', 10), ...ended('done', 10, 10), ...membersOf(rollout, 200).slice(20)];
  assert.ok(decide(rollout, bad, NOW).pause);
  const excused = new Map(excuse(bad).map((member) => [member.place, member]));
  const resumed = bad.map((member) => excused.get(member.place) ?? member);
  assert.deepEqual(
    [decide(rollout, resumed, NOW).pause, decide(rollout, resumed, NOW).stage],
    [undefined, 1],
  );
  const worse = [...resumed.slice(0, 20), ...ended('silent', 3, 20, { stage: 1 }), ...resumed.slice(23)];
  assert.match(decide(rollout, worse, NOW).pause ?? '', /3 fell silent/);
});

test('retry brings back those that failed, fell silent, became unhealthy or were left, and nobody else', () => {
  const members = STATE_NAMES.map((state, place) => memberOf(place, { state, touched: true, why: 'x' }));
  const back = again(members, NOW + 5);
  assert.deepEqual(back.map(({ place }) => STATE_NAMES[place]).sort(), [
    'failed',
    'left',
    'silent',
    'unhealthy',
  ]);
  for (const member of back)
    assert.deepEqual([member.state, member.why, member.since_ms], ['waiting', '', NOW + 5]);
});

/** Numbers from 0 up to 1 that hang on nothing but the seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('whatever gateways do: never more than the cap under way, nobody beyond the stage, no step outside the table, and it ends', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const pick = (most: number) => 1 + Math.floor(roll() * most);
    let rollout = rolloutOf({
      cap: pick(9),
      failLimit_percent: Math.floor(roll() * 100),
      stages: [{ count: pick(5) }, { percent: pick(100) }, { percent: 100 }],
      offlineUntil_ms: NOW + 400,
    });
    const size = pick(60);
    let members = membersOf(rollout, size).map((m) => (roll() < 0.1 ? { ...m, facts: LONG_AGO } : m));
    for (
      let now_ms = NOW;
      now_ms < NOW + 2_000 && !['complete', 'paused'].includes(rollout.state);
      now_ms += 1
    ) {
      const made = decide(rollout, members, now_ms);
      const before = members;
      ({ rollout, members } = obey(rollout, members, made, now_ms));
      members.forEach((m, at) => {
        assert.ok(mayFollow(before[at]?.state ?? 'waiting', m.state), `${before[at]?.state} → ${m.state}`);
      });
      assert.ok(members.filter(isUnderWay).length <= rollout.cap, `seed ${seed}: more than the cap`);
      assert.ok(
        members.every((m) => m.stage <= rollout.stage || !m.touched),
        `seed ${seed}: beyond the stage`,
      );
      members = members.map((m) => live(m, roll));
    }
    assert.ok(
      ['complete', 'paused'].includes(rollout.state),
      `seed ${seed} did not end: ${JSON.stringify(rollout)}`,
    );
  }
});

function live(member: Member, roll: () => number): Member {
  if (roll() < 0.5) return member;
  const change = (state: MemberState): Member => ({ ...member, state, touched: true });
  if (member.state === 'told') return change('taken');
  if (member.state === 'taken') return change(roll() < 0.05 ? 'failed' : 'watched');
  return member.state === 'watched' ? change(roll() < 0.05 ? 'silent' : 'done') : member;
}
