/** What the platform keeps of rollouts, as a part of the store's interface: plain values in and out, durable when it resolves. */
import type { Lease } from './peers.ts';
import type { MemberState } from './rollout-states.ts';
import type { Member, Observation, Plan, Rollout, RolloutState } from './rollout-types.ts';

export interface NewRollout extends Plan {
  /** `running` when left out. */
  state?: 'running' | 'proposed';
  created_ms: number;
  createdBy: string;
}

export interface RolloutQuery {
  /** Only these products; all when left out. */
  products?: readonly string[] | undefined;
  state?: RolloutState | undefined;
  /** Those made before the one of this id. */
  before?: number | undefined;
  limit: number;
}

/** What to look at: a gateway, the point of our command (0: none), and the newest point of fetch_status that is known. */
export interface Ask {
  gateway: number;
  point: number;
  statusPoint: number;
}

export interface RolloutStore {
  /** Who drives: whatever writes here is for its holder, and raises `busy` for anybody else. */
  readonly lease: Lease;
  /** Makes it with its gateways in their order. `unknown`: no such product. */
  addRollout(
    rollout: NewRollout,
    gateways: ReadonlyArray<{ gateway: number; serial: string }>,
  ): Promise<Rollout | 'unknown'>;
  /** The newest first. */
  rollouts(query: RolloutQuery): Promise<Rollout[]>;
  rollout(id: number): Promise<Rollout | undefined>;
  /** Rollouts in which a gateway is, with its place in each; the newest first. */
  rolloutsOf(gateway: number): Promise<Array<{ rollout: Rollout; member: Member }>>;
  rolloutCounts(id: number): Promise<Partial<Record<MemberState, number>>>;
  rolloutMembers(id: number): Promise<Member[]>;
  /** State, stage and reason of a rollout, and those members that changed or are new in it, at once. False: it is gone. */
  saveRollout(rollout: Rollout, members: readonly Member[]): Promise<boolean>;
  /** Looks at gateways; one that is gone is left out. */
  observe(asks: readonly Ask[]): Promise<Observation[]>;
  /**
   * Writes the command and notes that the member is told, at once: neither is ever there without the other. `occupied`:
   * another command waits there.
   */
  tellMember(
    rollout: number,
    member: Member,
    text: string,
    now_ms: number,
  ): Promise<Member | 'occupied' | 'gone'>;
  /** Clears the command if it is still the newest value, and notes the member (with the point that cleared it), at once. */
  withdrawMember(rollout: number, member: Member, now_ms: number): Promise<Member | 'changed' | 'gone'>;
}
