/**
 * Packing files into a tarball reproducibly: node-tar writes it, and is told to put entries in one order, of one age, one
 * owner and two modes, under a gzip header that tells neither time nor system. For `--build-app` and for gwe's own build.
 */
import { constants, createWriteStream, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GweError, systemCode } from '../errors.ts';
import { DEFAULT_LIMITS, failed, type TarballLimits } from './checks.ts';
import { byBytes } from './collect.ts';
import { piecesOf } from './file-source.ts';
import { inspectTarball } from './inspect.ts';
import { parseTarballName } from './name.ts';
import type { TarballFacts } from './pass.ts';

const READ_BYTES = 64 * 1024;
const GZIP_LEVEL = 9;
/** Every entry is as old as this: 1980-01-01, which no program complains of (1970 looks like a lost clock). */
const MTIME = new Date('1980-01-01T00:00:00Z');

export interface Packing {
  root: string;
  /** Relative to `root`; folders above them are added. A folder stands for itself alone. */
  files: readonly string[];
  /** Path of the tarball, ending in APP.vVERSION.tar.gz; one that is there is replaced once the new one is whole. */
  to: string;
  limits?: TarballLimits;
  /** 1 … 9; the default takes the fewest bytes. */
  gzipLevel?: number;
}

/**
 * Writes the tarball, checks it by all rules of the gateway, and only then gives it its name. Raises `check` when it
 * breaks one of them, and what node:fs raises; then nothing is left behind.
 */
export async function packTarball({
  root,
  files,
  to,
  limits = DEFAULT_LIMITS,
  gzipLevel = GZIP_LEVEL,
}: Packing): Promise<TarballFacts> {
  const name = parseTarballName(basename(to));
  const beside = join(dirname(to), `.${name.file}.${process.pid}.new`);
  const remove = () => rmSync(beside, { force: true });
  // Ctrl-C leaves nothing behind either.
  process.once('exit', remove);
  try {
    await write(root, withFolders(files), beside, gzipLevel);
    const facts = await inspectTarball(piecesOf(beside), name, limits);
    renameSync(beside, to);
    return facts;
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off('exit', remove);
  }
}

async function write(root: string, paths: readonly string[], to: string, level: number): Promise<void> {
  const { Pack } = await import('tar/pack');
  const stats = new Map(paths.map((path) => [join(root, path), plainStat(root, path)]));
  const pack = new Pack({
    cwd: root,
    // Neither names nor numbers of owners, and no system in the gzip header.
    portable: true,
    gzip: { level },
    mtime: MTIME,
    // Folders too get their time: tar would leave it out, and GNU tar complains of 1970.
    onWriteEntry: (entry) => {
      entry.noMtime = false;
    },
    statCache: stats,
    noDirRecurse: true,
    // Paths are relative already; what looks like a drive of Windows is a name here.
    preservePaths: true,
    maxReadSize: READ_BYTES,
  });
  for (const path of paths) pack.add(path);
  pack.end();
  await pipeline(Readable.from(pack), createWriteStream(to, { flush: true })).catch((error: unknown) => {
    throw systemCode(error) === 'EOF' && error instanceof Error && 'path' in error
      ? changed(error.path)
      : error;
  });
  for (const [path, { size, mtimeMs }] of stats) {
    const now = lstatSync(path);
    if (now.isFile() && (now.size !== size || now.mtimeMs !== mtimeMs)) throw changed(path);
  }
}

/** All folders above the files, and the files, each once and in order. */
function withFolders(files: readonly string[]): string[] {
  const paths = new Set(files);
  for (const file of files) {
    for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1))
      paths.add(file.slice(0, end));
  }
  return [...paths].sort(byBytes);
}

/** What there is to know of a file, less all that hangs on who packs it, and when: one of two modes, no other name. */
function plainStat(root: string, path: string): Stats {
  const stat = lstatSync(join(root, path));
  const isOpen = stat.isDirectory() || stat.isSymbolicLink() || (stat.mode & 0o111) !== 0;
  if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink())
    throw failed('type', 'is neither a file nor a folder nor a link', path);
  stat.mode = (stat.mode & constants.S_IFMT) | (isOpen ? 0o755 : 0o644);
  stat.nlink = 1;
  return stat;
}

function changed(path: unknown) {
  return new GweError('io', `Cannot pack ${path}: it changed while it was packed`);
}
