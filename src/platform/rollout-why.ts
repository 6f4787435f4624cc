/** What a gateway waits for as a part of rollouts, in the words of the page and of "gwe why SERIAL". */
import type { OperatorCall } from './context.ts';
import type { Wait } from './gateway-waits.ts';
import { MEMBER_STATES } from './rollout-states.ts';
import type { Member, Rollout } from './rollout-types.ts';
import { memberWhy, rolloutWhy } from './rollout-waits.ts';
import { endSentence } from './rollout-words.ts';

/** Rollouts of one gateway that are looked at, the newest first. */
const ROLLOUTS_MAX = 20;

/** Of the rollouts that go on, and of the newest one even if it is over: why the gateway is not done in it. */
export async function rolloutWaits({ platform }: OperatorCall, gateway: number): Promise<Wait[]> {
  await platform.rollouts.settled();
  const found = await platform.store.rolloutsOf(gateway);
  const now_ms = platform.clock.now();
  const waits: Wait[] = [];
  for (const [index, { rollout }] of found.slice(0, ROLLOUTS_MAX).entries()) {
    if (index > 0 && isOver(rollout)) continue;
    const view = await platform.rollouts.view(rollout.id);
    const member = view?.members.find((each) => each.gateway === gateway);
    if (view === undefined || member === undefined) continue;
    waits.push(...waitIn(view.rollout, member, rolloutWhy(view.rollout, view.members, now_ms), now_ms));
  }
  return waits;
}

/** Points of engine_fetch that cleared a command because it was taken back: the gateway did not take it. */
export async function takenBack({ platform }: OperatorCall, gateway: number): Promise<number[]> {
  const found = await platform.store.rolloutsOf(gateway);
  const isBack = (state: Member['state']) => state === 'waiting' || state === 'left' || state === 'cancelled';
  return found.flatMap(({ member }) => (member.point > 0 && isBack(member.state) ? [member.point] : []));
}

function isOver({ state }: Rollout): boolean {
  return state === 'complete' || state === 'aborted';
}

/** Nothing for a gateway that is done, or was never to be told. Pure. */
export function waitIn(rollout: Rollout, member: Member, why: string, now_ms: number): Wait[] {
  const { isBad, isEnd, sentence } = MEMBER_STATES[member.state];
  const isLeft = member.state === 'left' && !isOver(rollout);
  if (isEnd && !isBad && !isLeft) return [];
  const { text, expected_ms } = memberWhy(rollout, member, now_ms);
  const of = `Rollout ${rollout.id} (${rollout.name}, ${rollout.state})`;
  // A gateway that waits in a paused rollout has the reason of the pause in its own words.
  const more = rollout.state === 'paused' && !text.includes(why) ? ` ${why}` : '';
  return [
    {
      code: 'rollout',
      text: `${of}: the gateway ${sentence}. ${endSentence(text)}${more}`.trim(),
      todo: todoOf(rollout, member),
      since: member.since_ms,
      rollout: rollout.id,
      ...(expected_ms === undefined ? {} : { expected: expected_ms }),
    },
  ];
}

function todoOf({ id, state }: Rollout, member: Member): string {
  if (MEMBER_STATES[member.state].retry !== undefined && state !== 'aborted' && state !== 'aborting') {
    return `See to the gateway, then tell those that failed once more: gwe rollout retry ${id}`;
  }
  if (state === 'proposed') {
    return `Approve it (gwe rollout approve ${id}) or end it (gwe rollout abort ${id})`;
  }
  if (state === 'paused') {
    return `Look at it (gwe rollout show ${id}), then go on (gwe rollout resume ${id}) or end it (gwe rollout abort ${id})`;
  }
  return member.state === 'waiting' && !member.facts.activated
    ? 'Start gwe on it with its product and serial'
    : 'Nothing; it goes on by itself';
}
