import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterLook,
  afterTime,
  STALLED_AFTER_MS,
  silenceLimit_ms,
} from '../../src/platform/rollout-member.ts';
import { type MemberState, mayFollow } from '../../src/platform/rollout-states.ts';
import type { Look, Member } from '../../src/platform/rollout-types.ts';
import { factsOf, lookAt, memberOf, NAME, NOW, rolloutOf, says } from './rollout-fixture.ts';

const PLAN = rolloutOf();
const AT_2 = { hello: { version: '2' } };
const MINUTE_MS = 60_000;

interface Case {
  what: string;
  from: MemberState;
  was?: Partial<Member>;
  look: Partial<Look>;
  now_ms?: number;
  to: MemberState;
  why?: RegExp;
}

const seenAt = (after_ms: number): Partial<Look> => ({
  lastSeen_ms: NOW + after_ms,
  report_ms: NOW + after_ms,
});
const program = (status: string, exitStatus = 0) => ({ programs: [{ name: 'hello', status, exitStatus }] });
const SUCCEEDED = { success_ms: NOW, touched: true, point: 5 };

const CASES: Case[] = [
  { what: 'not told: stays', from: 'waiting', look: {}, to: 'waiting' },
  {
    what: 'already at the version',
    from: 'waiting',
    look: { versions: AT_2 },
    to: 'done',
    why: /had it already/,
  },
  {
    what: 'at another version',
    from: 'waiting',
    look: { versions: { hello: { version: '1' } } },
    to: 'waiting',
  },
  { what: 'not taken yet', from: 'told', look: {}, to: 'told' },
  { what: 'cleared: taken', from: 'told', look: { afterCommand: '' }, to: 'taken' },
  {
    what: 'written over',
    from: 'told',
    look: { afterCommand: '{"install":[]}' },
    to: 'left',
    why: /Another command/,
  },
  {
    what: 'ended before the clearing was seen',
    from: 'told',
    look: says(`${NAME}: installed in 1 s`),
    to: 'watched',
  },
  {
    what: 'installed',
    from: 'taken',
    look: says(`${NAME}: installed in 1.2 s (attempt 1, exit 0)\nhello`),
    to: 'watched',
  },
  {
    what: 'failed',
    from: 'taken',
    look: says(`${NAME}: failed: install.sh ended with 1; back at v1`),
    to: 'failed',
    why: /ended with 1; back at v1$/,
  },
  {
    what: 'discarded',
    from: 'taken',
    look: says(`${NAME}: discarded: gzip: is cut off`),
    to: 'failed',
    why: /discarded/,
  },
  { what: 'gone', from: 'taken', look: says(`${NAME}: gone: not in the Content Area`), to: 'failed' },
  {
    what: 'deferred: no failure',
    from: 'taken',
    look: says(`${NAME}: waiting: needs 52 MB of disk, 11 MB are free`),
    to: 'taken',
    why: /needs 52 MB/,
  },
  {
    what: 'another tarball is not ours',
    from: 'taken',
    look: says('other.v1.tar.gz: failed: install.sh ended with 1'),
    to: 'taken',
  },
  { what: 'no line of ours', from: 'taken', look: says('half way'), to: 'taken' },
  {
    what: 'an older client that reports the version only',
    from: 'taken',
    look: { versions: AT_2, report_ms: NOW + 1 },
    to: 'watched',
  },
  {
    what: 'the report of the very check-in that took it',
    from: 'taken',
    look: { versions: AT_2, report_ms: NOW },
    to: 'taken',
  },
  {
    what: 'silent with the command',
    from: 'taken',
    look: {},
    now_ms: NOW + 691_000,
    to: 'silent',
    why: /took the command, and was not seen for 11 min 31 s/,
  },
  {
    what: 'stalled',
    from: 'taken',
    look: seenAt(STALLED_AFTER_MS),
    now_ms: NOW + STALLED_AFTER_MS + 1,
    to: 'failed',
    why: /did not say how it ended/,
  },
  {
    what: 'checks in too early to be done',
    from: 'watched',
    was: SUCCEEDED,
    look: seenAt(MINUTE_MS),
    to: 'watched',
  },
  {
    what: 'checks in late enough',
    from: 'watched',
    was: SUCCEEDED,
    look: seenAt(600_000),
    now_ms: NOW + 600_000,
    to: 'done',
  },
  {
    what: 'FATAL',
    from: 'watched',
    was: SUCCEEDED,
    look: { ...seenAt(600_000), ...program('FATAL') },
    now_ms: NOW + 600_000,
    to: 'unhealthy',
    why: /program hello is FATAL/,
  },
  {
    what: 'EXITED',
    from: 'watched',
    was: SUCCEEDED,
    look: { ...seenAt(1), ...program('EXITED', 3) },
    to: 'unhealthy',
    why: /EXITED with 3/,
  },
  {
    what: 'BACKOFF',
    from: 'watched',
    was: SUCCEEDED,
    look: { ...seenAt(1), ...program('BACKOFF') },
    to: 'unhealthy',
  },
  {
    what: 'RUNNING',
    from: 'watched',
    was: SUCCEEDED,
    look: { ...seenAt(1), ...program('RUNNING') },
    to: 'watched',
  },
  {
    what: 'a report from before',
    from: 'watched',
    was: SUCCEEDED,
    look: { report_ms: NOW - 1, ...program('FATAL') },
    to: 'watched',
  },
  {
    what: 'silent two minutes after success',
    from: 'watched',
    was: SUCCEEDED,
    look: seenAt(120_000),
    now_ms: NOW + 120_000 + 690_001,
    to: 'silent',
    why: /fell silent 2 min after it reported success: not seen for 11 min 30 s/,
  },
  {
    what: 'done, and silent then',
    from: 'done',
    was: SUCCEEDED,
    look: seenAt(600_000),
    now_ms: NOW + 600_000 + 690_001,
    to: 'silent',
  },
  {
    what: 'done, and unhealthy then',
    from: 'done',
    was: SUCCEEDED,
    look: { ...seenAt(700_000), ...program('FATAL') },
    now_ms: NOW + 700_000,
    to: 'unhealthy',
  },
  {
    what: 'done long ago',
    from: 'done',
    was: SUCCEEDED,
    look: seenAt(0),
    now_ms: NOW + 86_400_000,
    to: 'done',
  },
  { what: 'had it already, silent now', from: 'done', look: {}, now_ms: NOW + 800_000, to: 'done' },
  {
    what: 'seen again after silence',
    from: 'silent',
    was: SUCCEEDED,
    look: seenAt(5),
    now_ms: NOW + 5,
    to: 'watched',
  },
  {
    what: 'seen again, and it had failed',
    from: 'silent',
    was: { touched: true, point: 5 },
    look: { ...seenAt(5), ...says(`${NAME}: failed: x`) },
    now_ms: NOW + 5,
    to: 'failed',
  },
  { what: 'still silent', from: 'silent', was: SUCCEEDED, look: {}, to: 'silent' },
  {
    what: 'healthy again',
    from: 'unhealthy',
    was: SUCCEEDED,
    look: { ...seenAt(9), ...program('RUNNING') },
    to: 'watched',
  },
  {
    what: 'failed is an end',
    from: 'failed',
    look: { versions: AT_2, ...says(`${NAME}: installed`) },
    to: 'failed',
  },
];

