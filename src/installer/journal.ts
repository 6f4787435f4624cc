/**
 * The journal: one file an instruction, `journal/ID.json`, from the moment it is taken on until all of it has ended and
 * the platform knows that it was taken. Small, whole writes at each transition: flash wears. What the phases mean is
 * phases.ts; the values are in journal-format.ts.
 *
 * A damaged file is put aside as `ID.json.damaged` once it has been reported; one of a later layout is left as it is,
 * for the gwe that wrote it. Neither stops the others.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asGweError, type ErrorCode, GweError, systemCode } from '../errors.ts';
import {
  makeFolder,
  PRIVATE_FILE_MODE,
  removeDurably,
  syncFolder,
  writeDurably,
  writeWhole,
} from '../host/files.ts';
import {
  decodeEntry,
  encodeEntry,
  type Instruction,
  type ItemResult,
  type JournalEntry,
  type JournalItem,
} from './journal-format.ts';

/** More instructions than this are not taken on: they stay on the platform. */
export const JOURNAL_MAX_ENTRIES = 100;
/** Given up when the disk is full, so that there is room to write down how an install ended, and its output. */
export const BALLAST_BYTES = 256 * 1024;

const SUFFIX = '.json';
const BALLAST = '.ballast';

/** How sure a change of the journal is when it was made: see `save`. */
export type Sureness = 'durable' | 'seen' | 'held';

/** A file that cannot be read as an instruction. */
export interface Damaged {
  id: string;
  /** `malformed`: it is damaged; `layout`: a later gwe wrote it; `io`: the disk refuses. */
  code: ErrorCode;
  why: string;
}

/** Whether `text`, read from engine_fetch with `etag`, is the command that `entry` holds already. Pure. */
export function isSameCommand(
  entry: Pick<JournalEntry, 'text' | 'etag' | 'clearing'>,
  text: string,
  etag?: string,
): boolean {
  if (entry.clearing !== 'pending' || entry.text !== text) return false;
  return entry.etag === undefined || etag === undefined || entry.etag === etag;
}

/** Whether nothing of it remains to be done. */
export function hasEnded(entry: Pick<JournalEntry, 'items'>): boolean {
  return entry.items.every(({ phase }) => phase === 'ended');
}

/** Whether it can be forgotten: all of it has ended, and the platform knows that it was taken. */
export function isSettled(entry: Pick<JournalEntry, 'items' | 'clearing'>): boolean {
  return hasEnded(entry) && entry.clearing === 'acknowledged';
}

/** Opens the journal in `folder`, which need not exist. Reads it once; writes nothing. */
export function openJournal(folder: string): Journal {
  return new Journal(folder);
}

