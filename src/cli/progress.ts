/** The progress of an upload: a bar that is redrawn on a terminal, one line at the end elsewhere. */

import type { Clock } from '../host/clock.ts';
import { formatDuration, formatSize } from '../reports/sizes.ts';

export interface Progress {
  update(done_bytes: number): void;
  /** Ends the bar with what became of it. */
  end(outcome: string): void;
}

/** Between two drawings of the bar. */
const REDRAW_MS = 100;
const BAR_CELLS = 24;

/** One line: name, bar, percent, MB/s, time that is left. */
export function progressLine(
  name: string,
  done_bytes: number,
  total_bytes: number,
  elapsed_ms: number,
): string {
  const part = total_bytes === 0 ? 1 : Math.min(1, done_bytes / total_bytes);
  const filled = Math.round(part * BAR_CELLS);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_CELLS - filled);
  const percent = `${Math.floor(part * 100)} %`.padStart(5);
  return `${name} [${bar}] ${percent}  ${rate(done_bytes, elapsed_ms)}  ${timeLeft(part, elapsed_ms)}`;
}

/** `12 MB/s`. */
export function rate(done_bytes: number, elapsed_ms: number): string {
  return `${formatSize((done_bytes * 1000) / Math.max(1, elapsed_ms))}/s`;
}

function timeLeft(part: number, elapsed_ms: number): string {
  if (part >= 1) return 'being checked';
  return part === 0 ? 'ETA …' : `ETA ${formatDuration((elapsed_ms / part) * (1 - part))}`;
}

/** Starts the progress of `name`; `write` goes to standard error. */
export function startProgress(
  name: string,
  total_bytes: number,
  show: { onTerminal: boolean; write: (text: string) => void; clock: Clock },
): Progress {
  const started_ms = show.clock.monotonic();
  let drawn_ms = Number.NEGATIVE_INFINITY;
  const elapsed = () => show.clock.monotonic() - started_ms;
  return {
    update: (done_bytes) => {
      const now_ms = show.clock.monotonic();
      if (!show.onTerminal || (now_ms - drawn_ms < REDRAW_MS && done_bytes < total_bytes)) return;
      drawn_ms = now_ms;
      show.write(`\r\u001b[K${progressLine(name, done_bytes, total_bytes, elapsed())}`);
    },
    end: (outcome) => {
      if (show.onTerminal) show.write('\r\u001b[K');
      const took = `${formatSize(total_bytes)} in ${formatDuration(elapsed())}, ${rate(total_bytes, elapsed())}`;
      show.write(`${name}: ${outcome} (${took})\n`);
    },
  };
}
