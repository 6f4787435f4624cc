/** Ages and tables for people, and strangers' text made harmless. Pure: values in, text out. */
import { formatDuration } from '../reports/sizes.ts';

/** How long ago something was seen: `never`, `just now`, `3 min ago`. `then_ms` of 0 is never. */
export function agoInWords(then_ms: number, now_ms: number): string {
  if (then_ms === 0) return 'never';
  const ago_ms = now_ms - then_ms;
  return ago_ms < 2000 ? 'just now' : `${formatDuration(ago_ms)} ago`;
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
