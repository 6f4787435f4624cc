/** How far the items of an instruction are, for `gwe status` and `gwe why`: read from files alone, so any process can tell. */
import { partBytes } from './download.ts';
import { type JournalEntry, type Trouble, toFetch } from './journal-format.ts';
import type { Phase } from './phases.ts';

export interface ItemProgress {
  /** Id of the instruction. */
  entry: string;
  name: string;
  app: string;
  version: string;
  phase: Phase;
  /** Wall clock when the phase began. */
  since_ms: number;
  /** Runs of install.sh that were begun. */
  attempt: number;
  /** Of the download. */
  done_bytes: number;
  total_bytes: number | undefined;
  /** What it waits for, if it does. */
  trouble: Trouble | undefined;
}

/** The items of `entry` that have not ended. Raises what the disk raises. */
export function progressOf({ id, items }: JournalEntry, downloads: string): ItemProgress[] {
  return items
    .filter(({ phase }) => phase !== 'ended')
    .map((item) => ({ item, fetch: toFetch(item) }))
    .map(({ item: { name, phase, since_ms, attempt, trouble }, fetch }) => ({
      entry: id,
      name: name.file,
      app: name.app,
      version: name.version,
      phase,
      since_ms,
      attempt,
      done_bytes: partBytes(downloads, fetch.id),
      total_bytes: fetch.size_bytes,
      trouble,
    }));
}
