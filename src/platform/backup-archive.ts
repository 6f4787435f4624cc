/** The archive of a backup: its list, its check, and the way back into a folder. How it is made is in backup.ts. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { GweError } from '../errors.ts';
import { makeFolder, PRIVATE_FILE_MODE, syncFolder } from '../host/files.ts';
import { syncTree } from '../host/sync-tree.ts';
import { asObject, parseObject } from './reported.ts';
import { checkDatabase, DATABASE } from './sqlite-schema.ts';

export const MANIFEST = 'manifest.json';
const OUR_ENTRY = /^(manifest\.json|platform\.db|content\/[0-9a-f]{64})$/;
const MANIFEST_MAX_BYTES = 64 * 1024 ** 2;

/** What a backup holds. */
export interface Manifest {
  format: 1;
  database: Part;
  content: Part[];
}

interface Part {
  sha256: string;
  size_bytes: number;
}

/** Reads the archive through. Raises `check` when anything is missing, changed, or not ours. */
export async function checkArchive(file: string): Promise<Manifest> {
  const found = new Map<string, Part>();
  let manifest = '';
  const { list } = await import('tar');
  await list({
    file,
    strict: true,
    onReadEntry(entry) {
      const hash = createHash('sha256');
      const isManifest = entry.path === MANIFEST && entry.size <= MANIFEST_MAX_BYTES;
      entry.on('data', (chunk) => {
        hash.update(chunk);
        if (isManifest) manifest += chunk.toString('utf8');
      });
      entry.on('end', () => {
        const isOurs = entry.type === 'File' && OUR_ENTRY.test(entry.path) && !found.has(entry.path);
        found.set(isOurs ? entry.path : 'stranger', { sha256: hash.digest('hex'), size_bytes: entry.size });
      });
    },
  }).catch((error: unknown) => {
    throw damaged(file, error instanceof Error ? error.message : String(error));
  });
  const listed = readManifest(manifest);
  if (listed === undefined) throw damaged(file, 'its list cannot be read');
  const expected = new Map([
    [DATABASE, listed.database] as const,
    ...listed.content.map((part) => [`content/${part.sha256}`, part] as const),
  ]);
  found.delete(MANIFEST);
  for (const [path, { sha256 }] of expected) {
    if (found.get(path)?.sha256 !== sha256) throw damaged(file, `${path} is missing or damaged`);
  }
  if (found.size !== expected.size) throw damaged(file, 'it holds what is not in its list');
  return listed;
}

/**
 * Puts a backup into `dataFolder`, which must be empty or missing. Everything is checked before the folder has its name.
 * Raises `conflict`, `check`, `layout` (made by a newer gwe), `io`.
 */
export async function restore(file: string, dataFolder: string): Promise<Manifest> {
  const folder = resolve(dataFolder);
  if (!existsSync(file)) throw new GweError('not-found', `Cannot restore ${file}: it is missing`);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new GweError('conflict', `Cannot restore into ${dataFolder}: it is not empty`, {
      hint: 'Give a new folder; move the old one away first if it is to have that name.',
    });
  }
  const manifest = await checkArchive(file);
  makeFolder(dirname(folder));
  const work = mkdtempSync(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const { extract } = await import('tar');
    await extract({ file, cwd: work, strict: true, filter: (path) => OUR_ENTRY.test(path) });
    rmSync(join(work, MANIFEST));
    makeFolder(join(work, 'content'));
    chmodSync(join(work, DATABASE), PRIVATE_FILE_MODE);
    checkDatabase(join(work, DATABASE));
    syncTree(work);
    if (existsSync(folder)) rmSync(folder, { recursive: true });
    renameSync(work, folder);
    syncFolder(dirname(folder));
    return manifest;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function damaged(file: string, why: string): GweError {
  return new GweError('check', `Cannot use ${file}: ${why}`, {
    hint: 'It is no whole backup of a platform: take another copy.',
  });
}

function readManifest(text: string): Manifest | undefined {
  const { format, database, content } = parseObject(text);
  const parts = [database, ...(Array.isArray(content) ? content : [undefined])].map(readPart);
  const whole = parts.flatMap((part) => part ?? []);
  const [first, ...others] = whole;
  if (format !== 1 || first === undefined || whole.length < parts.length) return undefined;
  return { format, database: first, content: others };
}

function readPart(value: unknown): Part | undefined {
  const { sha256, size_bytes } = asObject(value);
  return typeof sha256 === 'string' && typeof size_bytes === 'number' ? { sha256, size_bytes } : undefined;
}
