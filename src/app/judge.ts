/**
 * The tar side of the pass: counts against the limits, judges each entry, keeps what the rules of the files at the top
 * need, and hands on what may be written. After a failure it only goes on counting.
 */
import { failed, type TarballLimits } from './checks.ts';
import { type Admitted, admit, nothingSeen } from './entry-rules.ts';
import type { TarEntry } from './tar-header.ts';
import { type TarHandler, TarReader } from './tar-reader.ts';
import { judgeTopFiles, keptBytes, type TopFacts, type TopFiles } from './top-files.ts';

/** Headers, extended headers and padding may add so much to each entry of the tar archive, and to its end. */
const OVERHEAD_PER_ENTRY_BYTES = 4096;
const OVERHEAD_AT_END_BYTES = 1024 * 1024;
/** Of paths that explain a missing install.sh. */
const STRAYS_MAX = 3;

/** Whoever writes what was admitted: for each entry `begin`, the contents of a file by `data`, then `close`. */
export interface Writer {
  begin(entry: Admitted): void;
  data(bytes: Buffer): void;
  close(): void;
  /** Called once, when the pass ends for whatever reason. */
  done(): void;
}

export interface JudgedFacts extends TopFacts {
  unpacked_bytes: number;
  entries: number;
}

export class Judge implements TarHandler {
  readonly #limits: TarballLimits;
  readonly #stream_max_bytes: number;
  readonly #reader = new TarReader(this);
  readonly #seen = nothingSeen();
  readonly #topFiles: TopFiles = new Map();
  readonly #strays: string[] = [];
  #writer: Writer | undefined;
  #stream_bytes = 0;
  #unpacked_bytes = 0;
  #entries = 0;
  #keep: { path: string; left_bytes: number } | undefined;
  #failure: unknown;
  #canRead = true;

  constructor(limits: TarballLimits, writer: Writer | undefined) {
    this.#limits = limits;
    this.#writer = writer;
    this.#stream_max_bytes =
      limits.maxUnpacked_bytes + limits.maxEntries * OVERHEAD_PER_ENTRY_BYTES + OVERHEAD_AT_END_BYTES;
  }

  /** Takes the next bytes of the tar archive. Raises `check`, and what the writer raises. */
  push(block: Buffer): void {
    this.#stream_bytes += block.length;
    if (this.#stream_bytes > this.#stream_max_bytes) throw this.#tooLarge('unpacks to more than allowed');
    if (!this.#canRead) return;
    try {
      this.#reader.push(block);
    } catch (error) {
      this.#canRead = false;
      throw error;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Judges what is only known at the end. Raises `check`. */
  end(): JudgedFacts {
    if (this.#canRead) this.#reader.end();
    const top = judgeTopFiles(this.#topFiles, this.#strays);
    return { unpacked_bytes: this.#unpacked_bytes, entries: this.#entries, ...top };
  }

  entry(entry: TarEntry): void {
    this.#count(entry);
    this.#keep = undefined;
    if (this.#failure !== undefined) return;
    try {
      this.#admitted(admit(entry, this.#seen));
    } catch (error) {
      // Noted, not thrown: the archive is read on, since it may also be damaged, which is told first.
      this.#failure = error;
      this.#writer = undefined;
    }
  }

  data(bytes: Buffer): void {
    this.#writer?.data(bytes);
    if (this.#keep === undefined || this.#keep.left_bytes === 0) return;
    const { path, left_bytes } = this.#keep;
    const file = this.#topFiles.get(path);
    if (file !== undefined) file.head = Buffer.concat([file.head, bytes.subarray(0, left_bytes)]);
    this.#keep.left_bytes = Math.max(0, left_bytes - bytes.length);
  }

  close(): void {
    this.#writer?.close();
  }

  #count(entry: TarEntry): void {
    this.#entries += 1;
    this.#unpacked_bytes += entry.size_bytes;
    const { maxEntries, maxUnpacked_bytes } = this.#limits;
    if (this.#entries > maxEntries) throw failed('limits', `it has more than ${maxEntries} entries`);
    if (this.#unpacked_bytes > maxUnpacked_bytes)
      throw this.#tooLarge('has files of more bytes than allowed');
  }

  #admitted(entry: Admitted): void {
    const kept_bytes = keptBytes(entry.path);
    if (kept_bytes > 0) {
      this.#topFiles.set(entry.path, { entry, head: Buffer.alloc(0) });
      this.#keep = { path: entry.path, left_bytes: kept_bytes };
    } else if (entry.path === 'setup.py' || entry.path.endsWith('/install.sh')) {
      if (this.#strays.length < STRAYS_MAX) this.#strays.push(entry.path);
    }
    this.#writer?.begin(entry);
  }

  #tooLarge(what: string) {
    return failed('limits', `it ${what}: at most ${this.#limits.maxUnpacked_bytes} bytes`);
  }
}
