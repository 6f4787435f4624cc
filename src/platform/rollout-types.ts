/** What a rollout is, as plain values: what an operator decided, where each gateway stands, and what is known of one. */
import type { MemberState } from './rollout-states.ts';

/** How many of all are told when a stage is reached, those of the stages before among them. */
export type Stage = { percent: number } | { count: number };

/** When gateways may be told: by the clock on the wall where each is. `to` before `from` ends on the next day. */
export interface Window {
  /** HH:MM */
  from: string;
  to: string;
  /** Days on which a window begins, 0 = Sunday; every day when left out. */
  days?: readonly number[];
  /** For gateways that tell none. */
  timezone?: string;
}

/** What an operator decides. */
export interface Plan {
  product: string;
  name: string;
  /** Tarballs, installed in this order. */
  names: readonly string[];
  /** Digest of each tarball when the rollout was made, where it was known. */
  digests: Readonly<Record<string, string>>;
  group?: string | undefined;
  /** As it was sent. */
  filter?: Readonly<Record<string, unknown>> | undefined;
  stages: readonly Stage[];
  /** How many may be under way at a time. */
  cap: number;
  window?: Window | undefined;
  failLimit_percent: number;
  /** Silence after success that counts, beside the interval; and how long a success is watched at least. */
  silentAfter_s: number;
  /** Gateways that are offline then are left. */
  offlineUntil_ms?: number | undefined;
  /** Gateways that come to fit later are added; such a rollout goes on until it is aborted. */
  dynamic?: boolean | undefined;
}

/** `proposed`: nobody is told before another operator approves it. `aborting`: some have the command, and have not said how it ended. */
export const ROLLOUT_STATES = ['proposed', 'running', 'paused', 'aborting', 'aborted', 'complete'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export interface Rollout extends Plan {
  id: number;
  state: RolloutState;
  /** Index of the stage that is under way. */
  stage: number;
  /** Why it is paused or was aborted; '' when there is nothing to say. */
  why: string;
  created_ms: number;
  createdBy: string;
  changed_ms: number;
}

/** A gateway in a rollout. */
export interface Member {
  /** Its id in the store. */
  gateway: number;
  serial: string;
  /** Its place in the order, from 0. */
  place: number;
  stage: number;
  state: MemberState;
  /** Since when it is in this state. */
  since_ms: number;
  /** Why it is in this state, where that is not said by the state itself. */
  why: string;
  /** The point of engine_fetch with our command; 0 before it is told; after it was taken back, the point that cleared it. */
  point: number;
  /** The newest point of fetch_status that was looked at. */
  statusPoint: number;
  /** What was said of each tarball. */
  outcomes: Readonly<Record<string, string>>;
  /** When it reported success; 0 before. */
  success_ms: number;
  /** Whether it took a command of this rollout. */
  touched: boolean;
  /** It went wrong before an operator resumed: it counts no more against the limit. */
  excused: boolean;
  /** Newest known facts; none before the first look. */
  facts: Facts;
}

/** What the rules want to know of a gateway, however little it was heard of. */
export interface Facts {
  activated: boolean;
  /** 0: never. */
  lastSeen_ms: number;
  interval_s: number | undefined;
  timezone: string | undefined;
  /** Another command lies there and was not taken yet. */
  occupied: boolean;
}

/** A look at a gateway: facts, and what it said since the last look. */
export interface Look extends Facts {
  /** When the newest engine_report was written; 0: never. */
  report_ms: number;
  programs: ReadonlyArray<{ name: string; status: string; exitStatus: number }>;
  /** Version of each application, and the digest of its tarball where it is told. */
  versions: Readonly<Record<string, { version: string; digest?: string }>>;
  /** The newest point of engine_fetch. */
  fetchPoint: number;
  /** The value that followed our command; `undefined` while ours is the newest. */
  afterCommand: string | undefined;
  /** Values of fetch_status since the last look, oldest first. */
  statuses: ReadonlyArray<{ point: number; time_ms: number; text: string }>;
}

/** What the store tells about a gateway; its texts are read by rollout-look.ts. */
export interface Observation {
  gateway: number;
  serial: string;
  activated: boolean;
  lastSeen_ms: number;
  engineReport: string;
  report_ms: number;
  tags: readonly string[];
  /** Of the dataport `timezone`, '' when there is none. */
  timezone: string;
  fetch: { point: number; value: string };
  afterCommand: string | undefined;
  statuses: ReadonlyArray<{ point: number; time_ms: number; text: string }>;
}

export const NO_FACTS: Facts = {
  activated: false,
  lastSeen_ms: 0,
  interval_s: undefined,
  timezone: undefined,
  occupied: false,
};
