/** Which digests are being uploaded: they must not be swept away before they have their name. */

export interface Holds {
  /** From now on no sweep takes the digest; returns what ends that, once. */
  hold(sha256: string): () => void;
  /** Naming and removing take turns: else a digest that is being removed could be uploaded again, and go with it. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Calls `remove` unless somebody has the digest, or is just uploading it. */
  sweep(sha256: string, remove: () => Promise<void>): Promise<void>;
}

/** `isUsed` tells whether some content has a digest. */
export function createHolds(isUsed: (sha256: string) => Promise<boolean>): Holds {
  const held = new Map<string, number>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn: Holds['inTurn'] = (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
  const count = (sha256: string, by: 1 | -1) => {
    const holders = (held.get(sha256) ?? 0) + by;
    if (holders > 0) held.set(sha256, holders);
    else held.delete(sha256);
  };
  return {
    inTurn,
    hold(sha256) {
      let isHeld = true;
      count(sha256, 1);
      return () => {
        if (isHeld) count(sha256, -1);
        isHeld = false;
      };
    },
    sweep: (sha256, remove) =>
      inTurn(async () => {
        if (sha256 === '' || held.has(sha256) || (await isUsed(sha256)) || held.has(sha256)) return;
        await remove();
      }),
  };
}
