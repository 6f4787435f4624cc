/**
 * Where a gateway can stand in a rollout, as one table: what each state means, whether it is an end, how it counts, and
 * where one can get from there. The rules (rollout-member.ts, rollout-rules.ts) make no step that is not in it.
 */

interface StateRow {
  /** What the state means, as it completes "the gateway …". */
  readonly sentence: string;
  /** Nothing more is expected of it. */
  readonly isEnd: boolean;
  /** Takes a place of those that may be under way. */
  readonly isUnderWay: boolean;
  /** Counts against the limit. */
  readonly isBad: boolean;
  /** By what is seen of the gateway, or by the rules of the rollout. */
  readonly next: readonly string[];
  /** Where "retry" brings it. */
  readonly retry: 'waiting' | undefined;
}

const OPEN = { isEnd: false, isUnderWay: false, isBad: false, retry: undefined };
const END = { isEnd: true, isUnderWay: false, isBad: false, retry: undefined };
const BAD = { isEnd: true, isUnderWay: false, isBad: true, retry: 'waiting' } as const;

const ROWS = {
  waiting: { ...OPEN, sentence: 'was not told yet', next: ['told', 'done', 'left', 'cancelled'] },
  told: {
    ...OPEN,
    isUnderWay: true,
    sentence: 'has the command waiting for it on the platform',
    next: ['taken', 'watched', 'failed', 'waiting', 'left', 'cancelled'],
  },
  taken: {
    ...OPEN,
    isUnderWay: true,
    sentence: 'took the command',
    next: ['watched', 'failed', 'silent'],
  },
  watched: {
    ...OPEN,
    isUnderWay: true,
    sentence: 'reported success, and is watched',
    next: ['done', 'silent', 'unhealthy'],
  },
  done: { ...END, sentence: 'has it', next: ['silent', 'unhealthy'] },
  failed: { ...BAD, sentence: 'could not install it', next: [] },
  silent: { ...BAD, sentence: 'fell silent after it took the command', next: ['watched', 'failed'] },
  unhealthy: {
    ...BAD,
    sentence: 'reported success, but a program of it does not run',
    next: ['watched', 'silent'],
  },
  left: { ...END, sentence: 'was not reached, and is left', next: [], retry: 'waiting' },
  cancelled: { ...END, sentence: 'was not told before the rollout was aborted', next: [] },
} as const satisfies Record<string, StateRow>;

export type MemberState = keyof typeof ROWS;

export const MEMBER_STATES: Readonly<Record<MemberState, StateRow>> = ROWS;

/** All states, in the order in which a gateway goes through them. */
export const STATE_NAMES = Object.keys(ROWS) as MemberState[];

/** Whether a gateway may get from one state to the other by itself or by the rules; staying is always allowed. */
export function mayFollow(from: MemberState, to: MemberState): boolean {
  return from === to || MEMBER_STATES[from].next.includes(to);
}
