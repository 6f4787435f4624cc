/** What operators may do with a rollout, in which states, and the words for what they may not. */
import { GweError } from '../errors.ts';
import type { Rollout, RolloutState } from './rollout-types.ts';

/** Rollouts that may go on at a time. */
export const ROLLOUTS_LIVE_MAX = 100;

export type RolloutAction = 'approve' | 'pause' | 'resume' | 'abort' | 'retry';

/** What an action needs, and what it leads to. */
export const ACTIONS: Readonly<
  Record<RolloutAction, { from: readonly RolloutState[]; to: RolloutState; why: string }>
> = {
  approve: { from: ['proposed'], to: 'running', why: '' },
  pause: { from: ['running'], to: 'paused', why: 'Paused by WHO.' },
  resume: { from: ['paused'], to: 'running', why: '' },
  abort: { from: ['proposed', 'running', 'paused'], to: 'aborting', why: 'Aborted by WHO.' },
  retry: { from: ['running', 'paused', 'complete'], to: 'running', why: '' },
};

/** The error for a rollout that isn't there. */
export function noRollout(id: number | string): GweError {
  return new GweError('not-found', `Cannot find rollout ${id}: there is none of that number`, {
    hint: 'List them with "gwe rollout list".',
  });
}

/** The error for one more than may go on. */
export function tooMany(): GweError {
  return new GweError('conflict', `Cannot start a rollout: ${ROLLOUTS_LIVE_MAX} go on already`, {
    hint: 'Abort one that is no longer wanted.',
  });
}

/** The error for who would approve what they made themselves. */
export function ownRollout({ id, createdBy }: Rollout): GweError {
  return new GweError('forbidden', `Cannot approve rollout ${id}: ${createdBy} made it`, {
    hint: 'Another operator approves it, with a token of another name: gwe token create NAME',
  });
}

/** The error for an action that does not fit the state. */
export function cannot(action: RolloutAction, { id, state }: Rollout): GweError {
  return new GweError('conflict', `Cannot ${action} rollout ${id}: it is ${state}`);
}
