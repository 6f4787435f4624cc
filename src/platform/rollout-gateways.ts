/** Which gateways a rollout is about: those of the moment it is made, and, where it is dynamic, those that come to fit later. */
import type { FleetStore } from './fleet-store.ts';
import { criteriaIn } from './json-filter.ts';
import { PAGE_MAX_ROWS } from './limits.ts';
import { inOrder, newMember } from './rollout-order.ts';
import type { Member, Plan, Rollout } from './rollout-types.ts';

/** Gateways that one rollout may have; the page reads them 1000 at a time. */
export const ROLLOUT_MEMBERS_MAX = 100_000;
/** How often a dynamic rollout looks whether there are further ones: the whole fleet is gone through. */
export const JOIN_LOOK_MS = 30_000;

export interface Candidate {
  gateway: number;
  serial: string;
}

/** Those that a plan means now, page by page. A group that is no more has none. */
export async function gatewaysFor(
  store: Pick<FleetStore, 'fleet'>,
  { product, group, filter }: Pick<Plan, 'product' | 'group' | 'filter'>,
  now_ms: number,
): Promise<Candidate[]> {
  const wanted = { ...criteriaIn(filter ?? {}), product, ...(group === undefined ? {} : { group }) };
  const found: Candidate[] = [];
  for (let after: string | undefined, isMore = true; isMore && found.length < ROLLOUT_MEMBERS_MAX; ) {
    const page = await store.fleet(wanted, {
      limit: PAGE_MAX_ROWS,
      now_ms,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.gateways.map(({ id, serial }) => ({ gateway: id, serial })));
    isMore = page.next !== undefined && page.next !== after;
    after = page.next;
  }
  return found;
}

/**
 * Those of `now` that are not in the rollout yet, as members behind all others and in its last stage: the gateways of the
 * first stages were drawn when it was made, and nobody slips into them later. Pure.
 */
export function joining(
  rollout: Rollout,
  members: readonly Member[],
  now: readonly Candidate[],
  now_ms: number,
): Member[] {
  const there = new Set(members.map(({ gateway }) => gateway));
  const fresh = inOrder(
    rollout.id,
    now.filter(({ gateway }) => !there.has(gateway)),
  );
  const first = members.reduce((most, { place }) => Math.max(most, place + 1), 0);
  const stage = rollout.stages.length - 1;
  return fresh
    .slice(0, Math.max(0, ROLLOUT_MEMBERS_MAX - members.length))
    .map(({ gateway, serial }, index) => newMember({ gateway, serial, place: first + index, stage }, now_ms));
}
