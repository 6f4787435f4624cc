/**
 * reports.detail = changed: a check-in writes the reports that have changed and leaves the others out, so that what stands in
 * their dataports stays the last full one. Now and then the digests of what was left out go to report_digest, for whoever
 * wants to know that what stands there is still so. Pure, but for the digests.
 */
import { createHash } from 'node:crypto';

export const REPORT_ALIASES = ['usage_report', 'device_info', 'engine_report'] as const;
export type ReportAlias = (typeof REPORT_ALIASES)[number];
type Texts = Readonly<Record<ReportAlias, string>>;
/** Where digests are told. */
export const DIGEST_ALIAS = 'report_digest';

/** Hex digits of a digest: enough to tell two reports of one gateway apart. */
const DIGEST_DIGITS = 16;

/** What went out in full, as digests; kept in engine.json. */
export interface SentReports {
  /** To whom, in which boot: another platform, another key or another start of the machine gets everything anew. */
  to: string;
  /** Of each report its essence, and the text itself. */
  sent: Partial<Record<ReportAlias, { essence: string; text: string }>>;
  /** Check-ins in a row that left something out and did not tell its digest. */
  silent: number;
}

/** The first digits of the SHA-256 of a text. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
}

/**
 * What to write at this check-in, and what is known once it is acknowledged. `essences` tell whether a report has changed;
 * every `every`th check-in that leaves something out tells the digests of what stands in its dataports.
 */
export function chooseReports(
  reports: Texts,
  essences: Texts,
  before: SentReports | undefined,
  { to, every }: { to: string; every: number },
): { values: Record<string, string>; after: SentReports } {
  const known = before?.to === to ? before : { to, sent: {}, silent: 0 };
  const isSame = (alias: ReportAlias) => known.sent[alias]?.essence === digestOf(essences[alias]);
  const changed = REPORT_ALIASES.filter((alias) => !isSame(alias));
  const fresh = changed.map((alias) => {
    return [alias, { essence: digestOf(essences[alias]), text: digestOf(reports[alias]) }] as const;
  });
  const sent = { ...known.sent, ...Object.fromEntries(fresh) };
  const full = Object.fromEntries(changed.map((alias) => [alias, reports[alias]]));
  const leftOut = REPORT_ALIASES.filter(isSame);
  if (leftOut.length === 0) return { values: full, after: { to, sent, silent: 0 } };
  const silent = known.silent + 1;
  if (silent < every) return { values: full, after: { to, sent, silent } };
  const digests = Object.fromEntries(leftOut.map((alias) => [alias, sent[alias]?.text]));
  return {
    values: { ...full, [DIGEST_ALIAS]: JSON.stringify(digests) },
    after: { to, sent, silent: 0 },
  };
}

/** As if `alias` had never been sent: the next check-in sends it in full. */
export function forgetSent(before: SentReports | undefined, alias: ReportAlias): SentReports | undefined {
  if (before === undefined) return undefined;
  const { [alias]: _, ...sent } = before.sent;
  return { ...before, sent };
}
