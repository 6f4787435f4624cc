/**
 * The One Platform, served: begins to listen, opens the parts behind, and ends both. It is loaded only by `gwe platform`; a
 * gateway never pays for it.
 */
import { readdirSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { asGweError, explain, type GweError } from '../errors.ts';
import { makeFolder, removeFolder } from '../host/files.ts';
import { releaseLock } from '../host/lock.ts';
import { createDoor } from './door.ts';
import { takeFolder } from './folder-lock.ts';
import { type Opened, openParts, type PartsOptions } from './platform-parts.ts';
import { startServer, type TlsFiles } from './server.ts';

/** What a backup that was killed leaves in the data folder (backup.ts). */
const UNFINISHED_BACKUP = /^backup-\w{6}$/;
/** Between two tries to reach a PostgreSQL that is away at the start. */
const OPEN_AGAIN_MS = 1_000;

export interface PlatformOptions extends PartsOptions {
  host: string;
  /** 0 = any free one. */
  port: number;
  /** Paths of PEM files. */
  tls?: TlsFiles;
  /** Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  proxies?: readonly string[];
}

export interface RunningPlatform {
  url: string;
  port: number;
  /** Resolves when it serves: it does, but for a PostgreSQL that was away at the start. Rejects when that shows that it never will. */
  serving: Promise<Pick<Opened, 'firstToken'>>;
  /** Reads the certificate again; connections from now on get it. Raises `usage`, and then goes on with the old one. */
  reload(): Promise<void>;
  /** Answers parked polls, ends connections, closes the store. */
  close(): Promise<void>;
}

/** Starts the platform. Raises `locked` (another one has the folder), `layout`, `io`, `usage` (address, certificate). */
export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  makeFolder(options.dataFolder);
  const lock = join(options.dataFolder, 'lock');
  takeFolder(lock, (holder) => ({
    message: `Cannot use ${options.dataFolder}: another platform (process ${holder}) has it`,
    hint: 'Stop that one first, or give this one another folder: --data DIR',
  }));
  try {
    const running = await open(options);
    const close = async () => {
      await running.close();
      releaseLock(lock);
    };
    return { ...running, close };
  } catch (error) {
    releaseLock(lock);
    throw error;
  }
}

async function open(options: PlatformOptions): Promise<RunningPlatform> {
  const { dataFolder, log } = options;
  for (const name of readdirSync(dataFolder))
    if (UNFINISHED_BACKUP.test(name)) removeFolder(join(dataFolder, name));
  if (options.store !== undefined && options.content === undefined)
    log.warning(`Content lies in ${dataFolder}: other replicas would not find it there (--content s3://…)`);
  const door = createDoor(log);
  const server = await startServer(door, options);
  const ending = new AbortController();
  const away = Promise.withResolvers<void>();
  const opening = openWhenThere(options, ending.signal, (why) => {
    door.wait(why);
    away.resolve();
  });
  const serving = opening.then((opened) => {
    door.open(opened.platform);
    return opened;
  });
  const close = async () => {
    ending.abort();
    const opened = await serving.catch(() => undefined);
    opened?.release();
    await server.close();
    await opened?.close();
  };
  try {
    await Promise.race([serving, away.promise]);
  } catch (error) {
    await server.close();
    throw error;
  }
  serving.catch(() => {});
  return { url: urlOf(options, server.port), port: server.port, serving, reload: server.reload, close };
}

/** Opens the parts; as long as the PostgreSQL of `--store` is away again and again. */
async function openWhenThere(
  options: PlatformOptions,
  signal: AbortSignal,
  onAway: (why: GweError) => void,
): Promise<Opened> {
  const { store, clock, log } = options;
  for (let tried = 1; ; tried += 1) {
    try {
      const opened = await openParts(options);
      if (tried > 1) log.info('PostgreSQL is there: the platform serves');
      return opened;
    } catch (thrown) {
      const error = asGweError(thrown);
      if (store === undefined || error.code !== 'busy') throw error;
      if (tried === 1) log.error(`Cannot serve before PostgreSQL is there: ${explain(error)}`);
      onAway(error);
    }
    await clock.sleep(OPEN_AGAIN_MS, signal);
  }
}

function urlOf({ host, tls }: PlatformOptions, port: number): string {
  return `${tls === undefined ? 'http' : 'https'}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
