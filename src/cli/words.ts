/** Sizes, times and tables for people. Pure: numbers in, text out. */

/** `999 B`, `1.2 kB`, `52 MB`, `1.5 GB` (powers of 1000). */
export function sizeInWords(size_bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = size_bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 || amount >= 9.95 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min`, `7 h 12 min`, `2 d 4 h`: at most two units. */
export function durationInWords(duration_ms: number): string {
  const total_s = Math.max(0, duration_ms) / 1000;
  if (total_s < 9.95) return `${total_s.toFixed(1)} s`;
  if (total_s < 59.5) return `${Math.round(total_s)} s`;
  const total_min = Math.round(total_s / 60);
  if (total_min < 60) return `${total_min} min`;
  if (total_min < 24 * 60) return joined(Math.floor(total_min / 60), 'h', total_min % 60, 'min');
  const total_h = Math.round(total_min / 60);
  return joined(Math.floor(total_h / 24), 'd', total_h % 24, 'h');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long ago something was seen: `never`, `just now`, `3 min ago`. `then_ms` of 0 is never. */
export function agoInWords(then_ms: number, now_ms: number): string {
  if (then_ms === 0) return 'never';
  const ago_ms = now_ms - then_ms;
  return ago_ms < 2000 ? 'just now' : `${durationInWords(ago_ms)} ago`;
}

/** Columns padded to their widest cell, two blanks between them, none at the end of a line. */
export function table(rows: ReadonlyArray<readonly string[]>): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** Text of somebody else's that may go to a terminal: escape codes and other control characters become visible. */
export function harmless(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (code) =>
      code === '\u001b' ? '^[' : `\\x${code.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
}
