/**
 * Packing files into a tarball reproducibly: entries in one order, one age, one owner, two modes, and a gzip header that
 * tells neither time nor system. For `--build-app` and for gwe's own build.
 */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GweError } from '../errors.ts';
import { DEFAULT_LIMITS, failed, type TarballLimits } from './checks.ts';
import { byBytes } from './collect.ts';
import { inspectTarball } from './inspect.ts';
import { parseTarballName } from './name.ts';
import type { TarballFacts } from './pass.ts';
import { END_OF_ARCHIVE, headerOf, type PackedEntry, paddingOf } from './tar-writer.ts';

const READ_BYTES = 64 * 1024;
const GZIP_LEVEL = 9;
/** Where a gzip header names the system it was made on, and the value for "unknown" (RFC 1952). */
const GZIP_SYSTEM_OFFSET = 9;
const GZIP_SYSTEM_UNKNOWN = 255;

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
  try {
    await write(root, withFolders(files), beside, gzipLevel);
    const source = createReadStream(beside);
    const facts = await inspectTarball(source, name, limits).finally(() => source.destroy());
    renameSync(beside, to);
    return facts;
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

async function write(root: string, paths: readonly string[], to: string, level: number): Promise<void> {
  const { createGzip } = await import('node:zlib');
  const gzip = createGzip({ level });
  await pipeline(
    Readable.from(archive(root, paths)),
    gzip,
    withoutSystem(),
    createWriteStream(to, { flush: true }),
  );
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

function* archive(root: string, paths: readonly string[]): Generator<Buffer> {
  for (const path of paths) {
    const entry = entryOf(root, path);
    yield headerOf(entry);
    if (entry.size_bytes === 0) continue;
    yield* contentsOf(join(root, path), entry.size_bytes);
    yield paddingOf(entry.size_bytes);
  }
  yield END_OF_ARCHIVE;
}

function entryOf(root: string, path: string): PackedEntry {
  const full = join(root, path);
  const stat = lstatSync(full);
  const plain = { path, size_bytes: 0, target: '' };
  if (stat.isDirectory()) return { ...plain, kind: 'folder' };
  if (stat.isSymbolicLink()) return { ...plain, kind: 'symlink', target: readlinkSync(full) };
  if (stat.isFile()) return { ...plain, kind: stat.mode & 0o111 ? 'program' : 'file', size_bytes: stat.size };
  throw failed('type', 'is neither a file nor a folder nor a link', path);
}

/** Always in pieces of the same sizes: what gzip makes of them may hang on where they are cut. */
function* contentsOf(path: string, size_bytes: number): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size !== size_bytes) throw changed(path);
    for (let left = size_bytes; left > 0; ) {
      const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, left));
      for (let got = 0; got < piece.length; ) {
        const more = readSync(file, piece, got, piece.length - got, null);
        if (more === 0) throw changed(path);
        got += more;
      }
      left -= piece.length;
      yield piece;
    }
  } finally {
    closeSync(file);
  }
}

function changed(path: string) {
  return new GweError('io', `Cannot pack ${path}: it changed while it was read`);
}

function withoutSystem(): Transform {
  let isFirst = true;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isFirst && chunk.length > GZIP_SYSTEM_OFFSET) chunk[GZIP_SYSTEM_OFFSET] = GZIP_SYSTEM_UNKNOWN;
      isFirst = false;
      done(null, chunk);
    },
  });
}
