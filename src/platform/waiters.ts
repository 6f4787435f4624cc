/**
 * Who waits for a write: long polls of devices and of operators. The order that loses nothing is: register, then read,
 * then sleep; a write that falls between is noticed, because the waiter was there before it was read.
 */
import { GweError } from '../errors.ts';
import { RETRY_AFTER_S, WAITERS_MAX } from './limits.ts';
import type { Waiting } from './peers.ts';

export type WakeReason = 'written' | 'timeout' | 'gone' | 'closing';

export interface Waiter {
  /**
   * Calls back, once, when one of its aliases is written, the time is over, `giveUp` is called, or the platform closes; at once
   * when the write came before. It is released then.
   */
  park(timeout_ms: number, woken: (reason: WakeReason) => void): void;
  /** The client has gone. */
  giveUp(): void;
  /** The same as a promise. */
  wait(timeout_ms: number, gone: AbortSignal): Promise<WakeReason>;
  /** To be called when it does not come to parking, or waiting is over. */
  release(): void;
}

export interface Waiters {
  /** Registers a waiter who knows of `point`, the newest one until now. Raises `busy` when there are too many. */
  register(gateway: number, alias: string, point: number): Waiter;
  /** Wakes those who wait for one of these; with `point`, only those who do not know it. */
  wake(gateway: number, aliases: readonly string[], point?: number): void;
  /** All who wait, or those who wait for this alias of this gateway. */
  waiting(gateway?: number, alias?: string): Waiting[];
  /** Answers all waiters with `closing`, those that come later too. */
  close(): void;
  readonly size: number;
  /** The platform is closing. */
  readonly closed: boolean;
}

/** Ten thousand of these are held at a time, so it is one object and no more. */
interface Entry {
  gateway: number;
  alias: string;
  point: number;
  /** Set when the write came before the sleep. */
  reason: WakeReason | undefined;
  woken: ((reason: WakeReason) => void) | undefined;
  timer: NodeJS.Timeout | undefined;
}

export function createWaiters(): Waiters {
  const byGateway = new Map<number, Entry[]>();
  let count = 0;
  let closed = false;

  const release = (entry: Entry) => {
    const entries = byGateway.get(entry.gateway);
    const at = entries?.indexOf(entry) ?? -1;
    if (entries === undefined || at < 0) return;
    entries.splice(at, 1);
    count -= 1;
    if (entries.length === 0) byGateway.delete(entry.gateway);
  };
  const end = (entry: Entry, reason: WakeReason) => {
    entry.reason ??= reason;
    const { woken } = entry;
    if (woken === undefined) return;
    entry.woken = undefined;
    clearTimeout(entry.timer);
    release(entry);
    woken(entry.reason);
  };
  const expire = (entry: Entry) => end(entry, 'timeout');
  const park = (entry: Entry, timeout_ms: number, woken: (reason: WakeReason) => void) => {
    entry.woken = woken;
    if (entry.reason === undefined) entry.timer = setTimeout(expire, timeout_ms, entry);
    else end(entry, entry.reason);
  };

  return {
    register(gateway, alias, point) {
      if (count >= WAITERS_MAX) {
        throw new GweError('busy', 'Cannot hold another long poll: too many wait', {
          retryAfter_s: RETRY_AFTER_S,
        });
      }
      const reason = closed ? 'closing' : undefined;
      const entry: Entry = { gateway, alias, point, reason, woken: undefined, timer: undefined };
      const entries = byGateway.get(gateway);
      if (entries === undefined) byGateway.set(gateway, [entry]);
      else entries.push(entry);
      count += 1;
      return {
        park: (timeout_ms, woken) => park(entry, timeout_ms, woken),
        giveUp: () => end(entry, 'gone'),
        wait: (timeout_ms, gone) =>
          new Promise((resolve) => {
            const onGone = () => end(entry, 'gone');
            if (gone.aborted) onGone();
            gone.addEventListener('abort', onGone, { once: true });
            park(entry, timeout_ms, (why) => {
              gone.removeEventListener('abort', onGone);
              resolve(why);
            });
          }),
        release: () => release(entry),
      };
    },
    wake(gateway, aliases, point = Number.POSITIVE_INFINITY) {
      const entries = byGateway.get(gateway);
      if (entries === undefined) return;
      for (const entry of [...entries])
        if (aliases.includes(entry.alias) && entry.point < point) end(entry, 'written');
    },
    waiting(gateway, alias) {
      const entries = gateway === undefined ? [...byGateway.values()].flat() : (byGateway.get(gateway) ?? []);
      return alias === undefined ? entries : entries.filter((entry) => entry.alias === alias);
    },
    close() {
      closed = true;
      for (const entries of [...byGateway.values()]) for (const entry of [...entries]) end(entry, 'closing');
    },
    get size() {
      return count;
    },
    get closed() {
      return closed;
    },
  };
}
