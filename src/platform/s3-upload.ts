/**
 * An upload into S3: spooled, hashed and checked on this machine first, then sent, so that nobody ever sees half of one.
 * Other replicas may remove the same digest meanwhile: therefore it is looked for once more when it has its name.
 */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { explain } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { ContentCache } from './content-cache.ts';
import type { Holds } from './content-holds.ts';
import { partName, writeHashed } from './content-spool.ts';
import type { Received } from './content-store.ts';
import { S3_UPLOADS_MAX } from './limits.ts';
import type { S3 } from './s3-client.ts';

export interface Uploads {
  receive(source: AsyncIterable<Buffer>): Promise<Received>;
  /** Makes the looks that are still due, now. */
  close(): Promise<void>;
}

export interface UploadParts {
  s3: S3;
  holds: Holds;
  cache: ContentCache | undefined;
  isUsed: (sha256: string) => Promise<boolean>;
  spool: string;
  /** From the name until the second look: longer than a removal elsewhere, begun before the name, may take. */
  settle_ms: number;
  log: Log;
}

/** Uploads over `parts`. The spool folder is there and empty. */
export function createUploads(parts: UploadParts): Uploads {
  const { s3, holds, spool, settle_ms, log } = parts;
  const closing = new AbortController();
  const looks = new Set<Promise<void>>();
  const inTurn = createSlots(S3_UPLOADS_MAX);

  async function send(upload: Spooled): Promise<void> {
    if ((await s3.size(upload.sha256)) === upload.size_bytes) return;
    await inTurn(() => sendFile(s3, upload));
  }

  /** The second look, and the end of the spooled file. */
  async function lookAgain(upload: Spooled, letGo: () => void): Promise<void> {
    try {
      await pause(settle_ms, undefined, { signal: closing.signal }).catch(() => {});
      if (await parts.isUsed(upload.sha256)) await send(upload);
      await parts.cache?.adopt(upload.sha256, upload.size_bytes, upload.file);
    } catch (error) {
      log.error(`Cannot look whether content ${upload.sha256} is still there: ${explain(error)}`);
    } finally {
      letGo();
      await rm(upload.file, { force: true });
    }
  }

  async function receive(source: AsyncIterable<Buffer>): Promise<Received> {
    const file = join(spool, partName());
    try {
      const upload = { ...(await writeHashed(source, file)), file };
      const letGo = holds.hold(upload.sha256);
      let isKept = false;
      return {
        ...upload,
        async keep() {
          await send(upload);
          isKept = true;
        },
        async release() {
          if (!isKept) {
            letGo();
            return await rm(file, { force: true });
          }
          const look = lookAgain(upload, letGo).finally(() => looks.delete(look));
          looks.add(look);
        },
      };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  return {
    receive,
    async close() {
      closing.abort();
      await Promise.all(looks);
    },
  };
}

interface Spooled {
  sha256: string;
  size_bytes: number;
  file: string;
}

async function sendFile(s3: S3, { sha256, size_bytes, file }: Spooled): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await s3.putFile(sha256, handle, size_bytes);
  } finally {
    await handle.close();
  }
}

/** Lets so many work at a time; the others wait for their turn. */
function createSlots(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
