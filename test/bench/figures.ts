/** Figures of measurements, as pure functions: medians, spread, ratios pair by pair, how a cost grows, and their text. */

/** What was measured of one way, one value a round; the n-th values of all ways belong together. */
export interface Series {
  way: string;
  values: readonly number[];
}

/** The middle value; NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which `share` (0 to 1) of them lie, between two neighbours in proportion; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Median of the ratios of the pairs: what disturbs the machine for a while disturbs both of a pair, and cancels out. */
export function pairedRatio(values: readonly number[], floor: readonly number[]): number {
  return median(values.slice(0, floor.length).map((value, round) => value / (floor[round] ?? Number.NaN)));
}

/** The exponent k of cost ~ size^k by least squares over the logarithms: 0 is constant, 1 is in proportion. */
export function growthExponent(points: readonly (readonly [size: number, cost: number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const);
  const mean = (pick: (log: readonly [number, number]) => number) =>
    logs.reduce((sum, log) => sum + pick(log), 0) / logs.length;
  const [x0, y0] = [mean(([x]) => x), mean(([, y]) => y)];
  const over = logs.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return over / logs.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}

/** A number with as many digits as it deserves: 3 at most behind a point, thousands with commas. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** `12.3 (11.9–14.0)`: the median, and between which values the middle half lies. */
export function withSpread(values: readonly number[]): string {
  return `${shown(median(values))} (${shown(quantile(values, 0.25))}–${shown(quantile(values, 0.75))})`;
}
