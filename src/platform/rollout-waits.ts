/** What a running rollout waits for, and why a gateway in it is where it is: one sentence each, for the page and the commands. Pure. */
import { expectedAt } from './fleet-condition.ts';
import { isDeferred, isOnline, silenceLimit_ms } from './rollout-member.ts';
import { isUnderWay } from './rollout-rules.ts';
import type { Member, Rollout } from './rollout-types.ts';
import { isOpen, opensAt, timezoneFor } from './rollout-window.ts';
import { durationText, gatewaysText, listText, timeText, windowText } from './rollout-words.ts';

export interface Wait {
  text: string;
  /** When it is expected to change. */
  expected_ms?: number | undefined;
}

/** What the rollout as a whole waits for; '' when it has ended. Its own reason comes first. */
export function rolloutWhy(rollout: Rollout, members: readonly Member[], now_ms: number): string {
  if (rollout.state === 'aborting') {
    const taken = members.filter(({ state }) => state === 'taken').length;
    return `${rollout.why} ${gatewaysText(taken)} took the command before, and cannot be called back: their end is awaited.`.trim();
  }
  if (rollout.state === 'proposed')
    return `It waits for approval by another operator than ${rollout.createdBy}.`;
  if (rollout.state !== 'running') return rollout.why;
  const waiting = members.filter((m) => m.state === 'waiting' && m.stage <= rollout.stage);
  const offline = waiting.filter((member) => !isOnline(member.facts, now_ms)).length;
  const closed = waiting.filter(
    (member) => isOnline(member.facts, now_ms) && isClosed(rollout, member, now_ms),
  );
  const parts = [
    [members.filter(isUnderWay).length, 'under way'],
    [closed.length, 'waiting for the window'],
    [offline, 'offline'],
    [members.filter(isDeferred).length, 'putting it off'],
  ] as const;
  const named = parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  if (named.length > 0) return `Stage ${rollout.stage + 1}: ${listText(named)}.`;
  return rollout.dynamic ? 'Everybody was told: it waits for gateways that come to fit.' : '';
}

function isClosed({ window }: Rollout, { facts }: Member, now_ms: number): boolean {
  return window !== undefined && !isOpen(window, timezoneFor(window, facts.timezone), now_ms);
}

/** Why a gateway is where it is, and when that should change. */
export function memberWhy(rollout: Rollout, member: Member, now_ms: number): Wait {
  const { facts } = member;
  const next_ms = expectedAt(facts.lastSeen_ms, facts.interval_s);
  switch (member.state) {
    case 'waiting':
      return waitingWhy(rollout, member, now_ms);
    case 'told':
      return { text: 'The command lies there; it is taken at the next check-in.', expected_ms: next_ms };
    case 'taken':
      if (member.why !== '') return { text: member.why };
      return { text: 'It took the command, and has not said yet how it ended.', expected_ms: next_ms };
    case 'watched': {
      const until_ms = member.success_ms + rollout.silentAfter_s * 1000;
      const limit = durationText(silenceLimit_ms(rollout, facts));
      return {
        text: `It reported success, and is watched: it must check in after ${timeText(until_ms)}, and be silent for no longer than ${limit}.`,
        expected_ms: Math.max(until_ms, next_ms ?? 0),
      };
    }
    default:
      return { text: member.why };
  }
}

function waitingWhy(rollout: Rollout, member: Member, now_ms: number): Wait {
  const { facts } = member;
  if (rollout.state === 'proposed') return { text: 'The rollout was not approved yet.' };
  if (!facts.activated) return { text: 'It was never activated, and cannot be told before it is.' };
  if (!isOnline(facts, now_ms)) {
    const seen =
      facts.lastSeen_ms === 0
        ? 'was never seen'
        : `was last seen ${durationText(now_ms - facts.lastSeen_ms)} ago`;
    const until = rollout.offlineUntil_ms;
    const end = until === undefined ? 'it is waited for' : `it is waited for until ${timeText(until)}`;
    return { text: `It is offline: it ${seen}; ${end}.` };
  }
  if (rollout.state === 'paused') return { text: rollout.why || 'The rollout is paused.' };
  if (member.stage > rollout.stage) {
    return { text: `It is in stage ${member.stage + 1}; stage ${rollout.stage + 1} is under way.` };
  }
  if (rollout.window !== undefined && isClosed(rollout, member, now_ms)) {
    const zone = timezoneFor(rollout.window, facts.timezone);
    const opens_ms = opensAt(rollout.window, zone, now_ms);
    return {
      text: `It may be told from ${windowText(rollout.window)} (${zone}) only.`,
      ...(opens_ms === undefined ? {} : { expected_ms: opens_ms }),
    };
  }
  if (facts.occupied) return { text: 'Another command waits for it, and comes first.' };
  return { text: `It waits for its turn: no more than ${rollout.cap} at a time.` };
}
