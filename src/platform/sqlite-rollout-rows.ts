/** Rows of the rollouts' tables as values, their types checked. */
import { GweError } from '../errors.ts';
import { type MemberState, STATE_NAMES } from './rollout-states.ts';
import { type Member, NO_FACTS, type Plan, ROLLOUT_STATES, type Rollout } from './rollout-types.ts';
import { int, type Row, text } from './sqlite-rows.ts';

export function readRollout(row: Row): Rollout {
  const state = ROLLOUT_STATES.find((each) => each === row['state']);
  if (state === undefined) throw new GweError('internal', `Cannot read the state of rollout ${row['id']}`);
  // The plan was written by this program, and checked before.
  const plan: Omit<Plan, 'product'> = JSON.parse(text(row, 'plan'));
  return {
    ...plan,
    product: text(row, 'product'),
    id: int(row, 'id'),
    state,
    stage: int(row, 'stage'),
    why: text(row, 'why'),
    created_ms: int(row, 'created_ms'),
    createdBy: text(row, 'created_by'),
    changed_ms: int(row, 'changed_ms'),
  };
}

export function readMemberState(row: Row): MemberState {
  const state = STATE_NAMES.find((each) => each === row['state']);
  if (state !== undefined) return state;
  throw new GweError('internal', `Cannot read the state "${row['state']}" of a gateway in a rollout`);
}

/** The facts are not kept: they are looked up anew after a start. */
export function readMember(row: Row): Member {
  return {
    gateway: int(row, 'gateway_id'),
    serial: text(row, 'serial'),
    place: int(row, 'place'),
    stage: int(row, 'stage'),
    state: readMemberState(row),
    since_ms: int(row, 'since_ms'),
    why: text(row, 'why'),
    point: int(row, 'point'),
    statusPoint: int(row, 'status_point'),
    outcomes: JSON.parse(text(row, 'outcomes')),
    success_ms: int(row, 'success_ms'),
    touched: int(row, 'touched') === 1,
    excused: int(row, 'excused') === 1,
    facts: NO_FACTS,
  };
}
