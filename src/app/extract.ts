/**
 * Unpacking an application tarball: the pass of pass.ts with a writer. Every entry has been judged before it gets here;
 * the flags with which files are made are a second line of defence, not the first.
 *
 * What is written: files with their permissions and times, folders, links. Owner is whoever runs gwe; set-uid, set-gid
 * and sticky bits, attributes and access lists are not taken over; a folder is always open to its owner.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { GweError, systemCode } from '../errors.ts';
import type { TarballLimits } from './checks.ts';
import type { Admitted } from './entry-rules.ts';
import type { Writer } from './judge.ts';
import type { TarballName } from './name.ts';
import { passTarball, type TarballFacts, type TarballSource } from './pass.ts';

/** Never an existing file, never through a link. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const OWNER_ALL = 0o700;
/** Of a folder that no entry names. */
const FOLDER_MODE = 0o755;

/**
 * Checks the tarball and unpacks it into the empty folder `into`, in one pass. Raises `check` as `inspectTarball` does,
 * `io` when the folder is not empty, and what node:fs raises (a full disk). After a failure, what was unpacked so far
 * lies in the folder: the caller removes it. Nothing is synced: call `syncTree` (src/host) before relying on it.
 */
export async function extractTarball(
  source: TarballSource,
  name: TarballName,
  limits: TarballLimits,
  into: string,
  announced_bytes?: number,
): Promise<TarballFacts> {
  if (readdirSync(into).length > 0)
    throw new GweError('io', `Cannot unpack into ${into}: the folder is not empty`);
  return await passTarball(source, { name, limits, announced_bytes, writer: new FolderWriter(into) });
}

/** Writes synchronously: for small files that is several times faster, and inflating goes on in another thread. */
class FolderWriter implements Writer {
  readonly #into: string;
  readonly #umask = process.umask();
  #file: number | undefined;
  #mtime_s = 0;

  constructor(into: string) {
    this.#into = into;
  }

  begin(entry: Admitted): void {
    for (const folder of entry.missingFolders) this.#folder(folder, FOLDER_MODE);
    // Both are plain already: join() would only take time.
    const path = `${this.#into}/${entry.path}`;
    if (entry.kind === 'file') this.#begin(path, entry);
    else if (entry.kind === 'folder') this.#folder(entry.path, entry.mode);
    else if (entry.kind === 'symlink') symlinkSync(entry.target, path);
    else linkSync(`${this.#into}/${entry.target}`, path);
  }

  data(bytes: Buffer): void {
    if (this.#file === undefined) return;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
  }

  close(): void {
    if (this.#file === undefined) return;
    futimesSync(this.#file, this.#mtime_s, this.#mtime_s);
    this.done();
  }

  done(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #begin(path: string, entry: Admitted): void {
    this.#file = openSync(path, NEW_FILE, entry.mode);
    this.#mtime_s = entry.mtime_s;
    if (entry.mode & this.#umask) fchmodSync(this.#file, entry.mode);
  }

  #folder(folder: string, mode: number): void {
    const path = `${this.#into}/${folder}`;
    const wanted = mode | OWNER_ALL;
    if (folder === '') return;
    try {
      mkdirSync(path, wanted);
      if (wanted & this.#umask) chmodSync(path, wanted);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      chmodSync(path, wanted);
    }
  }
}
