/**
 * The one pass over the bytes of an application tarball that `--check-tarball`, `--build-app`, the upload to the
 * platform and the gateway share: count, hash, inflate, take apart, judge each entry, and hand it to a writer if
 * there is one. Memory does not grow with the tarball.
 */
import type { Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CheckFailure, failed, firstOf, type TarballLimits } from './checks.ts';
import { GzipMember } from './gzip.ts';
import { Judge, type Writer } from './judge.ts';
import type { TarballName } from './name.ts';

/** Bytes as they come: a stream, or pieces each of which stays as it is until the one after the next is asked for. */
export type TarballSource = Readable | AsyncIterable<Buffer>;

/** What is known of a tarball that kept every check. */
export interface TarballFacts {
  name: TarballName;
  /** Of the tarball as it was uploaded, in hex. */
  sha256: string;
  size_bytes: number;
  /** Sum of the sizes of its files. */
  unpacked_bytes: number;
  /** Files, folders and links. */
  entries: number;
  hasSupervisorConf: boolean;
  hasHealth: boolean;
  hasUninstall: boolean;
  /** The options of supervisor.conf's [supervisord]. */
  supervisorConf?: Map<string, string>;
}

export interface PassOptions {
  name: TarballName;
  limits: TarballLimits;
  /** Its length as the Content Area announced it, where that is known. */
  announced_bytes: number | undefined;
  writer?: Writer;
}

/**
 * Reads `source` to its end and returns what it is. Raises `check` for the first check of the table that fails: some
 * are only known at the end, so after a failing entry it reads on (writing nothing more) unless a limit is passed.
 * Errors of the source and of the writer are passed on as they are. The source is left to the caller, also on failure.
 */
export async function passTarball(source: TarballSource, options: PassOptions): Promise<TarballFacts> {
  const [zlib, crypto] = await Promise.all([import('node:zlib'), import('node:crypto')]);
  const meter = new Meter(crypto.createHash('sha256'), options);
  const gzip = new GzipMember(zlib);
  const judge = new Judge(options.limits, options.writer);
  const failures = new Failures();
  try {
    await Promise.all([feed(source, meter, gzip, failures), consume(gzip, judge, failures)]);
    failures.attempt(() => meter.verify());
    failures.attempt(() => gzip.verify());
    const facts = failures.attempt(() => judge.end());
    if (facts === undefined || failures.first !== undefined) throw failures.first;
    return { name: options.name, ...meter.facts(), ...facts };
  } finally {
    failures.isStopped = true;
    gzip.close();
    options.writer?.done();
  }
}

async function feed(
  source: TarballSource,
  meter: Meter,
  gzip: GzipMember,
  failures: Failures,
): Promise<void> {
  const chunks = source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source;
  for await (const chunk of chunks) {
    if (failures.isStopped) return;
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    meter.add(bytes);
    if (failures.first?.check !== 'gzip') await failures.attemptAsync(() => gzip.feed(bytes));
  }
  gzip.end();
}

async function consume(gzip: GzipMember, judge: Judge, failures: Failures): Promise<void> {
  await failures.attemptAsync(async () => {
    for await (const block of gzip.blocks()) failures.attempt(() => judge.push(block));
  });
}

/** The failures of a pass so far; the first by the table's order is the one that counts. */
class Failures {
  first: CheckFailure | undefined;
  isStopped = false;

  attempt<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      return this.#note(error);
    }
  }

  async attemptAsync(act: () => Promise<void>): Promise<void> {
    await act().catch((error: unknown) => this.#note(error));
  }

  /** Keeps a failed check; a passed limit, and whatever is no check, ends the pass at once. */
  #note(error: unknown): undefined {
    if (!(error instanceof CheckFailure)) throw error;
    this.first = firstOf(this.first, error);
    if (error.check === 'limits') throw this.first;
  }
}

/** Counts and hashes the tarball itself. */
class Meter {
  readonly #sha256: Hash;
  readonly #announced_bytes: number | undefined;
  readonly #max_bytes: number;
  #size_bytes = 0;

  constructor(sha256: Hash, { limits, announced_bytes }: PassOptions) {
    this.#sha256 = sha256;
    this.#announced_bytes = announced_bytes;
    this.#max_bytes = limits.maxTarball_bytes;
    if (announced_bytes !== undefined && announced_bytes > this.#max_bytes)
      throw this.#tooLarge(announced_bytes);
  }

  /** Raises `check` as soon as there are more bytes than announced or allowed. */
  add(bytes: Buffer): void {
    this.#size_bytes += bytes.length;
    if (this.#announced_bytes !== undefined && this.#size_bytes > this.#announced_bytes) {
      throw failed('length', `it is longer than the ${this.#announced_bytes} bytes that were announced`);
    }
    if (this.#size_bytes > this.#max_bytes) throw this.#tooLarge(this.#size_bytes);
    this.#sha256.update(bytes);
  }

  verify(): void {
    if (this.#announced_bytes === undefined || this.#announced_bytes === this.#size_bytes) return;
    throw failed('length', `it has ${this.#size_bytes} bytes, but ${this.#announced_bytes} were announced`);
  }

  facts() {
    return { sha256: this.#sha256.digest('hex'), size_bytes: this.#size_bytes };
  }

  #tooLarge(size_bytes: number) {
    return failed('limits', `it has ${size_bytes} bytes or more: at most ${this.#max_bytes} are allowed`);
  }
}
