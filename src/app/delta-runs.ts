/** Long runs that a piece of the new stream has in common with a stretch of the old one: they need no compressor. Pure. */

/** A shorter run is left to zstd, which loses more at a cut than the run is worth. */
export const RUN_MIN_BYTES = 128 * 1024;
/** Every so many bytes a run is looked for, by so many bytes. */
const PROBE_EVERY_BYTES = RUN_MIN_BYTES / 2;
const PROBE_BYTES = 64;
const STEP_BYTES = 4096;

/** `at` in the piece, `from` in the stretch. */
export interface Run {
  at: number;
  from: number;
  length: number;
}

/** The first long run, or `undefined` when there is none. At the end of a piece it may be shorter: it goes on in the next. */
export function runIn(piece: Buffer, stretch: Buffer): Run | undefined {
  for (let probe = 0; probe + PROBE_BYTES <= piece.length; probe += PROBE_EVERY_BYTES) {
    const found = stretch.indexOf(piece.subarray(probe, probe + PROBE_BYTES));
    if (found === -1) continue;
    const back = sameBefore(piece, probe, stretch, found);
    const length = back + sameAfter(piece, probe, stretch, found);
    if (length >= Math.min(RUN_MIN_BYTES, piece.length))
      return { at: probe - back, from: found - back, length };
  }
  return undefined;
}

function sameAfter(a: Buffer, at: number, b: Buffer, from: number): number {
  const max = Math.min(a.length - at, b.length - from);
  let length = 0;
  while (length + STEP_BYTES <= max && isSame(a, at + length, b, from + length, STEP_BYTES))
    length += STEP_BYTES;
  while (length < max && a[at + length] === b[from + length]) length++;
  return length;
}

function sameBefore(a: Buffer, at: number, b: Buffer, from: number): number {
  const max = Math.min(at, from);
  let length = 0;
  while (length < max && a[at - length - 1] === b[from - length - 1]) length++;
  return length;
}

function isSame(a: Buffer, at: number, b: Buffer, from: number, length: number): boolean {
  return a.compare(b, from, from + length, at, at + length) === 0;
}