for (const { what, from, was, look, now_ms, to, why } of CASES) {
  test(`${from}, ${what}: ${to}`, () => {
    const before = memberOf(0, { state: from, point: from === 'waiting' ? 0 : 5, ...was });
    const after = afterLook(before, lookAt(look), PLAN, now_ms ?? NOW);
    assert.equal(after.state, to);
    assert.ok(mayFollow(from, after.state));
    if (why !== undefined) assert.match(after.why, why);
  });
}

test('with several tarballs it has succeeded when all are installed, and failed with the first that is not', () => {
  const plan = rolloutOf({ names: ['a.v1.tar.gz', 'b.v1.tar.gz'] });
  const taken = memberOf(0, { state: 'taken', point: 5 });
  const one = afterLook(taken, lookAt(says('a.v1.tar.gz: installed', 1)), plan, NOW);
  assert.deepEqual([one.state, one.outcomes], ['taken', { 'a.v1.tar.gz': 'installed' }]);
  const both = afterLook(one, lookAt(says('b.v1.tar.gz: installed', 2, NOW + 3)), plan, NOW + 3);
  assert.deepEqual([both.state, both.success_ms], ['watched', NOW + 3]);
  assert.equal(afterLook(one, lookAt(says('b.v1.tar.gz: failed: x', 2)), plan, NOW).state, 'failed');
});

test('the same version of other bytes is not had already', () => {
  const plan = rolloutOf({ digests: { [NAME]: 'aa' } });
  const look = (digest: string) => lookAt({ versions: { hello: { version: '2', digest } } });
  assert.equal(afterLook(memberOf(0), look('bb'), plan, NOW).state, 'waiting');
  assert.equal(afterLook(memberOf(0), look('aa'), plan, NOW).state, 'done');
});

test('how long silence may last hangs on the interval of the gateway, and on half a day for one that tells none', () => {
  assert.equal(silenceLimit_ms(PLAN, factsOf({ interval_s: 60 })), 690_000);
  assert.equal(silenceLimit_ms(PLAN, factsOf({ interval_s: 3600 })), 6_000_000);
  assert.equal(silenceLimit_ms(PLAN, factsOf({ interval_s: undefined })), 65_400_000);
  const member = memberOf(0, { state: 'watched', success_ms: NOW, facts: factsOf({ interval_s: 3600 }) });
  assert.equal(afterTime(member, PLAN, NOW + 6_000_000).state, 'watched');
  assert.equal(afterTime(member, PLAN, NOW + 6_000_001).state, 'silent');
});
