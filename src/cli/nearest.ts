/** The name that was probably meant: for "no such flag" and "no such command". */

/**
 * The one of `names` that is fewest slips away from `typed`; the first of several. `undefined` when there are no names.
 * A slip is a letter too many, one missing, a wrong one, or two neighbours swapped (Damerau-Levenshtein, optimal
 * string alignment); a letter in the wrong case is less than a slip.
 */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  let best: { name: string; slips: number } | undefined;
  for (const name of names) {
    const slips = distance(typed.toLowerCase(), name.toLowerCase()) + distance(typed, name) / 1000;
    if (best === undefined || slips < best.slips) best = { name, slips };
  }
  return best?.name;
}

/** Number of slips between two words. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
