/** An embedded platform's folder brought to the engines of a larger one, for `gwe platform migrate`; the folder stays as it is. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { releaseLock } from '../host/lock.ts';

import type { Log } from '../host/log.ts';
import { type MovedContent, migrateContent } from './content-migrate.ts';
import { openContent } from './content-open.ts';
import { contentIn } from './content-store.ts';
import { takeFolder } from './folder-lock.ts';
import { openPool } from './postgres-client.ts';
import { migrateDatabase } from './postgres-schema.ts';
import { DATABASE, digestsIn, openReader } from './sqlite-schema.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { type MovedStore, migrateStore } from './store-migrate.ts';

export interface ContentMove {
  /** Data folder of the embedded platform; it may be running. */
  from: string;
  /** `s3://BUCKET?endpoint=…`. */
  content: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
}

/**
 * Brings the content of a folder to another place. Raises `not-found` (no platform there), what opening the place raises, and
 * what migrateContent raises; then it can be repeated.
 */
export async function moveContent({ from, ...place }: ContentMove): Promise<MovedContent> {
  requirePlatform(from);
  const digests = new Set(digestsIn(join(from, DATABASE)));
  const work = mkdtempSync(join(from, 'backup-'));
  try {
    // Nothing is there yet that could be missed, and nothing is removed.
    const names = { digestIsUsed: async () => true, digests: async () => new Set<string>() };
    const to = await openContent({ ...place, dataFolder: work }, names);
    try {
      return await migrateContent(contentIn(join(from, 'content')), to, digests);
    } finally {
      await to.close();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A standby may be far behind all that was written. */
const COMMIT_MAX_MS = 1_800_000;

export interface StoreMove {
  /** Data folder of the embedded platform, which may not be running. */
  from: string;
  /** `postgres://USER@HOST/DATABASE`. */
  store: string;
  clock: Clock;
  /** Aborted when it is to be ended; nothing was changed then. */
  signal: AbortSignal;
  onProgress: (kind: string, step: 'sent' | 'read back', rows: number) => void;
}

/**
 * Brings the database of a folder to PostgreSQL. Raises `not-found` (no platform there), `locked` (it runs), what opening
 * either raises, and what migrateStore raises; then it can be repeated.
 */
export async function moveStore({ from, store, clock, signal, onProgress }: StoreMove): Promise<MovedStore> {
  const file = join(from, DATABASE);
  requirePlatform(from);
  const lock = join(from, 'lock');
  takeFolder(lock, (holder) => ({
    message: `Cannot migrate ${from}: a platform (process ${holder}) has it`,
    hint: 'End it first: what is written after its database was read would be lost.',
  }));
  try {
    // As a start and an end of the platform: what an older gwe or a crash left is put in order.
    await openSqliteStore(file, clock).close();
    const source = openReader(file);
    const to = openPool(store, () => {}, COMMIT_MAX_MS);
    try {
      await to.transaction((session) => migrateDatabase(session));
      const check = () => {
        if (signal.aborted) throw new GweError('stopped', 'Cannot go on migrating: it was told to end');
      };
      return await migrateStore({ from: source, to, now_ms: clock.now(), onProgress, check });
    } finally {
      await to.close();
      source.close();
    }
  } finally {
    releaseLock(lock);
  }
}

function requirePlatform(folder: string): void {
  if (existsSync(join(folder, DATABASE))) return;
  throw new GweError(
    'not-found',
    `Cannot migrate ${folder}: no platform keeps its data there (${DATABASE} is missing)`,
    {
      hint: 'Name the folder that the platform was started with: --from DIR is its --data DIR.',
    },
  );
}
