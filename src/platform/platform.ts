/**
 * The One Platform, served: puts the parts together and takes them apart again. It is loaded only by `gwe platform`; a
 * gateway never pays for it.
 */
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../host/clock.ts';
import { makeFolder } from '../host/files.ts';
import { releaseLock, takeLock } from '../host/lock.ts';
import type { Log } from '../host/log.ts';
import { openContentStore } from './content-store.ts';
import type { Platform } from './context.ts';
import { startServer, type TlsFiles } from './server.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { ensureToken } from './tokens.ts';
import { createWaiters } from './waiters.ts';

export interface PlatformOptions {
  /** Holds everything: the database, the content. Made where it is missing. */
  dataFolder: string;
  host: string;
  /** 0 = any free one. */
  port: number;
  vendor: string;
  /** An operator's token that is accepted beside those which were made before. */
  presetToken?: string;
  /** Paths of PEM files. */
  tls?: TlsFiles;
  log: Log;
  clock: Clock;
}

export interface RunningPlatform {
  url: string;
  port: number;
  /** The operator's token that was made at this first start; never to be had again. */
  firstToken: string | undefined;
  /** Answers parked polls, ends connections, closes the store. */
  close(): Promise<void>;
}

/** Starts the platform. Raises `locked` (another one has the folder), `layout`, `io`, `usage` (the address). */
export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  const { dataFolder, clock, log, vendor } = options;
  makeFolder(dataFolder);
  const lock = join(dataFolder, 'lock');
  takeLock(lock);
  const store = openSqliteStore(join(dataFolder, 'platform.db'), clock);
  const waiters = createWaiters();
  try {
    const content = await openContentStore(
      join(dataFolder, 'content'),
      (sha256) => store.digestIsUsed(sha256),
      await store.digests(),
    );
    store.onWrite((gateway, aliases) => waiters.wake(gateway, aliases));
    const firstToken = await ensureToken(store, options.presetToken, clock.now(), log);
    const platform: Platform = { store, content, waiters, vendor, clock, log };
    const server = await startServer(platform, options);
    const scheme = options.tls === undefined ? 'http' : 'https';
    const host = isIPv6(options.host) ? `[${options.host}]` : options.host;
    return {
      url: `${scheme}://${host}:${server.port}`,
      port: server.port,
      firstToken,
      async close() {
        waiters.close();
        await server.close();
        await store.close();
        releaseLock(lock);
      },
    };
  } catch (error) {
    await store.close();
    releaseLock(lock);
    throw error;
  }
}
