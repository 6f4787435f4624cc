/** The rules of who is served first when more gateways call than can be served at once, and of who is told to come later. Pure. */

/** A call that waits: which place its caller was last served at, in the order of services here; `undefined` when that is not known. */
export interface Turn {
  readonly served: number | undefined;
}

/**
 * Who comes first: whoever was served longest ago. A caller who was not served lately may be the one that waits longest of
 * all, or a key that somebody invented; so they have every second place, in the order in which they came, and no more while
 * others wait.
 */
export function inTurn<T extends Turn>(waiting: readonly T[]): T[] {
  const known = waiting.filter((each) => each.served !== undefined);
  const strangers = waiting.filter((each) => each.served === undefined);
  known.sort((a, b) => (a.served ?? 0) - (b.served ?? 0));
  const turns: T[] = [];
  for (let at = 0; turns.length < waiting.length; at += 1) {
    for (const each of [strangers[at], known[at]]) if (each !== undefined) turns.push(each);
  }
  return turns;
}

/** How many may wait: as many as are served within `wait_ms` when `served` calls took `took_ms`. */
export function roomFor(served: number, took_ms: number, wait_ms: number): number {
  return took_ms <= 0 ? Number.POSITIVE_INFINITY : Math.floor((served / took_ms) * wait_ms);
}
