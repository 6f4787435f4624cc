/** The JSON API on rollouts: make one, look at it, hold it, go on, end it. What it does by itself is rollouts.ts's business. */
import { GweError } from '../errors.ts';
import { maySee, productsAsked, requireProduct } from './access.ts';
import { type Answer, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { jsonBody, number, oneOf, optionalNumber } from './json-body.ts';
import { requireContent } from './json-gateway.ts';
import { noGroup } from './json-groups.ts';
import { planIn } from './json-rollout-plan.ts';
import { PAGE_MAX_ROWS } from './limits.ts';
import { fieldOf } from './request.ts';
import { noRollout, type RolloutAction } from './rollout-actions.ts';
import { type Candidate, gatewaysFor } from './rollout-gateways.ts';
import { MEMBER_STATES, STATE_NAMES } from './rollout-states.ts';
import { type Member, type Plan, ROLLOUT_STATES, type Rollout } from './rollout-types.ts';
import { memberWhy, rolloutWhy } from './rollout-waits.ts';
import type { RolloutView } from './rollouts.ts';

/** `POST /api/v1/rollouts`: the gateways are those of this moment; a dynamic one adds those that come to fit later. */
export async function createRollout(call: OperatorCall): Promise<Answer> {
  const { platform, operator } = call;
  const plan = planIn(await jsonBody(call.request), platform.clock.now());
  requireProduct(call, plan.product);
  await requireContent(call, plan.product, plan.names);
  const contents = (await platform.store.contents(plan.product)) ?? [];
  const digests = contents.flatMap(({ name, sha256 }) =>
    plan.names.includes(name) ? [[name, sha256] as const] : [],
  );
  const gateways = await gatewaysOf(call, plan);
  if (gateways.length === 0) {
    throw new GweError('conflict', `Cannot start a rollout: no gateway of ${plan.product} is meant`, {
      hint: 'Look which there are: gwe gateways',
    });
  }
  const rollout = await platform.rollouts.create(
    {
      ...plan,
      digests: Object.fromEntries(digests),
      created_ms: platform.clock.now(),
      createdBy: operator.name,
      state: platform.needsApproval(plan.product) ? 'proposed' : 'running',
    },
    gateways,
  );
  return json(201, rolloutJson(await viewOf(call, rollout.id), platform.clock.now()));
}

async function gatewaysOf({ platform }: OperatorCall, plan: Plan): Promise<Candidate[]> {
  const { product, group } = plan;
  if (group !== undefined && (await platform.store.groupMembers(product, group)) === undefined) {
    throw noGroup(product, group);
  }
  await platform.fleet.settle();
  return gatewaysFor(platform.store, plan, platform.clock.now());
}

/** `GET /api/v1/rollouts?product=&state=&limit=&after=`: the newest first. */
export async function listRollouts(call: OperatorCall): Promise<Answer> {
  const { platform, request } = call;
  const pairs = request.pairs();
  const state = fieldOf(pairs, 'state') || undefined;
  const limit = Math.max(1, Math.min(number(fieldOf(pairs, 'limit'), 100), PAGE_MAX_ROWS));
  await platform.rollouts.settled();
  const rollouts = await platform.store.rollouts({
    products: productsAsked(call, fieldOf(pairs, 'product') || undefined),
    state: state === undefined ? undefined : oneOf(state, ROLLOUT_STATES, 'state'),
    before: optionalNumber(fieldOf(pairs, 'after')),
    limit,
  });
  const now_ms = platform.clock.now();
  const rows = [];
  for (const { id } of rollouts) {
    const view = await platform.rollouts.view(id);
    if (view !== undefined) rows.push(rolloutJson(view, now_ms));
  }
  const last = rollouts.length < limit ? undefined : rollouts.at(-1);
  return json(200, { rollouts: rows, ...(last === undefined ? {} : { next: String(last.id) }) });
}

/** `GET /api/v1/rollouts/ID`. */
export async function getRollout(call: OperatorCall): Promise<Answer> {
  return json(200, rolloutJson(await viewOf(call, idIn(call)), call.platform.clock.now()));
}

/** `POST /api/v1/rollouts/ID/{approve,pause,resume,abort,retry}`. */
export function actOn(action: RolloutAction): (call: OperatorCall) => Promise<Answer> {
  return async (call) => {
    await call.request.text();
    const { rollout } = await viewOf(call, idIn(call));
    await call.platform.rollouts.act(rollout.id, action, call.operator.name);
    return json(200, rolloutJson(await viewOf(call, rollout.id), call.platform.clock.now()));
  };
}

/** `GET /api/v1/rollouts/ID/gateways?state=&limit=&after=`: in their order. */
export async function listMembers(call: OperatorCall): Promise<Answer> {
  const pairs = call.request.pairs();
  const wanted = (fieldOf(pairs, 'state') ?? '').split(',').filter((each) => each !== '');
  const states = wanted.map((each) => oneOf(each, STATE_NAMES, 'state'));
  const limit = Math.max(1, Math.min(number(fieldOf(pairs, 'limit'), PAGE_MAX_ROWS), PAGE_MAX_ROWS));
  const after = optionalNumber(fieldOf(pairs, 'after')) ?? -1;
  const { rollout, members } = await viewOf(call, idIn(call));
  const fitting = members.filter(({ state }) => states.length === 0 || states.includes(state));
  const page = fitting.filter(({ place }) => place > after).slice(0, limit);
  const last = page.length < limit ? undefined : page.at(-1);
  const now_ms = call.platform.clock.now();
  return json(200, {
    gateways: page.map((member) => memberJson(rollout, member, now_ms)),
    total: fitting.length,
    ...(last === undefined ? {} : { next: String(last.place) }),
  });
}

function idIn({ params }: OperatorCall): number {
  const id = params['id'] ?? '';
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw noRollout(id.slice(0, 40));
}

/** The rollout, up to what was written just now. One of a product that the operator may not see is none. */
async function viewOf(call: OperatorCall, id: number): Promise<RolloutView> {
  await call.platform.rollouts.settled();
  const view = await call.platform.rollouts.view(id);
  if (view === undefined || !maySee(call.operator, view.rollout.product)) throw noRollout(id);
  requireProduct(call, view.rollout.product);
  return view;
}

/** A rollout as the API tells it. */
function rolloutJson({ rollout, members }: RolloutView, now_ms: number) {
  const { digests: _, created_ms, changed_ms, offlineUntil_ms, why: _own, ...plain } = rollout;
  const why = rolloutWhy(rollout, members, now_ms);
  return {
    ...plain,
    created: created_ms,
    changed: changed_ms,
    total: members.length,
    counts: countsOf(members),
    ...(offlineUntil_ms === undefined ? {} : { offlineUntil: offlineUntil_ms }),
    ...(why === '' ? {} : { why }),
  };
}

function countsOf(members: readonly Member[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { state } of members) counts.set(state, (counts.get(state) ?? 0) + 1);
  return Object.fromEntries(STATE_NAMES.flatMap((state) => [[state, counts.get(state) ?? 0]]));
}

function memberJson(rollout: Rollout, member: Member, now_ms: number) {
  const { text, expected_ms } = memberWhy(rollout, member, now_ms);
  const name = rollout.names.find((each) => member.outcomes[each] !== 'installed');
  const isOpen = !MEMBER_STATES[member.state].isEnd || member.state === 'failed';
  return {
    product: rollout.product,
    serial: member.serial,
    stage: member.stage,
    state: member.state,
    since: member.since_ms,
    ...(text === '' ? {} : { why: text }),
    ...(isOpen && name !== undefined ? { name } : {}),
    ...(expected_ms === undefined ? {} : { expected: expected_ms }),
  };
}
