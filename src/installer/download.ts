/**
 * `downloads/NAME.part` and, beside it, `NAME.part.json`: what the bytes belong to and how many of them have surely reached
 * the disk. A download goes on at its byte after a crash, an outage or a reboot, and never mixes two contents.
 *
 * What can lie there at most: one part, of at most download.max_tarball_bytes, for each item of the journal that has not
 * ended. It is unpacked from the finished part, not on the way: so it can go on, and is hashed, checked and unpacked in one
 * pass over bytes that no longer change.
 */
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Download } from '../client/content.ts';
import { asGweError, GweError } from '../errors.ts';
import { makeFolder, PRIVATE_FILE_MODE, readIfThere, removeDurably, writeDurably } from '../host/files.ts';
import { type Announced, hasFields, parseObject } from './journal-format.ts';

/** A power cut costs at most so many bytes of a download. */
export const SYNC_EVERY_BYTES = 8 * 1024 * 1024;

/** What NAME.part.json says. */
export interface PartNote extends Announced {
  /** So many bytes have reached the disk. */
  synced_bytes: number;
  /** In the boot that wrote it, all bytes of the file are good; after another, only those that were synced. */
  boot: string;
  /** Assembled from more than one answer. */
  pieced: boolean;
}

export interface Fetch {
  folder: string;
  /** Name of the content. */
  id: string;
  announced: Announced;
  boot: string;
  download(id: string, from_byte: number, signal: AbortSignal): Promise<Download>;
  signal: AbortSignal;
}

/** Where the part of `id` lies. */
export const partPath = (folder: string, id: string): string => join(folder, `${id}.part`);
const notePath = (folder: string, id: string): string => join(folder, `${id}.part.json`);

/** How many bytes of a part may be kept: those that belong to the announced content, and are surely there. Pure. */
export function keepableBytes(
  note: PartNote | undefined,
  file_bytes: number,
  announced: Announced,
  boot: string,
): number {
  if (
    note === undefined ||
    note.size_bytes !== announced.size_bytes ||
    note.updated_s !== announced.updated_s
  )
    return 0;
  if (note.sha256 !== announced.sha256 || file_bytes > announced.size_bytes) return 0;
  const isSameBoot = note.boot === boot && boot !== 'unknown';
  return isSameBoot ? file_bytes : Math.min(file_bytes, note.synced_bytes);
}

/** What is known of the part of `id`, if there is one. */
export function readPartNote(folder: string, id: string): PartNote | undefined {
  const note = parseObject(readIfThere(notePath(folder, id)) ?? '');
  return isPartNote(note) ? note : undefined;
}

function isPartNote(value: unknown): value is PartNote {
  return hasFields(value, {
    size_bytes: 'number',
    updated_s: 'number',
    sha256: 'string?',
    synced_bytes: 'number',
    boot: 'string',
    pieced: 'boolean',
  });
}

/** Bytes of the part that are there now, for progress. */
export function partBytes(folder: string, id: string): number {
  return statSync(partPath(folder, id), { throwIfNoEntry: false })?.size ?? 0;
}

/** Throws a part away. */
export function dropPart(folder: string, id: string): void {
  removeDurably(notePath(folder, id));
  removeDurably(partPath(folder, id));
}

/**
 * Brings the part to its announced length; its last bytes are synced by `syncPart`. Returns `changed` when the Content Area sends another number of bytes
 * than it announced. Raises the client's errors (the part stays as far as it got) and what the disk raises.
 */
export async function fetchPart(fetch: Fetch): Promise<'complete' | 'changed'> {
  const { folder, id, announced } = fetch;
  makeFolder(folder);
  const file = openSync(partPath(folder, id), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const note = readPartNote(folder, id);
    const kept_bytes = keepableBytes(note, fstatSync(file).size, announced, fetch.boot);
    const pieced = kept_bytes > 0 && (note?.pieced === true || kept_bytes < announced.size_bytes);
    const part = new Part(file, fetch, kept_bytes, pieced);
    if (kept_bytes === announced.size_bytes && note?.synced_bytes === kept_bytes) return 'complete';
    part.begin(kept_bytes);
    if (kept_bytes === announced.size_bytes) return 'complete';
    return await receive(part, fetch, kept_bytes);
  } finally {
    closeSync(file);
  }
}

