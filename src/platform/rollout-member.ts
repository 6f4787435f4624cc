/**
 * Where a gateway stands in a rollout after a look at it: pure, from what it wrote and when it was seen. That it is told,
 * or left, or its command taken back, is decided over all gateways together: rollout-rules.ts.
 */
import { conditionOf, DEFAULT_INTERVAL_S, LATE_AFTER_INTERVALS } from './fleet-condition.ts';
import { installEnd } from './reported.ts';
import { appOf } from './rollout-order.ts';
import type { MemberState } from './rollout-states.ts';
import type { Facts, Look, Member, Plan } from './rollout-types.ts';
import { programWhy, silentWhy, stalledWhy } from './rollout-words.ts';

/** A gateway that checks in, but says nothing of a command it took so long ago, counts as failed. */
export const STALLED_AFTER_MS = 6 * 3_600_000;
/** One that is done is looked after for so many limits of silence, as long as the rollout goes on. */
export const AFTERMATH_LIMITS = 3;
/** Of a reason. */
const WHY_MAX_CHARACTERS = 500;

/** Program states that mean: it does not run, and not because somebody stopped it. */
const DOWN = ['FATAL', 'EXITED', 'BACKOFF', 'UNKNOWN'];

/** The member after a look at its gateway. The same object when nothing changed but facts that are the same. */
export function afterLook(member: Member, look: Look, plan: Plan, now_ms: number): Member {
  const known = { ...member, facts: factsOf(look) };
  return afterTime(step(known, look, plan, now_ms), plan, now_ms);
}

/** What of a look is kept in memory. */
export function factsOf({ activated, lastSeen_ms, interval_s, timezone, occupied }: Look): Facts {
  return { activated, lastSeen_ms, interval_s, timezone, occupied };
}

/** The member after time went by: whether its silence has become too long. */
export function afterTime(member: Member, plan: Plan, now_ms: number): Member {
  const { state } = member;
  const isHeardOf =
    state === 'taken' || state === 'watched' || (state === 'done' && isLookedAfter(member, plan, now_ms));
  if (!isHeardOf) return member;
  const reference_ms = Math.max(member.facts.lastSeen_ms, member.success_ms || member.since_ms);
  if (now_ms - reference_ms > silenceLimit_ms(plan, member.facts)) {
    return to(member, 'silent', now_ms, silentWhy(member, reference_ms, now_ms));
  }
  const isStalled = state === 'taken' && !isDeferred(member) && now_ms - member.since_ms > STALLED_AFTER_MS;
  return isStalled ? to(member, 'failed', now_ms, stalledWhy(member, now_ms)) : member;
}

/** How long a gateway that reported success may be silent. */
export function silenceLimit_ms(plan: Plan, facts: Facts): number {
  return ((facts.interval_s ?? DEFAULT_INTERVAL_S) * LATE_AFTER_INTERVALS + plan.silentAfter_s) * 1000;
}

/** Whether its silence and its health still count although it is done. */
export function isLookedAfter(member: Member, plan: Plan, now_ms: number): boolean {
  if (member.state !== 'done' || !member.touched) return false;
  return now_ms - member.success_ms <= AFTERMATH_LIMITS * silenceLimit_ms(plan, member.facts);
}

/** Whether it is where it can be told now: activated, and its last check-in no longer ago than it should be. */
export function isOnline({ activated, lastSeen_ms, interval_s }: Facts, now_ms: number): boolean {
  return activated && conditionOf(lastSeen_ms, interval_s, now_ms) === 'on-time';
}

/** Whether it has the command, but puts it off: no failure, and nobody waits for it. */
export function isDeferred(member: Member): boolean {
  return member.state === 'taken' && Object.values(member.outcomes).includes('waiting');
}

/** A member in another state. */
export function to(member: Member, state: MemberState, now_ms: number, why = ''): Member {
  return { ...member, state, since_ms: now_ms, why: why.slice(0, WHY_MAX_CHARACTERS) };
}

