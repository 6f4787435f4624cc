/** What changes, as it happens: a bounded memory of numbered events, and those who listen. How they travel is json-events.ts's business. */

import { GweError } from '../errors.ts';
import { EVENT_LISTENERS_MAX, EVENTS_KEPT, RETRY_AFTER_S } from './limits.ts';

export const EVENT_TYPES = [
  'gateway',
  'dataport',
  'install',
  'rollout',
  'content',
  'group',
  'reset',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface FleetEvent {
  /** Tells the start of the platform and the number since then. */
  id: string;
  type: EventType;
  /** With the product it is about; without one all may know. */
  data: Readonly<Record<string, unknown>> & { readonly product?: string };
}

export interface Events {
  publish(type: EventType, data: FleetEvent['data']): void;
  /** Something that happened at another replica. */
  hear(type: EventType, data: FleetEvent['data']): void;
  /** Hears all that comes from now on; returns how to stop. */
  subscribe(listener: (event: FleetEvent) => void): () => void;
  /** The same, for callers from outside, whose number is bounded; `end` is called when the platform closes. Raises `busy`. */
  listen(listener: (event: FleetEvent) => void, end: () => void): () => void;
  /** What came after an event; `undefined` when that is not known any more. */
  since(id: string): FleetEvent[] | undefined;
  /** Id of the newest. */
  readonly newest: string;
  /** How many from outside listen. */
  readonly listeners: number;
  close(): void;
}

/** `start` tells one run of the platform from another; `tellPeers` is told what was published here. */
export function createEvents(start: string, tellPeers: Events['publish'] = () => {}): Events {
  const kept: FleetEvent[] = [];
  const inside = new Set<(event: FleetEvent) => void>();
  const outside = new Map<(event: FleetEvent) => void, () => void>();
  let count = 0;
  const idOf = (number: number) => `${start}-${number}`;
  const hear: Events['hear'] = (type, data) => {
    count += 1;
    const event: FleetEvent = { id: idOf(count), type, data };
    kept.push(event);
    if (kept.length > EVENTS_KEPT) kept.shift();
    for (const listener of inside) listener(event);
    for (const listener of outside.keys()) listener(event);
  };
  return {
    hear,
    publish(type, data) {
      hear(type, data);
      tellPeers(type, data);
    },
    subscribe(listener) {
      inside.add(listener);
      return () => void inside.delete(listener);
    },
    listen(listener, end) {
      if (outside.size >= EVENT_LISTENERS_MAX) {
        throw new GweError('busy', 'Cannot tell events: too many listen', { retryAfter_s: RETRY_AFTER_S });
      }
      outside.set(listener, end);
      return () => void outside.delete(listener);
    },
    since(id) {
      const number = id.startsWith(`${start}-`) ? Number(id.slice(start.length + 1)) : Number.NaN;
      const missed = count - number;
      const isKnown = Number.isSafeInteger(missed) && missed >= 0 && missed <= kept.length;
      return isKnown ? kept.slice(kept.length - missed) : undefined;
    },
    get newest() {
      return idOf(count);
    },
    get listeners() {
      return outside.size;
    },
    close() {
      for (const end of outside.values()) end();
    },
  };
}
