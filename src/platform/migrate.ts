/** An embedded platform's folder brought to the engines of a larger one, for `gwe platform migrate`; the folder stays as it is. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { type MovedContent, migrateContent } from './content-migrate.ts';
import { openContent } from './content-open.ts';
import { contentIn } from './content-store.ts';
import { DATABASE, digestsIn } from './sqlite-schema.ts';

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
  if (!existsSync(join(from, DATABASE))) {
    throw new GweError('not-found', `Cannot migrate ${from}: no platform keeps its data there`);
  }
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
