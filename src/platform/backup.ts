/**
 * A backup of the platform as one tar archive, made while it runs: a snapshot of the database, the bytes of the Content Area
 * by their digests, and a list of both with their SHA-256. It has its name only after it was read back and found whole.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GweError } from '../errors.ts';
import { makeFolder, PRIVATE_FILE_MODE, syncFolder, writeDurably } from '../host/files.ts';
import { checkArchive, MANIFEST, type Manifest } from './backup-archive.ts';
import { DATABASE, digestsIn } from './sqlite-schema.ts';

/** How often content may be removed under our hands before the backup is given up. */
const SNAPSHOTS_MAX = 3;
/** All pages in one step: a snapshot of one instant, which no write can make begin anew. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Writes the backup of `dataFolder` to `file`; with `isDatabaseOnly` without content, which lies elsewhere then. Raises
 * `not-found` (no platform there), `conflict` (file exists), `check`, `io`.
 */
export async function backUp(dataFolder: string, file: string, isDatabaseOnly = false): Promise<Manifest> {
  if (!existsSync(join(dataFolder, DATABASE))) {
    throw new GweError('not-found', `Cannot back up ${dataFolder}: no platform keeps its data there`);
  }
  if (existsSync(file)) throw new GweError('conflict', `Cannot write ${file}: it exists`);
  // Beside the content, so that its bytes need only another name and no copy.
  const work = mkdtempSync(join(resolve(dataFolder), 'backup-'));
  const part = `${resolve(file)}.part`;
  try {
    const digests = await snapshot(dataFolder, work, isDatabaseOnly);
    const manifest: Manifest = { format: 1, database: await entryOf(join(work, DATABASE)), content: [] };
    for (const sha256 of digests) {
      const { size_bytes } = await entryOf(join(work, 'content', sha256), sha256);
      manifest.content.push({ sha256, size_bytes });
    }
    writeDurably(join(work, MANIFEST), JSON.stringify(manifest));
    const { create } = await import('tar');
    const entries = [MANIFEST, DATABASE, ...digests.map((sha256) => `content/${sha256}`)];
    await create({ file: part, cwd: work, portable: true, mode: PRIVATE_FILE_MODE }, entries);
    await checkArchive(part);
    renameSync(part, file);
    syncFolder(dirname(resolve(file)));
    return manifest;
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(part, { force: true });
  }
}

/** The database of one instant, and the content that it names. Returns the digests. */
async function snapshot(dataFolder: string, work: string, isDatabaseOnly: boolean): Promise<string[]> {
  const { backup, DatabaseSync } = await import('node:sqlite');
  makeFolder(join(work, 'content'));
  for (let attempt = 1; ; attempt += 1) {
    const source = new DatabaseSync(join(dataFolder, DATABASE), { readOnly: true });
    try {
      await backup(source, join(work, DATABASE), { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    if (isDatabaseOnly) return [];
    const digests = digestsIn(join(work, DATABASE));
    const missing = digests.filter((sha256) => !linked(dataFolder, work, sha256));
    if (missing.length === 0) return digests;
    if (attempt === SNAPSHOTS_MAX) {
      throw new GweError('io', `Cannot back up ${dataFolder}: content ${missing[0]} is missing`, {
        hint: 'Is somebody removing content just now? Does it lie in S3: then --database-only. Else it was lost: upload it again.',
      });
    }
    rmSync(join(work, DATABASE));
  }
}

function linked(dataFolder: string, work: string, sha256: string): boolean {
  const to = join(work, 'content', sha256);
  if (existsSync(to)) return true;
  const from = join(dataFolder, 'content', sha256);
  if (!existsSync(from)) return false;
  linkSync(from, to);
  return true;
}

/** Size and digest of a file. Raises `check` when the digest is not `expected`. */
async function entryOf(path: string, expected?: string): Promise<{ sha256: string; size_bytes: number }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const sha256 = hash.digest('hex');
  if (expected !== undefined && sha256 !== expected) {
    throw new GweError('check', `Cannot back up content ${expected}: its bytes have changed on the disk`, {
      hint: 'Upload it again: the disk may be failing.',
    });
  }
  return { sha256, size_bytes: statSync(path).size };
}