/**
 * Has the part of `id`, which is complete, reach the disk, and notes that. The disk is waited for by another thread: what is
 * unpacked meanwhile costs no time. Raises what the disk raises.
 */
export async function syncPart(folder: string, id: string): Promise<void> {
  const note = readPartNote(folder, id);
  if (note === undefined || note.synced_bytes === note.size_bytes) return;
  const file = openSync(partPath(folder, id), constants.O_RDWR);
  try {
    await new Promise<void>((resolve, reject) =>
      fdatasync(file, (error) => (error === null ? resolve() : reject(error))),
    );
  } finally {
    closeSync(file);
  }
  writeDurably(notePath(folder, id), JSON.stringify({ ...note, synced_bytes: note.size_bytes }));
}

async function receive(part: Part, fetch: Fetch, kept_bytes: number): Promise<'complete' | 'changed'> {
  const answer = await begun(fetch, kept_bytes);
  if (answer === 'changed') return 'changed';
  try {
    if (answer.from_byte !== kept_bytes) part.begin(answer.from_byte);
    for await (const chunk of answer.body) {
      if (!Buffer.isBuffer(chunk)) continue;
      if (part.done_bytes + chunk.length > fetch.announced.size_bytes) return 'changed';
      part.add(chunk);
    }
  } finally {
    answer.body.destroy();
    if (part.done_bytes !== fetch.announced.size_bytes) part.sync();
  }
  if (part.done_bytes === fetch.announced.size_bytes) return 'complete';
  throw new GweError(
    'offline',
    `Cannot download ${fetch.id}: it ended after ${part.done_bytes} of ${fetch.announced.size_bytes} bytes`,
  );
}

async function begun(fetch: Fetch, from_byte: number): Promise<Download | 'changed'> {
  try {
    const answer = await fetch.download(fetch.id, from_byte, fetch.signal);
    const { total_bytes } = answer;
    if (total_bytes === undefined || total_bytes === fetch.announced.size_bytes) return answer;
    answer.body.destroy();
    return 'changed';
  } catch (error) {
    if (asGweError(error).code === 'range') return 'changed';
    throw error;
  }
}

/** The part that is being written: bytes at its end, a durable note of how far they go. */
class Part {
  done_bytes: number;
  readonly #file: number;
  readonly #fetch: Fetch;
  #synced_bytes = -1;
  #pieced: boolean;

  constructor(file: number, fetch: Fetch, done_bytes: number, pieced: boolean) {
    this.#file = file;
    this.#fetch = fetch;
    this.done_bytes = done_bytes;
    this.#pieced = pieced;
  }

  /** Keeps the first `from_byte` bytes, and says whose they are before any other comes. */
  begin(from_byte: number): void {
    ftruncateSync(this.#file, from_byte);
    this.done_bytes = from_byte;
    this.#pieced = this.#pieced && from_byte > 0;
    this.#synced_bytes = -1;
    const { folder, id } = this.#fetch;
    // Where nothing lay before there is nothing that a lost note could be mistaken for: the bytes begin at once.
    if (from_byte > 0 || existsSync(notePath(folder, id))) this.sync();
    else {
      writeFileSync(notePath(folder, id), this.#note(0), { mode: PRIVATE_FILE_MODE });
      this.#synced_bytes = 0;
    }
  }

  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(this.#file, chunk, at, chunk.length - at, this.done_bytes + at);
    }
    this.done_bytes += chunk.length;
    if (this.done_bytes - this.#synced_bytes >= SYNC_EVERY_BYTES) this.sync();
  }

  sync(): void {
    if (this.done_bytes === this.#synced_bytes) return;
    fdatasyncSync(this.#file);
    const { folder, id } = this.#fetch;
    writeDurably(notePath(folder, id), this.#note(this.done_bytes));
    this.#synced_bytes = this.done_bytes;
  }

  #note(synced_bytes: number): string {
    const { announced, boot } = this.#fetch;
    const note: PartNote = { ...announced, synced_bytes, boot, pieced: this.#pieced };
    return JSON.stringify(note);
  }
}
