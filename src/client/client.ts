/**
 * The Exosite Gateway Client: all that a gateway says to its platform, as functions over one connection. Puts together
 * what the other files of this folder know; keeps nothing between two processes but the TLS session that it is handed.
 */
import { GweError } from '../errors.ts';
import { type Clock, systemClock } from '../host/clock.ts';
import { activate, type Who } from './activation.ts';
import {
  clear,
  type LongPoll,
  longPoll,
  type Points,
  readWithTag,
  record,
  timestamp,
  writeRead,
} from './aliases.ts';
import type { Way } from './connection.ts';
import {
  type Area,
  contentInfo,
  type Download,
  type DownloadOptions,
  download,
  listContent,
} from './content.ts';
import { createHttp, type Traffic } from './http.ts';
import { isLoopback, proxyFor } from './proxy.ts';
import { createElsewhere } from './redirect.ts';
import { keepSession, type SessionStore } from './session.ts';
import { createTrust } from './trust.ts';
import type { ContentInfo } from './wire.ts';

/** How a client reaches its platform. Texts that are `''` are as good as absent. */
export interface ClientOptions {
  server: URL;
  userAgent: string;
  /** Longest wait for a connection, for the headers of an answer, and for each further byte of it. */
  timeout_ms: number;
  /** Cleartext HTTP to other machines than this one. */
  allowHttp: boolean;
  /** PEM files: issuers to trust beside the usual ones, and the certificate and key that this gateway shows. */
  ca?: string;
  clientCert?: string;
  clientKey?: string;
  /** URL of an HTTP proxy; absent: as HTTPS_PROXY and NO_PROXY of the environment say. */
  proxy?: string;
  /** Of downloads; 0 = no limit. */
  maxRate_bytesPerSecond?: number;
  /** Told at the end of each exchange, also of one that failed, what it moved. */
  onTraffic?: (traffic: Traffic) => void;
  /** Keeps the TLS session from one process to the next: a resumed handshake is a third of the bytes. Secret. */
  tlsSession?: SessionStore;
  clock?: Clock;
  env?: NodeJS.ProcessEnv;
}

/** What a gateway can ask of its platform. Each raises GweErrors; `isRetryable` tells which may pass. */
export interface DeviceClient {
  activate(who: Who): Promise<string>;
  read(cik: string, aliases: readonly string[]): Promise<Record<string, string>>;
  readWithTag(cik: string, alias: string): Promise<{ value: string; etag: string | undefined }>;
  write(cik: string, values: Readonly<Record<string, string>>): Promise<void>;
  writeRead(
    cik: string,
    values: Readonly<Record<string, string>>,
    aliases: readonly string[],
  ): Promise<Record<string, string>>;
  clear(cik: string, alias: string, etag: string | undefined): Promise<'cleared' | 'changed'>;
  longPoll(
    cik: string,
    alias: string,
    options: LongPoll,
  ): Promise<{ value: string; lastModified_s: number } | undefined>;
  record(cik: string, points: Points): Promise<void>;
  timestamp(): Promise<number>;
  listContent(cik: string, where: Area): Promise<string[]>;
  contentInfo(cik: string, where: Area & { id: string }): Promise<ContentInfo | undefined>;
  download(cik: string, where: Area & { id: string }, options: DownloadOptions): Promise<Download>;
  /** Ends every connection at once, also under requests that wait for an answer. */
  close(): void;
}

/** A client for one platform. Nothing is contacted yet. Raises `config` for settings that cannot be used. */
export function createDeviceClient(options: ClientOptions): DeviceClient {
  const clock = options.clock ?? systemClock;
  refuseCleartext(options);
  const { userAgent, onTraffic = () => {} } = options;
  const http = createHttp({ way: wayTo(options), userAgent, onTraffic, now: clock.now });
  const elsewhere = createElsewhere(options, (server) =>
    createHttp({ way: wayElsewhere(options, server), userAgent, onTraffic, now: clock.now }),
  );
  const pace = { maxRate_bytesPerSecond: options.maxRate_bytesPerSecond ?? 0, clock };
  return {
    activate: (who) => activate(http, who),
    read: (cik, aliases) => writeRead(http, cik, {}, aliases),
    readWithTag: (cik, alias) => readWithTag(http, cik, alias),
    write: async (cik, values) => void (await writeRead(http, cik, values, [])),
    writeRead: (cik, values, aliases) => writeRead(http, cik, values, aliases),
    clear: (cik, alias, etag) => clear(http, cik, alias, etag),
    longPoll: (cik, alias, poll) => longPoll(http, cik, alias, poll, clock.now),
    record: (cik, points) => record(http, cik, points),
    timestamp: () => timestamp(http),
    listContent: (cik, where) => listContent(http, cik, where),
    contentInfo: (cik, where) => contentInfo(http, cik, where),
    download: (cik, where, from) => download(http, cik, where, from, pace, elsewhere),
    close() {
      http.close();
      elsewhere.close();
    },
  };
}

function refuseCleartext({ server, allowHttp }: ClientOptions): void {
  if (server.protocol === 'https:' || allowHttp || isLoopback(server.hostname)) return;
  throw new GweError(
    'config',
    `Cannot use ${server.origin}: it is not encrypted, and the key would be in the open`,
    {
      hint: 'Use https, or allow cleartext: gwe config set engine.allow_http on',
    },
  );
}

/** A host that the platform points to may be trusted like the platform, but is shown neither key, certificate nor session. */
function wayElsewhere(
  { clientCert: _, clientKey: __, tlsSession: ___, ...options }: ClientOptions,
  server: URL,
): Way {
  return wayTo({ ...options, server });
}

function wayTo(options: ClientOptions): Way {
  const { server, timeout_ms, ca = '', clientCert = '', clientKey = '', tlsSession } = options;
  const env = options.env ?? process.env;
  const trust = server.protocol === 'https:' ? createTrust({ ca, clientCert, clientKey }, env) : undefined;
  const isKept = trust !== undefined && tlsSession !== undefined;
  return {
    server,
    proxy: proxyFor(server, options.proxy ?? '', env),
    trust,
    timeout_ms,
    session: isKept ? keepSession(tlsSession, [server.host, ...trust.given]) : undefined,
  };
}