function step(member: Member, look: Look, plan: Plan, now_ms: number): Member {
  switch (member.state) {
    case 'waiting':
      return isThere(look, plan) ? to(member, 'done', now_ms, 'It had it already.') : member;
    case 'told':
    case 'taken':
      return afterWords(member, look, plan, now_ms);
    case 'silent':
      return afterSilence(member, look, plan, now_ms);
    case 'watched':
    case 'unhealthy':
    case 'done':
      return afterHealth(member, look, plan, now_ms);
    default:
      return member;
  }
}

/** What it said since, and whether it took the command: it counts in this order, as what it says is newer. */
function afterWords(before: Member, look: Look, plan: Plan, now_ms: number): Member {
  const member = heard(before, look, plan, now_ms);
  if (member.state !== before.state) return member;
  if (member.state === 'taken') {
    const isNewer = look.report_ms > member.since_ms;
    return isNewer && isThere(look, plan) ? succeeded(member, look.report_ms, now_ms) : member;
  }
  if (look.afterCommand === undefined) return member;
  if (look.afterCommand === '') return to({ ...member, touched: true }, 'taken', now_ms);
  return to(member, 'left', now_ms, 'Another command took the place of this one before it was taken.');
}

/** Goes through the lines of fetch_status in order; the first end that is no success ends it. */
function heard(before: Member, look: Look, plan: Plan, now_ms: number): Member {
  let member = before;
  for (const { point, text, time_ms } of look.statuses) {
    if (point <= member.statusPoint) continue;
    member = { ...member, statusPoint: point };
    const end = installEnd(text);
    if (end === undefined || !plan.names.includes(end.name)) continue;
    const [line = ''] = text.split('\n', 1);
    member = { ...member, outcomes: { ...member.outcomes, [end.name]: end.outcome } };
    if (end.outcome === 'waiting') member = { ...member, why: line.slice(0, WHY_MAX_CHARACTERS) };
    else if (end.outcome !== 'installed') return to({ ...member, touched: true }, 'failed', now_ms, line);
    if (plan.names.every((name) => member.outcomes[name] === 'installed')) {
      return succeeded(member, time_ms, now_ms);
    }
  }
  return member;
}

function succeeded(member: Member, success_ms: number, now_ms: number): Member {
  return { ...to(member, 'watched', now_ms), touched: true, success_ms };
}

/** A program that does not run; else, after a check-in late enough, done. One that was unhealthy is watched anew. */
function afterHealth(member: Member, look: Look, plan: Plan, now_ms: number): Member {
  const isNewer = look.report_ms > member.success_ms;
  if (member.state === 'done' && !isLookedAfter(member, plan, now_ms)) return member;
  if (!isNewer) return member;
  const down = downProgram(look, plan);
  if (down !== undefined) {
    return member.state === 'unhealthy' ? member : to(member, 'unhealthy', now_ms, programWhy(down));
  }
  if (member.state === 'unhealthy') return to(member, 'watched', now_ms, 'Its programs run again.');
  const isLateEnough = look.lastSeen_ms >= member.success_ms + plan.silentAfter_s * 1000;
  return member.state === 'watched' && isLateEnough ? to(member, 'done', now_ms) : member;
}

/** Seen again: what it said meanwhile counts, else it is watched as before. */
function afterSilence(member: Member, look: Look, plan: Plan, now_ms: number): Member {
  if (look.lastSeen_ms <= member.since_ms) return member;
  if (member.success_ms > 0) return to(member, 'watched', now_ms, 'It was seen again.');
  const after = heard(member, look, plan, now_ms);
  if (after.state !== member.state) return after;
  return isThere(look, plan) ? succeeded(after, look.report_ms, now_ms) : after;
}

/** Whether every application is reported at the version of the rollout (and of the same bytes, where that is told). */
function isThere(look: Look, plan: Plan): boolean {
  return plan.names.every((name) => {
    const { app, version } = appOf(name);
    const there = look.versions[app];
    const digest = plan.digests[name];
    if (there?.version !== version) return false;
    return there.digest === undefined || digest === undefined || there.digest === digest;
  });
}

function downProgram(look: Look, plan: Plan): Look['programs'][number] | undefined {
  const apps = plan.names.map((name) => appOf(name).app);
  return look.programs.find(
    ({ name, status }) =>
      DOWN.includes(status) && apps.some((app) => name === app || name.startsWith(`${app}:`)),
  );
}