/** The journal in a folder. */
export class Journal {
  readonly #folder: string;
  readonly #entries = new Map<string, JournalEntry>();
  readonly #damaged: Damaged[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    for (const id of idsIn(folder)) {
      try {
        this.#entries.set(id, { ...decodeEntry(readFileSync(this.#pathOf(id), 'utf8')), id });
      } catch (error) {
        const { code, message } = asGweError(error);
        this.#damaged.push({ id, code, why: message });
      }
    }
  }

  /** In the order in which they came. */
  entries(): readonly JournalEntry[] {
    return [...this.#entries.values()];
  }

  entry(id: string): JournalEntry | undefined {
    return this.#entries.get(id);
  }

  damaged(): readonly Damaged[] {
    return this.#damaged;
  }

  /**
   * Takes an instruction on; durable when it returns. `isCleared`: it stands nowhere else. Raises `too-large` when the
   * journal is full.
   */
  add(instruction: Instruction, now_ms: number, isCleared = false): JournalEntry {
    if (this.#entries.size >= JOURNAL_MAX_ENTRIES) throw full();
    const ids = [...this.#entries.keys(), ...this.#damaged.map(({ id }) => id)];
    const entry = entryOf(instruction, nextId(ids), now_ms, isCleared);
    this.save(entry);
    return entry;
  }

  /**
   * Replaces the entry of that id. When it returns it is durable; or `seen`: whoever reads the journal sees it, and after a
   * power cut the one before may be back; or `held`: only this process knows, until the entry is replaced again.
   */
  save(entry: JournalEntry, how: Sureness = 'durable'): void {
    if (how !== 'held') {
      makeFolder(this.#folder);
      const write = how === 'durable' ? writeDurably : writeWhole;
      this.withRoom(() => write(this.#pathOf(entry.id), encodeEntry(entry)));
    }
    this.#entries.set(entry.id, entry);
  }

  /** Forgets it if it has ended and was cleared; after a crash in between, when it is settled again. */
  settle(id: string): void {
    if (this.entries().every(hasEnded)) this.release();
    const entry = this.#entries.get(id);
    if (entry !== undefined && isSettled(entry)) this.#forget(id);
  }

  /** The last of an entry has ended: with nothing left to be done it goes at once, which is as sure as writing that first. */
  end(entry: JournalEntry): void {
    if (!isSettled(entry)) {
      this.save(entry);
      return;
    }
    if (this.entries().every((each) => each.id === entry.id || hasEnded(each))) this.release();
    this.#forget(entry.id);
  }

  /** Durable when it returns, and so is the end of the ballast. */
  #forget(id: string): void {
    removeDurably(this.#pathOf(id));
    this.#entries.delete(id);
  }

  /** Puts a damaged file aside, under the name ID.json.damaged. */
  putAside(id: string): void {
    renameSync(this.#pathOf(id), `${this.#pathOf(id)}.damaged`);
    syncFolder(this.#folder);
    const index = this.#damaged.findIndex((each) => each.id === id);
    if (index !== -1) this.#damaged.splice(index, 1);
  }

  /** Lays in ballast, so that `withRoom` has something to throw away. It takes its room at once; nobody will read it. */
  reserve(): void {
    if (existsSync(this.#ballast())) return;
    try {
      // Random, lest a file system that compresses makes nothing of it.
      writeFileSync(this.#ballast(), randomBytes(BALLAST_BYTES), { mode: PRIVATE_FILE_MODE });
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Throws the ballast away, if there is any. That is sure when an entry is replaced or forgotten after it. */
  release(): void {
    rmSync(this.#ballast(), { force: true });
  }

  /** Does `act`; if the disk is full, throws the ballast away and does it again. */
  withRoom<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (asGweError(error).code !== 'disk-full' || !existsSync(this.#ballast())) throw error;
      this.release();
      return act();
    }
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}${SUFFIX}`);
  }

  #ballast(): string {
    return join(this.#folder, BALLAST);
  }
}

function idsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'));
    return names.map((name) => name.slice(0, -SUFFIX.length)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function full(): GweError {
  return new GweError(
    'too-large',
    `Cannot take the instruction on: ${JOURNAL_MAX_ENTRIES} are in the journal already`,
    { hint: 'Run "gwe why" to see what they wait for.' },
  );
}

function nextId(ids: readonly string[]): string {
  const last = Math.max(0, ...ids.map((id) => Number.parseInt(id, 10) || 0));
  return `${String(last + 1).padStart(8, '0')}-${randomBytes(4).toString('hex')}`;
}

function entryOf(instruction: Instruction, id: string, now_ms: number, isCleared: boolean): JournalEntry {
  const begin = { since_ms: now_ms, spent_ms: 0, attempt: 0, rollbacks: 0 };
  const named = instruction.items.map((item): JournalItem => ({ ...item, ...begin, phase: 'announce' }));
  const refused = (instruction.discarded ?? []).map(({ name, why }): JournalItem => {
    const result: ItemResult = { outcome: 'discarded', check: 'name', why: why.replace(/^name: /, '') };
    return { name: { file: name, app: '', version: '' }, ...begin, phase: 'report', result };
  });
  return {
    id,
    text: instruction.text,
    ...(instruction.etag === undefined ? {} : { etag: instruction.etag }),
    received_ms: now_ms,
    clearing: isCleared ? 'acknowledged' : 'pending',
    items: [...named, ...refused],
  };
}
