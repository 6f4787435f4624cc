/** What every handler is handed: the platform's parts, and the call that it answers. */
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Access } from './access.ts';
import type { Answer } from './answer.ts';
import type { Refusals } from './audit-refusals.ts';
import type { ContentStore } from './content-store.ts';
import type { Deltas } from './deltas.ts';
import type { Events } from './events.ts';
import type { AuditEntry, Token } from './fleet-store.ts';
import type { FleetWatch } from './fleet-watch.ts';
import type { Gate } from './gate.ts';
import type { Metrics } from './metrics.ts';
import type { PlatformRequest } from './request.ts';
import type { Rollouts } from './rollouts.ts';
import type { Store } from './store.ts';
import type { Throttle } from './throttle.ts';
import type { Waiters } from './waiters.ts';

export interface Platform {
  store: Store;
  content: ContentStore;
  waiters: Waiters;
  access: Access;
  throttle: Throttle;
  /** What gateways' calls pass on their way to the store. */
  gate: Gate;
  events: Events;
  fleet: FleetWatch;
  rollouts: Rollouts;
  /** Where the platform makes deltas by itself. */
  deltas: Deltas | undefined;
  metrics: Metrics;
  /** Notes a change in the audit trail; when it resolves, the record is on the disk. */
  audit(entry: Omit<AuditEntry, 'time_ms'>): Promise<void>;
  /** Which refused attempts get a record. */
  refusals: Refusals;
  /** Whether rollouts of a product wait until another operator approves them. */
  needsApproval(product: string): boolean;
  /** The one vendor name that is served; a model's own name is accepted in its place. */
  vendor: string;
  clock: Clock;
  log: Log;
}

export interface Call {
  request: PlatformRequest;
  platform: Platform;
  /** What the path holds, decoded. */
  params: Readonly<Record<string, string>>;
}

/** A call of an operator whose token was accepted, and who may make it. */
export interface OperatorCall extends Call {
  operator: Token;
  /** For the audit trail: the product it is about, and details where the body does not tell them. */
  note: { product?: string; details?: string };
}

export type Handler = (call: Call) => Promise<Answer>;
export type OperatorHandler = (call: OperatorCall) => Promise<Answer>;
