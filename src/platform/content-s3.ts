/**
 * The Content Area in an S3 API, behind the interface of content-store.ts. Loaded only by a platform that was told to: uploads
 * are s3-upload.ts's business, downloads s3-read.ts's, and what is kept on this machine as well content-cache.ts's.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { explain, GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { makeFolder } from '../host/files.ts';
import type { Log } from '../host/log.ts';
import { type ContentCache, openContentCache } from './content-cache.ts';
import { createHolds } from './content-holds.ts';
import { PART_FILE } from './content-spool.ts';
import type { ContentStore } from './content-store.ts';
import { S3_ABANDONED_MS, S3_REMOVE_MS, S3_SWEEP_MS } from './limits.ts';
import { describeS3, type S3Address } from './s3-address.ts';
import { createS3, type S3 } from './s3-client.ts';
import { openCredentials } from './s3-credentials.ts';
import { type Health, watchHealth } from './s3-health.ts';
import { readThrough } from './s3-read.ts';
import { createTransport } from './s3-request.ts';
import { createUploads } from './s3-upload.ts';

export interface S3ContentOptions {
  address: S3Address;
  /** On this machine, for this process alone: what is being uploaded, and the cache. */
  folder: string;
  /** Whether some content has a digest. */
  isUsed: (sha256: string) => Promise<boolean>;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
  /** How long after an upload it is looked whether its bytes are still there; twice as long as a removal when left out. */
  settle_ms?: number;
}

/** An object of ours: written at each start, which tells whether it can be; asked for by `/readyz`. */
const MARK = 'gwe-content.txt';
const MARK_TEXT = 'The content of a gwe platform: one object per SHA-256. Only the platform removes any.\n';

/**
 * Opens the place. It may be out of reach: then the platform starts all the same, and content is answered with 503 until it
 * is back. Raises `config` when there are no credentials, and when S3 refuses them or has no such bucket.
 */
export async function openS3Content(options: S3ContentOptions): Promise<ContentStore> {
  const { address, folder, isUsed, clock, log, env } = options;
  const spool = await emptyFolder(join(folder, 'spool'));
  const cache =
    address.cache_bytes > 0 ? await openContentCache(join(folder, 'cache'), address.cache_bytes) : undefined;
  const health = watchHealth(clock.monotonic, (why) => {
    if (why === undefined) log.info(`The content in ${describeS3(address)} can be reached again`);
    else log.error(`${why}: content is answered with 503 until that has passed`);
  });
  const transport = createTransport(address, openCredentials(env, clock.now), env);
  const s3 = createS3(address, health.watched(transport));
  const holds = createHolds(isUsed);
  const settle_ms = options.settle_ms ?? 2 * S3_REMOVE_MS;
  const uploads = createUploads({ s3, holds, cache, isUsed, spool, settle_ms, log });
  try {
    await leaveMark(s3, address);
  } catch (error) {
    transport.close();
    throw error;
  }
  const sweeping = sweepNowAndThen(s3, { clock, log });
  const reads = createReads(s3, cache);
  return {
    receive: uploads.receive,
    read: reads.read,
    size: s3.size,
    link: async (sha256) => ((health.lately() ?? '') === '' ? s3.link(sha256) : undefined),
    sweep: (sha256) =>
      holds.sweep(sha256, async () => {
        await s3.remove(sha256).catch((error: unknown) => log.warning(orphaned(sha256, error)));
        await cache?.forget(sha256);
      }),
    trouble: () => troubleOf(s3, health),
    counts: () => ({ failures: health.failures, ...reads.counts(), cache_bytes: cache?.size_bytes ?? 0 }),
    async close() {
      clearInterval(sweeping);
      await uploads.close();
      await cache?.settle();
      transport.close();
    },
  };
}

/** An empty folder, whatever a crash has left in it. */
async function emptyFolder(path: string): Promise<string> {
  makeFolder(path);
  for (const name of await readdir(path)) {
    if (PART_FILE.test(name)) await rm(join(path, name), { force: true });
  }
  return path;
}

/** Raises `config` for an answer that waiting will not change; what may pass is in the log already. */
async function leaveMark(s3: S3, address: S3Address): Promise<void> {
  try {
    await s3.put(MARK, Buffer.from(MARK_TEXT));
  } catch (error) {
    if (!(error instanceof GweError) || error.code !== 'busy') throw error;
    if (error.status === undefined || error.status >= 500 || error.status === 429) return;
    throw new GweError('config', `Cannot use ${describeS3(address)}: ${error.message}`, {
      cause: error,
      hint: 'The bucket must be there, and the credentials must let objects be read, written and removed, and uploads be listed.',
    });
  }
}

/** From the cache where it is there; else through from S3, and into the cache beside it. */
function createReads(s3: S3, cache: ContentCache | undefined) {
  let cacheHits = 0;
  let cacheMisses = 0;
  const through = async (sha256: string, from: number, to: number) =>
    (await readThrough(s3, sha256, from, to)).bytes;
  async function read(sha256: string, from: number, to: number): Promise<Readable> {
    const here = await cache?.read(sha256, from, to);
    if (here !== undefined) {
      cacheHits += 1;
      return here;
    }
    const { bytes, total_bytes } = await readThrough(s3, sha256, from, to);
    if (cache !== undefined) cacheMisses += 1;
    if (total_bytes !== undefined) {
      cache?.fill(sha256, total_bytes, () => through(sha256, 0, total_bytes - 1));
    }
    return bytes;
  }
  return { read, counts: () => ({ cacheHits, cacheMisses }) };
}

async function troubleOf(s3: S3, health: Health): Promise<string | undefined> {
  const known = health.lately();
  if (known !== undefined) return known === '' ? undefined : known;
  try {
    await s3.probe(MARK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function sweepNowAndThen(s3: S3, { clock, log }: Pick<S3ContentOptions, 'clock' | 'log'>): NodeJS.Timeout {
  const sweep = async () => {
    const count = await s3.abortOlder(clock.now() - S3_ABANDONED_MS);
    if (count > 0) log.info(`Aborted ${count} uploads to S3 that were never completed`);
  };
  const trySweep = () =>
    void sweep().catch((error: unknown) => log.warning(`Uploads were not looked after: ${explain(error)}`));
  trySweep();
  return setInterval(trySweep, S3_SWEEP_MS).unref();
}

function orphaned(sha256: string, error: unknown): string {
  return `Content ${sha256} has no name any more, but its bytes stay in S3: ${explain(error)}`;
}
