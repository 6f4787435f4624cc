/** The data budget in words, for `gwe status` and `gwe why`. Pure. */
import type { BudgetView, SpanView } from '../engine/budget-view.ts';
import { formatSize } from '../reports/sizes.ts';

/** `4.9 MB of 5 MB today, until 2026-11-23T00:00:00Z; 40 MB of 100 MB this month, until …; 128 kB a day kept for check-ins`. */
export function budgetInWords(view: BudgetView): string {
  const spanWords = (span: SpanView | undefined, name: string) =>
    span === undefined
      ? []
      : `${formatSize(span.used_bytes)} of ${formatSize(span.limit_bytes)} used ${name}, until ${timeText(span.resets_ms)}`;
  const free = view.download_left_bytes === undefined ? ['free at this hour'] : [];
  const reserve = `${formatSize(view.reserve_bytes_per_day)} a day kept for check-ins`;
  return [...free, spanWords(view.day, 'today'), spanWords(view.month, 'this month'), reserve]
    .flat()
    .join('; ');
}

const timeText = (time_ms: number) => new Date(time_ms).toISOString().replace(/\.\d+Z$/, 'Z');
