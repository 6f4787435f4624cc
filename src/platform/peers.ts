/**
 * What equal replicas of one platform tell each other while they serve one database. All of it are hints: what counts is in
 * the database, so one that is lost costs a delay, and never a wrong answer. A platform by itself has no peers.
 */
import type { EventType, FleetEvent } from './events.ts';

/** Somebody who waits for a write, and the newest point that they know. */
export interface Waiting {
  gateway: number;
  alias: string;
  point: number;
}

/** A gateway, and when it reported what nobody may have looked at. */
export interface Left {
  gateway: number;
  time_ms: number;
}

export interface Peers {
  /** Tells the others of an event. Returns at once. */
  tell(type: EventType, data: FleetEvent['data']): void;
  /** Hears the events of the others. */
  onEvent(listener: (type: EventType, data: FleetEvent['data']) => void): void;
  /** Called when something may have been missed: the connection was lost, here or there. */
  onGap(listener: () => void): void;
  /** Called with what was reported to a replica that ended before it looked at that; resolves when it was looked at. */
  onLeft(look: (left: readonly Left[]) => Promise<void>): void;
  /** Those of `waiting` for whom there is a newer point, with that point. */
  newer(waiting: readonly Waiting[]): Promise<Waiting[]>;
}

/** The right to drive the rollouts: one replica at a time has it, and what another one writes as a driver is refused. */
export interface Lease {
  /** Takes the lease where it is free or over, or keeps it. Returns its number, another one each time that it is taken; 0 while another replica has it. */
  hold(): Promise<number>;
  /** The same, but whoever has it is asked for it. Raises `busy` when it cannot be had in time. */
  insist(): Promise<number>;
  /** Lets another replica have it at once. */
  release(): Promise<void>;
  /** Called when another replica asks for it. */
  onAsked(listener: () => void): void;
  /** Called when it was released by another. */
  onFree(listener: () => void): void;
}

/** The lease of a platform that is alone by its nature. */
export const SOLE_LEASE: Lease = {
  hold: async () => 1,
  insist: async () => 1,
  release: async () => {},
  onAsked: () => {},
  onFree: () => {},
};
