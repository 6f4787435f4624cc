/**
 * What the journal says of an instruction, as values, and the check that a file says it. Pure; journal.ts reads and
 * writes the files.
 */
import type { TarballName } from '../app/name.ts';
import { GweError } from '../errors.ts';
import type { Outcome } from '../reports/ends.ts';
import { isPhase, type Phase } from './phases.ts';

/** One tarball that an instruction names. */
export interface InstallItem {
  name: TarballName;
  /** `false`: refuse a version older than the installed one. */
  downgrade?: boolean;
}

/** An install instruction as it was understood. */
export interface Instruction {
  /** The alias' text, as it stood there. */
  text: string;
  /** The platform's tag of that value, where it gives one. */
  etag?: string;
  items: readonly InstallItem[];
  /** Names that break the rules, each to be reported by itself. */
  discarded?: readonly { name: string; why: string }[];
}

/** What the Content Area announced. */
export interface Announced {
  size_bytes: number;
  updated_s: number;
  /** SHA-256, where the content's meta names one. */
  sha256?: string;
  /** The versions from which deltas lead to it, where the content's meta tells. */
  deltas?: readonly string[];
}

/** A delta that is taken in place of the whole tarball. */
export interface DeltaUse {
  /** Name of the content. */
  id: string;
  size_bytes: number;
  updated_s: number;
  /** Once the tarball was made of it. Its bytes are not the published ones; its unpacked stream is. */
  rebuilt?: { sha256: string; size_bytes: number; tar_sha256: string; published_sha256: string };
}

/** What the check of the tarball found, as far as the later phases need it. */
export interface Unpacked {
  sha256: string;
  unpacked_bytes: number;
  entries: number;
  hasHealth: boolean;
  hasUninstall: boolean;
  /** The options of supervisor.conf, if there is one. */
  supervisorConf?: Record<string, string>;
}

/** How it ended, or is about to. */
export interface ItemResult {
  outcome: Outcome;
  why?: string;
  check?: string;
  exit?: number;
  rolledBackTo?: string;
  rollbackFailed?: string;
  note?: string;
}

/** Why an item does not go on at the moment. */
export interface Trouble {
  /** What it waits for: see `Hold`. */
  kind: string;
  /** An error code. */
  code: string;
  why: string;
  since_ms: number;
  /** How many times it was told as `waiting`. */
  told: number;
  /** What was told last: told again only when this changes. */
  key: string;
}

export interface JournalItem extends InstallItem {
  phase: Phase;
  /** Wall clock when the phase began; for people only. */
  since_ms: number;
  /** Time spent on it so far, over all starts. */
  spent_ms: number;
  /** Runs of install.sh that were begun. */
  attempt: number;
  /** Runs of the way back that were begun. */
  rollbacks: number;
  content?: Announced | undefined;
  delta?: DeltaUse | undefined;
  /** Why a delta is not taken after all, as a sentence. */
  noDelta?: string | undefined;
  /** Text of NAME.minisig, where a signature is required. */
  signature?: string | undefined;
  tarball?: Unpacked | undefined;
  /** The start (of this process, of the machine) in which install.sh asked for the next one. */
  rebootAsked?: { process: string; boot: string; uptime_ms: number } | undefined;
  /** The download was assembled from pieces, failed a check, and is fetched once more from its first byte. */
  fetchedAgain?: boolean | undefined;
  /** How the script of the way back ended, once it has: after a crash it is not run again. */
  wentBack?: string | undefined;
  result?: ItemResult | undefined;
  trouble?: Trouble | undefined;
}

export interface JournalEntry {
  /** `SEQUENCE-RANDOM`: in order of arrival, and never used again. */
  id: string;
  text: string;
  etag?: string;
  received_ms: number;
  /** Whether the platform acknowledged that engine_fetch was cleared. */
  clearing: 'pending' | 'acknowledged';
  items: readonly JournalItem[];
}

/** What is fetched for an item, and how much of it there is: the delta or the whole. */
export function toFetch({ name, content, delta }: JournalItem): {
  id: string;
  size_bytes: number | undefined;
} {
  if (delta === undefined || delta.rebuilt !== undefined)
    return { id: name.file, size_bytes: content?.size_bytes };
  return delta;
}

/** How long the tarball is that lies in downloads/ when it is complete. */
export function completeBytes({ content, delta }: JournalItem): number | undefined {
  return delta?.rebuilt?.size_bytes ?? content?.size_bytes;
}

