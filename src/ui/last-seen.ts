/** "Last seen" as a filter: a span before now, which means the same when a colleague opens the link tomorrow. Pure. */

const HOUR_MS = 3_600_000;

/** What can be chosen, by its word in the URL. */
export const SPANS = [
  ['not-1h', 'Not seen for an hour', HOUR_MS],
  ['not-24h', 'Not seen for a day', 24 * HOUR_MS],
  ['not-168h', 'Not seen for a week', 168 * HOUR_MS],
  ['within-1h', 'Seen within an hour', HOUR_MS],
  ['within-24h', 'Seen within a day', 24 * HOUR_MS],
] as const satisfies readonly (readonly [word: string, label: string, span_ms: number])[];

/** The same for the API; nothing for a word that is none. */
export function seenFilter(word: string | null, now_ms: number): Record<string, string> {
  const span = SPANS.find(([each]) => each === word);
  if (span === undefined) return {};
  return { [span[0].startsWith('not-') ? 'seenBefore' : 'seenAfter']: String(now_ms - span[2]) };
}
