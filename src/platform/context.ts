/** What every handler is handed: the platform's parts, and the call that it answers. */
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Answer } from './answer.ts';
import type { ContentStore } from './content-store.ts';
import type { PlatformRequest } from './request.ts';
import type { Store, Token } from './store.ts';
import type { Waiters } from './waiters.ts';

export interface Platform {
  store: Store;
  content: ContentStore;
  waiters: Waiters;
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

/** A call of an operator whose token was accepted. */
export interface OperatorCall extends Call {
  operator: Token;
}

export type Handler = (call: Call) => Promise<Answer>;
export type OperatorHandler = (call: OperatorCall) => Promise<Answer>;
