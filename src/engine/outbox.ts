/**
 * The outbox: reports that wait to reach the platform, in order, over power cuts and outages. Bounded: when it is full the
 * oldest usage reports go first; how an install ended is never dropped. An entry has an id, and an id is taken up once.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asGweError, type GweError } from '../errors.ts';
import { makeFolder, removeDurably, writeDurably } from '../host/files.ts';

export interface OutboxEntry {
  /** Two reports of the same id are one. */
  id: string;
  alias: string;
  value: string;
  time_ms: number;
  /** It may have been sent already: no answer came. */
  attempted?: boolean;
  /** The platform's tag of the alias' value just before the first attempt, where it gives one. */
  tagBefore?: string;
  /** The alias held the very same text before the first attempt. */
  sameBefore?: boolean;
}

export interface OutboxLimits {
  maxEntries: number;
  max_bytes: number;
}

export interface Outbox {
  /** Durable when it returns. */
  add(entry: OutboxEntry): void;
  entries(): OutboxEntry[];
  /** The platform has it, or will never take it. */
  remove(id: string): void;
  /** Notes that sending begins, so that after a crash it is asked first whether it had arrived. */
  attempt(id: string, before: Standing): void;
}

/** Which entries must go so that a new one of `size_bytes` fits: the oldest that may be dropped, in order. Pure. */
export function entriesToDrop(
  waiting: readonly { name: string; droppable: boolean; size_bytes: number }[],
  size_bytes: number,
  limits: OutboxLimits,
): string[] {
  const dropped: string[] = [];
  let count = waiting.length + 1;
  let total_bytes = waiting.reduce((sum, entry) => sum + entry.size_bytes, size_bytes);
  for (const entry of waiting) {
    if (count <= limits.maxEntries && total_bytes <= limits.max_bytes) break;
    if (!entry.droppable) continue;
    dropped.push(entry.name);
    count -= 1;
    total_bytes -= entry.size_bytes;
  }
  return dropped;
}

/** How an install ended, and what a command got for an answer, is never dropped; everything else may be. */
export const isDroppable = (alias: string): boolean => alias !== 'fetch_status';

/** The outbox in `folder` (made when the first entry comes). A file that cannot be read as an entry is removed. */
export function openOutbox(folder: string, limits: OutboxLimits): Outbox {
  const names = () => {
    try {
      return readdirSync(folder)
        .filter((name) => /^\d{8}-.*\.json$/.test(name))
        .sort();
    } catch {
      return [];
    }
  };
  const load = (name: string) => readEntry(join(folder, name));
  const nameOf = (id: string) => names().find((name) => load(name)?.id === id);
  return {
    entries: () => names().flatMap((name) => load(name) ?? []),
    remove(id) {
      const name = nameOf(id);
      if (name !== undefined) removeDurably(join(folder, name));
    },
    attempt(id, before) {
      const name = nameOf(id);
      const entry = name === undefined ? undefined : load(name);
      if (name === undefined || entry === undefined || entry.attempted) return;
      const noted = { ...entry, attempted: true, sameBefore: before.value === entry.value };
      const tag = before.tag === undefined ? {} : { tagBefore: before.tag };
      writeDurably(join(folder, name), JSON.stringify({ ...noted, ...tag }));
    },
    add(entry) {
      const waiting = names().flatMap((name) => {
        const there = load(name);
        return there === undefined ? [] : [{ name, entry: there, size_bytes: there.value.length }];
      });
      if (waiting.some((there) => there.entry.id === entry.id)) return;
      const candidates = waiting.map(({ name, entry: there, size_bytes }) => ({
        name,
        size_bytes,
        droppable: isDroppable(there.alias),
      }));
      for (const name of entriesToDrop(candidates, entry.value.length, limits))
        removeDurably(join(folder, name));
      makeFolder(folder);
      const next = Number(waiting.at(-1)?.name.slice(0, 8) ?? 0) + 1;
      writeDurably(
        join(folder, `${String(next).padStart(8, '0')}-${entry.alias}.json`),
        JSON.stringify(entry),
      );
    },
  };
}

function readEntry(path: string): OutboxEntry | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isEntry(value)) return value;
  } catch (error) {
    if (asGweError(error).code === 'io') return undefined;
  }
  removeDurably(path);
  return undefined;
}

function isEntry(value: unknown): value is OutboxEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, alias, value: text, time_ms } = value as Record<string, unknown>;
  return (
    typeof id === 'string' &&
    typeof alias === 'string' &&
    typeof text === 'string' &&
    typeof time_ms === 'number'
  );
}

/** What stands in an alias, with the platform's tag of it where it gives one. */
export interface Standing {
  value: string;
  tag: string | undefined;
}

/**
 * Whether an entry whose sending got no answer has arrived, by what stands in its alias now. Pure. The tag tells two equal
 * texts apart; where there is none, and the same text stood there before, it is sent again: twice is better than never.
 */
export function hasArrived(entry: OutboxEntry, now: Standing): boolean {
  if (!entry.attempted || now.value !== entry.value) return false;
  if (entry.tagBefore !== undefined && now.tag !== undefined) return now.tag !== entry.tagBefore;
  return entry.sameBefore !== true;
}

/** How an entry is carried to the platform. */
export interface Carrier {
  write(alias: string, value: string): Promise<void>;
  /** For values with a time of their own, such as usage of an hour long gone. */
  record(alias: string, time_s: number, value: string): Promise<void>;
  /** What stands there now; `next` is what is about to be written. */
  read(alias: string, next: string): Promise<Standing>;
  isRetryable(error: GweError): boolean;
}

/**
 * Sends what waits, oldest first, each exactly once: where an earlier attempt got no answer, the platform is asked
 * whether it has the value already. Stops at the first trouble that may pass by throwing it; what the platform refuses
 * for good is given up, with `onRefused`.
 */
export async function sendOutbox(
  outbox: Outbox,
  carrier: Carrier,
  onRefused: (entry: OutboxEntry, error: GweError) => void,
): Promise<void> {
  for (const entry of outbox.entries()) {
    try {
      await sendEntry(entry, outbox, carrier);
    } catch (thrown) {
      const error = asGweError(thrown);
      if (carrier.isRetryable(error) || error.code === 'unauthorized') throw error;
      onRefused(entry, error);
    }
    outbox.remove(entry.id);
  }
}

async function sendEntry(entry: OutboxEntry, outbox: Outbox, carrier: Carrier): Promise<void> {
  if (isDroppable(entry.alias))
    return carrier.record(entry.alias, Math.floor(entry.time_ms / 1000), entry.value);
  const now = await carrier.read(entry.alias, entry.value);
  if (hasArrived(entry, now)) return;
  outbox.attempt(entry.id, now);
  await carrier.write(entry.alias, entry.value);
}
