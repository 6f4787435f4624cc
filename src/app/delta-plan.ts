/**
 * Which stretch of the old stream is most like each part of the new one, where stretches may only move forward. Both are
 * sampled by their content (a fingerprint of 32 bytes wherever it happens to be divisible), so what moved is found where
 * it went. Pure.
 */

/** Stretches begin at multiples of this. */
export const CELL_BYTES = 512 * 1024;
/** The new stream is cut into pieces of at most this size. */
export const PIECE_BYTES = 2 * CELL_BYTES;
/** One place in so many is sampled. */
const SAMPLE_BITS = 8;
/** Fingerprint and cell in one number, to be sorted and searched. */
const CELLS_MAX = 2 ** 20;

/** A fixed random number for each byte, so that fingerprints are the same everywhere. */
const GEAR = Int32Array.from({ length: 256 }, (_, i) => {
  let x = Math.imul(i + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
});

/** Takes a stream as it comes, and remembers the fingerprints of each of its cells. */
export class Sampler {
  #hash = 0;
  #seen_bytes = 0;
  #last = 0;
  #samples = new Float64Array(1024);
  #count = 0;

  push(bytes: Buffer): void {
    let hash = this.#hash;
    for (let i = 0; i < bytes.length; i++) {
      hash = ((hash << 1) + (GEAR[bytes[i] ?? 0] ?? 0)) | 0;
      // A long run of one byte has one fingerprint, and is one sample.
      if (hash >>> (32 - SAMPLE_BITS) === 0 && hash !== this.#last) this.#add(hash, this.#seen_bytes + i);
    }
    this.#hash = hash;
    this.#seen_bytes += bytes.length;
  }

  /** All samples so far as fingerprint × 2^20 + cell, in order of the stream. */
  samples(): Float64Array {
    return this.#samples.subarray(0, this.#count);
  }

  cells(): number {
    return Math.ceil(this.#seen_bytes / CELL_BYTES);
  }

  #add(hash: number, at: number): void {
    this.#last = hash;
    if (this.#count === this.#samples.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples[this.#count] = (hash >>> 0) * CELLS_MAX + Math.floor(at / CELL_BYTES);
    this.#count += 1;
  }
}

/**
 * For each cell of the new stream: at which cell of the old one the stretch of `window_cells` begins for a piece that begins
 * in that cell. Never before the one of the cell before, and all together with the most samples in common.
 */
export function planWindows(base: Sampler, target: Sampler, window_cells: number): number[] {
  const starts = Math.max(1, base.cells() - window_cells + 1);
  const samples = Float64Array.from(base.samples()).sort();
  let best: Float64Array = new Float64Array(starts);
  const cameFrom: Uint32Array[] = [];
  for (const likeness of likenesses(target, samples, base.cells())) {
    const inWindow = windowSums(likeness, window_cells, starts);
    const [next, from] = step(best, inWindow);
    cameFrom.push(from);
    best = next;
  }
  let at = best.reduce((top, value, start) => (value > (best[top] ?? 0) ? start : top), 0);
  const plan: number[] = [];
  for (const from of cameFrom.toReversed()) {
    plan.push(at);
    at = from[at] ?? 0;
  }
  return plan.reverse();
}

/** For a piece that begins in each cell: how much of all cells that it may reach each cell of the old stream has. */
function* likenesses(target: Sampler, base: Float64Array, cells: number): Generator<Float64Array> {
  const ahead: Float64Array[] = [];
  for (const likeness of cellLikenesses(target, base, cells)) {
    ahead.push(likeness);
    if (ahead.length <= PIECE_BYTES / CELL_BYTES) continue;
    yield sumOf(ahead);
    ahead.shift();
  }
  for (; ahead.length > 0; ahead.shift()) yield sumOf(ahead);
}

function sumOf(rows: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (row[i] ?? 0);
  return sum;
}

/** How much of one cell each cell of the old stream has. A sample that many cells have tells little. */
function* cellLikenesses(target: Sampler, base: Float64Array, cells: number): Generator<Float64Array> {
  const all = target.samples();
  let next = 0;
  for (let row = 0; row < target.cells(); row++) {
    const likeness = new Float64Array(cells + 1);
    for (; next < all.length && (all[next] ?? 0) % CELLS_MAX === row; next++) {
      const there = cellsWith(base, Math.floor((all[next] ?? 0) / CELLS_MAX));
      for (const cell of there) likeness[cell] = (likeness[cell] ?? 0) + 1 / there.length ** 2;
    }
    yield likeness;
  }
}

/** A fingerprint that more cells have than this tells nothing. */
const COMMON_CELLS = 16;

function cellsWith(sorted: Float64Array, fingerprint: number): number[] {
  let [low, high] = [0, sorted.length];
  const first = fingerprint * CELLS_MAX;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < first) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let at = low; at < sorted.length && (sorted[at] ?? 0) < first + CELLS_MAX; at++) {
    const cell = (sorted[at] ?? 0) - first;
    if (found.at(-1) !== cell) found.push(cell);
    if (found.length > COMMON_CELLS) return [];
  }
  return found;
}

function windowSums(likeness: Float64Array, window_cells: number, starts: number): Float64Array {
  const sums = new Float64Array(starts);
  let sum = 0;
  for (let cell = 0; cell < Math.min(window_cells, likeness.length); cell++) sum += likeness[cell] ?? 0;
  for (let start = 0; start < starts; start++) {
    sums[start] = sum;
    sum += (likeness[start + window_cells] ?? 0) - (likeness[start] ?? 0);
  }
  return sums;
}

/** The best total with each start, and the start before it that led there: as late as it can be, so that nothing jumps ahead. */
function step(before: Float64Array, inWindow: Float64Array): [Float64Array, Uint32Array] {
  const totals = new Float64Array(inWindow.length);
  const from = new Uint32Array(inWindow.length);
  let top = 0;
  for (let start = 0; start < inWindow.length; start++) {
    if ((before[start] ?? 0) >= (before[top] ?? 0)) top = start;
    from[start] = top;
    totals[start] = (before[top] ?? 0) + (inWindow[start] ?? 0);
  }
  return [totals, from];
}
