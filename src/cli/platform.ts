/** `gwe platform`: serves the One Platform from one folder until it is told to stop. What is served is platform/'s business. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { explain, GweError } from '../errors.ts';
import { createLog, LOG_LEVELS, type Log } from '../host/log.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { isLoopback } from './operator-http.ts';

export const DEFAULT_LISTEN = '127.0.0.1:8080';
const DAY_MS = 86_400_000;
const DEFAULT_VENDOR = 'gwe';

/**
 * `gwe platform --data DIR [--listen HOST:PORT] [--vendor NAME] [--cert F --key F] [--durability full|normal]`. The first line on standard output is
 * `listening on URL`, with the real port; everything else goes to standard error. TERM and INT end it with 0.
 */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const dataFolder = args.text('data');
  if (dataFolder === undefined) {
    throw new GweError('usage', 'Cannot start a platform: --data DIR is missing', {
      hint: 'DIR is the folder that keeps everything; it is made when it is not there.',
    });
  }
  const { host, port } = parseListen(args.text('listen') ?? DEFAULT_LISTEN);
  const { signal } = context;
  const tls = tlsFrom(args.text('cert'), args.text('key'));
  const content = args.text('content');
  const store = storeFrom(args.text('store'));
  const days = args.text('history');
  const presetToken = context.env['GWE_PLATFORM_TOKEN'] || undefined;
  const { startPlatform } = await import('../platform/platform.ts');
  const level = LOG_LEVELS.find((each) => each === args.text('debug-level')) ?? 'INFO';
  const log = createLog(level, context.clock.now, context.err);
  const platform = await startPlatform({
    dataFolder: resolve(dataFolder),
    host,
    port,
    vendor: args.text('vendor') ?? DEFAULT_VENDOR,
    ...(presetToken === undefined ? {} : { presetToken }),
    ...(tls === undefined ? {} : { tls }),
    proxies: args.all('trust-proxy'),
    approval: args.all('approval'),
    durability: args.text('durability') === 'normal' ? 'normal' : 'full',
    ...(days === undefined ? {} : { history_ms: Number(days) * DAY_MS }),
    hasReader: true,
    hasDatabaseTime: true,
    gwe: args.has('no-deltas') ? [] : context.executable,
    ...(content === undefined ? {} : { content }),
    ...(store === undefined ? {} : { store }),
    env: context.env,
    log,
    clock: context.clock,
  });
  // Before anybody learns that it is there: HUP ends a process that does not listen to it.
  const onHup = () => void reload(platform, log);
  process.on('SIGHUP', onHup);
  context.out(`listening on ${platform.url}\n`);
  const kept = `${keptWhere(content, store)} is kept in ${resolve(dataFolder)}`;
  try {
    const serving = await Promise.race([platform.serving, aborted(signal)]);
    if (serving !== undefined) context.err(welcome(reachable(platform.url), kept, serving.firstToken));
    if (tls === undefined && !isLoopback(new URL(platform.url).hostname)) {
      context.err(
        'warning: no --cert: keys and tokens travel in clear text, and gateways need engine.allow_http\n',
      );
    }
    await aborted(signal);
  } finally {
    process.off('SIGHUP', onHup);
    await platform.close();
  }
  return 0;
}

/** Raises `usage` for what is no address of a PostgreSQL, or has a password in it, where every process list shows it. */
export function storeFrom(written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  // Without a host: a socket, whose folder `?host=` names.
  const whole = written.replace(/^(\w+:\/\/[^/]*@)\//, '$1localhost/');
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new GweError('usage', 'Cannot use the store: expected postgres://USER@HOST/DATABASE');
  }
  if (url.password !== '' || url.searchParams.has('password')) {
    throw new GweError('usage', 'Cannot use the store: its address holds a password', {
      hint: 'Put it into PGPASSWORD, or into a file that PGPASSFILE names.',
    });
  }
  return written;
}

function keptWhere(content: string | undefined, store: string | undefined): string {
  if (store !== undefined) return content === undefined ? 'content' : 'only what is under way';
  return content === undefined ? 'everything' : 'all but content';
}

/** Reads certificate and key again; with bad ones the platform goes on with those it has. */
async function reload(platform: { reload(): Promise<void> }, log: Log): Promise<void> {
  try {
    await platform.reload();
    log.info('HUP: certificate and key were read again');
  } catch (error) {
    log.error(`HUP: ${explain(error)}`);
  }
}

/** HOST:PORT, :PORT or PORT; an IPv6 address in brackets. Raises `usage`. */
export function parseListen(written: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = written.match(/^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new GweError('usage', `Cannot listen on "${written}": expected HOST:PORT`, {
      hint: `For instance ${DEFAULT_LISTEN}, 0.0.0.0:443 or [::1]:8080; port 0 takes any free one.`,
    });
  }
  return { host: bracketed ?? (plain || '127.0.0.1'), port };
}

function tlsFrom(
  cert: string | undefined,
  key: string | undefined,
): { cert: string; key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert: resolve(cert), key: resolve(key) };
  throw new GweError('usage', `Cannot serve HTTPS: --${cert === undefined ? 'cert' : 'key'} is missing`, {
    hint: 'Give both --cert FILE and --key FILE, in PEM.',
  });
}

function welcome(url: string, kept: string, firstToken: string | undefined): string {
  const token = firstToken === undefined ? '' : ` --token ${firstToken}`;
  const first = firstToken === undefined ? '' : `operator token, shown only this once: ${firstToken}\n`;
  return `${kept}
${first}next, open ${url} in a browser and log in with the token; or in another terminal:
  gwe login ${url}${token}
  gwe product create PRODUCT
  gwe gateway add SERIAL
Ctrl-C stops it; nothing is lost.
`;
}

/** A URL to type: one that listens on every address is called by this machine's name. */
function reachable(written: string): string {
  const url = new URL(written);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = hostname();
  return url.origin;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
