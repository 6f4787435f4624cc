/**
 * Who waits for a write: long polls of devices and of operators. The order that loses nothing is: register, then read,
 * then sleep; a write that falls between is noticed, because the waiter was there before it was read.
 */
import { GweError } from '../errors.ts';
import { RETRY_AFTER_S, WAITERS_MAX } from './limits.ts';

export type WakeReason = 'written' | 'timeout' | 'gone' | 'closing';

export interface Waiter {
  /** Resolves when one of its aliases is written, the time is over, the client has gone, or the platform closes. */
  wait(timeout_ms: number, gone: AbortSignal): Promise<WakeReason>;
  /** To be called however it ends. */
  release(): void;
}

export interface Waiters {
  /** Registers a waiter. Raises `busy` when there are too many. */
  register(gateway: number, alias: string): Waiter;
  wake(gateway: number, aliases: readonly string[]): void;
  /** Answers all waiters with `closing`, those that come later too. */
  close(): void;
  readonly size: number;
  /** The platform is closing. */
  readonly closed: boolean;
}

interface Entry {
  alias: string;
  /** Set when the write came before the sleep. */
  woken: WakeReason | undefined;
  end: ((reason: WakeReason) => void) | undefined;
}

export function createWaiters(): Waiters {
  const byGateway = new Map<number, Set<Entry>>();
  let count = 0;
  let closed = false;

  const end = (entry: Entry, reason: WakeReason) => {
    entry.woken ??= reason;
    entry.end?.(entry.woken);
  };
  const release = (gateway: number, entry: Entry) => {
    const entries = byGateway.get(gateway);
    if (!entries?.delete(entry)) return;
    count -= 1;
    if (entries.size === 0) byGateway.delete(gateway);
  };

  return {
    register(gateway, alias) {
      if (count >= WAITERS_MAX) {
        throw new GweError('busy', 'Cannot hold another long poll: too many wait', {
          retryAfter_s: RETRY_AFTER_S,
        });
      }
      const entry: Entry = { alias, woken: closed ? 'closing' : undefined, end: undefined };
      const entries = byGateway.get(gateway) ?? new Set();
      byGateway.set(gateway, entries.add(entry));
      count += 1;
      return {
        wait: (timeout_ms, gone) => sleep(entry, timeout_ms, gone),
        release: () => release(gateway, entry),
      };
    },
    wake(gateway, aliases) {
      for (const entry of byGateway.get(gateway) ?? []) {
        if (aliases.includes(entry.alias)) end(entry, 'written');
      }
    },
    close() {
      closed = true;
      for (const entries of byGateway.values()) for (const entry of entries) end(entry, 'closing');
    },
    get size() {
      return count;
    },
    get closed() {
      return closed;
    },
  };
}

function sleep(entry: Entry, timeout_ms: number, gone: AbortSignal): Promise<WakeReason> {
  if (entry.woken !== undefined) return Promise.resolve(entry.woken);
  if (gone.aborted) return Promise.resolve('gone');
  return new Promise((resolve) => {
    const timer = setTimeout(() => entry.end?.('timeout'), timeout_ms);
    const onGone = () => entry.end?.('gone');
    gone.addEventListener('abort', onGone, { once: true });
    entry.end = (reason) => {
      entry.end = undefined;
      clearTimeout(timer);
      gone.removeEventListener('abort', onGone);
      resolve(reason);
    };
  });
}
