/**
 * From writes to those who wait for them. What was written here wakes at once. What another replica says it wrote is looked up
 * first, because it may have been known already; and from time to time all who wait are looked up, because a hint may be lost.
 */
import { explain } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { Peers, Waiting } from './peers.ts';
import type { Store } from './store.ts';
import type { Waiters } from './waiters.ts';

/** The longest that a lost hint can delay somebody. */
export const LOOK_AGAIN_MS = 10_000;

/** Begins; ends with the waiters. */
export function watchWrites(store: Pick<Store, 'onWrite' | 'peers'>, waiters: Waiters, log: Log): void {
  const { peers } = store;
  const look = peers === undefined ? undefined : createLook(peers, waiters, log);
  store.onWrite((gateway, aliases, isHere) => {
    if (isHere) waiters.wake(gateway, aliases);
    else for (const alias of aliases) look?.(waiters.waiting(gateway, alias));
  });
  if (look === undefined) return;
  const lookAtAll = () => look(waiters.waiting());
  peers?.onGap(lookAtAll);
  const again = setInterval(() => {
    if (waiters.closed) clearInterval(again);
    else lookAtAll();
  }, LOOK_AGAIN_MS).unref();
}

/** Looks up those who are given, all that are given meanwhile with one question, and wakes those for whom there is something new. */
function createLook(peers: Peers, waiters: Waiters, log: Log): (waiting: readonly Waiting[]) => void {
  let pending = new Set<Waiting>();
  let isLooking = false;
  const lookNow = async () => {
    while (pending.size > 0) {
      const asked = [...pending];
      pending = new Set();
      const found = await peers.newer(asked);
      for (const { gateway, alias, point } of found) waiters.wake(gateway, [alias], point);
    }
  };
  const schedule = () => {
    if (isLooking || pending.size === 0) return;
    isLooking = true;
    setImmediate(async () => {
      await lookNow().catch((error) => log.warning(`Cannot look for what is waited for: ${explain(error)}`));
      isLooking = false;
      schedule();
    });
  };
  return (waiting) => {
    for (const each of waiting) pending.add(each);
    schedule();
  };
}