/** Layout of a journal file. A file of a later one is left alone. */
export const JOURNAL_LAYOUT = 1;

/** The text of an entry's file. */
export function encodeEntry(entry: JournalEntry): string {
  return `${JSON.stringify({ layout: JOURNAL_LAYOUT, ...entry })}\n`;
}

/** The entry in a file's text. Raises `layout` when a later gwe wrote it, `malformed` when it is damaged. */
export function decodeEntry(text: string): JournalEntry {
  const value = parseObject(text);
  const layout = value?.['layout'];
  if (typeof layout === 'number' && layout > JOURNAL_LAYOUT) {
    throw new GweError('layout', `Cannot read a journal file: it has the layout ${layout} of a later gwe`);
  }
  if (!isEntry(value)) throw new GweError('malformed', 'Cannot read a journal file: it is damaged');
  const { layout: _, ...entry } = value;
  return entry;
}

/** The object that `text` is in JSON, or `undefined`. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Kind = 'string' | 'number' | 'boolean';

/** Whether `value` is an object whose named fields have these kinds; a `?` after the kind allows it to be absent. */
export function hasFields(value: unknown, fields: Record<string, Kind | `${Kind}?`>): boolean {
  if (!isObject(value)) return false;
  return Object.entries(fields).every(([name, kind]) => {
    const field = value[name];
    if (kind.endsWith('?')) return field === undefined || typeof field === kind.slice(0, -1);
    return typeof field === kind;
  });
}

const absentOr = (value: unknown, check: (value: unknown) => boolean) => value === undefined || check(value);

function isEntry(value: unknown): value is JournalEntry & { layout?: number } {
  if (!hasFields(value, { layout: 'number?', id: 'string', text: 'string', etag: 'string?' })) return false;
  if (!hasFields(value, { received_ms: 'number', clearing: 'string' }) || !isObject(value)) return false;
  const { items, clearing } = value;
  return (
    (clearing === 'pending' || clearing === 'acknowledged') && Array.isArray(items) && items.every(isItem)
  );
}

function isItem(value: unknown): value is JournalItem {
  if (!isObject(value) || !isPhase(value['phase'])) return false;
  return (
    hasFields(value, { since_ms: 'number', spent_ms: 'number', attempt: 'number', rollbacks: 'number' }) &&
    hasFields(value, {
      downgrade: 'boolean?',
      signature: 'string?',
      fetchedAgain: 'boolean?',
      noDelta: 'string?',
      wentBack: 'string?',
    }) &&
    hasFields(value['name'], { file: 'string', app: 'string', version: 'string' }) &&
    absentOr(value['content'], (it) =>
      hasFields(it, { size_bytes: 'number', updated_s: 'number', sha256: 'string?' }),
    ) &&
    absentOr(value['delta'], isDelta) &&
    absentOr(value['tarball'], isUnpacked) &&
    absentOr(value['rebootAsked'], (it) =>
      hasFields(it, { process: 'string', boot: 'string', uptime_ms: 'number' }),
    ) &&
    absentOr(value['result'], (it) =>
      hasFields(it, { outcome: 'string', why: 'string?', exit: 'number?' }),
    ) &&
    absentOr(
      value['trouble'],
      (it) =>
        hasFields(it, { kind: 'string', code: 'string', why: 'string', since_ms: 'number' }) &&
        hasFields(it, { told: 'number', key: 'string' }),
    )
  );
}

function isDelta(value: unknown): boolean {
  if (!hasFields(value, { id: 'string', size_bytes: 'number', updated_s: 'number' }) || !isObject(value))
    return false;
  return absentOr(value['rebuilt'], (it) =>
    hasFields(it, {
      sha256: 'string',
      size_bytes: 'number',
      tar_sha256: 'string',
      published_sha256: 'string',
    }),
  );
}

function isUnpacked(value: unknown): boolean {
  if (!hasFields(value, { sha256: 'string', unpacked_bytes: 'number', entries: 'number' })) return false;
  if (!hasFields(value, { hasHealth: 'boolean', hasUninstall: 'boolean' }) || !isObject(value)) return false;
  return absentOr(
    value['supervisorConf'],
    (it) => isObject(it) && Object.values(it).every((text) => typeof text === 'string'),
  );
}
