/**
 * What the engine holds while it is awake: who it is, its settings, and its ways to the platform, to supervisord and to the
 * disk. Made anew at every wake-up and after HUP; what must outlive that lies in the state folder.
 */

import { createDeviceClient, type DeviceClient } from '../client/client.ts';
import { type Identity, identityOf, serverOf } from '../config/identity.ts';
import { loadGateway, loadSettings, type Places } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import { explain } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { makeFolder } from '../host/files.ts';
import { releaseLock, takeLock } from '../host/lock.ts';
import { createLog, type Log } from '../host/log.ts';
import { macAddress } from '../host/network.ts';
import { VERSION } from '../host/version.ts';
import type { Installer } from '../installer/installer.ts';
import { connectSupervisor, type Supervisor } from '../supervisor/supervisor.ts';
import { openGatewayInstaller, type Sending } from './gateway-installer.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { type EngineState, loadEngineState, STATE_LAYOUT, saveEngineState } from './state.ts';
import { keptTlsSession } from './tls-session.ts';
import { openUsageBook, type UsageBook } from './usage-book.ts';

/** What the engine is handed by whoever starts it. */
export interface EngineContext {
  env: NodeJS.ProcessEnv;
  clock: Clock;
  places: Places;
  /** Aborted by TERM and INT. */
  signal: AbortSignal;
  /** How to run gwe again. */
  executable: readonly string[];
  /** Whether a person looks on. */
  isTerminal: boolean;
}

export interface Engine {
  readonly context: EngineContext;
  readonly settings: Settings;
  readonly identity: Identity;
  readonly log: Log;
  readonly client: DeviceClient;
  readonly supervisor: Supervisor;
  readonly installer: Installer;
  /** The ends of installs on their way to the platform. */
  readonly sending: Sending;
  readonly outbox: Outbox;
  readonly usage: UsageBook;
  /** The key of this gateway, once it is activated. */
  cik: string | undefined;
  /** The platform answered 401 to the key in Gateway.cfg, and no other has come yet. */
  keyRefused: boolean;
  /** Interval in force: update_interval from the platform changes it. */
  updateInterval_s: number;
  state: EngineState;
  /** Writes engine.json; a disk that refuses is said in the log, and lived with. */
  saveState(): void;
  close(): void;
}

/**
 * Opens everything for a wake-up. Contacts nobody. Raises `identity` when nothing tells which gateway this is, `config`
 * for an unusable platform URL, `layout` for a state folder of a later version.
 */
export async function openEngine(context: EngineContext): Promise<Engine> {
  const { places, clock } = context;
  const { settings, problems } = loadSettings(places);
  const log = createLog(settings['engine.debug_level'], clock.now);
  for (const problem of problems) log.warning(`${problem}; the default is in force`);
  const gateway = loadGateway(places);
  const identity = identityOf(gateway, macAddress);
  const server = serverOf(settings, identity.model);
  const usage = openUsageBook(places, clock);
  const client = createDeviceClient({
    ...clientOptions(context, settings, server, log),
    onTraffic: usage.add,
  });
  const supervisor = connectSupervisor(settings['supervisor.socket']);
  const outbox = openOutbox(places.outbox, {
    maxEntries: settings['outbox.max_entries'],
    max_bytes: settings['outbox.max_bytes'],
  });
  const updateInterval_s = settings['engine.update_interval'];
  const engine = {
    context,
    settings,
    identity,
    log,
    client,
    supervisor,
    outbox,
    usage,
    cik: gateway.cik,
    keyRefused: false,
    updateInterval_s,
    state: loadEngineState(places.engine, freshState(identity, server, updateInterval_s, clock.now())),
    saveState: () => attempt(log, () => saveEngineState(places.engine, places.state, engine.state)),
    close: () => client.close(),
  };
  return Object.assign(engine, openGatewayInstaller(engine));
}

function clientOptions(context: EngineContext, settings: Settings, server: URL, log: Log) {
  const named = {
    ca: 'security.ca',
    clientCert: 'security.client_cert',
    clientKey: 'security.client_key',
  } as const;
  const files = Object.fromEntries(
    Object.entries(named).flatMap(([option, name]) =>
      settings[name] === '' ? [] : [[option, settings[name]]],
    ),
  );
  const proxy = settings['security.proxy'];
  return {
    server,
    userAgent: settings['engine.user_agent'],
    timeout_ms: settings['engine.request_timeout'] * 1000,
    allowHttp: settings['engine.allow_http'],
    maxRate_bytesPerSecond: settings['download.max_rate'],
    tlsSession: keptTlsSession(context.places, log),
    ...files,
    ...(proxy === '' ? {} : { proxy }),
  };
}

/** Does what the turn can go on without: a failure is said in the log. */
export function attempt(log: Log, act: () => void): void {
  try {
    act();
  } catch (error) {
    log.error(explain(error));
  }
}

/** Makes the state folder and takes its lock; returns what gives it back. Raises `locked`, saying who has it. */
export function takeStateFolder(context: EngineContext): () => void {
  makeFolder(context.places.state);
  takeLock(context.places.lock);
  return () => releaseLock(context.places.lock);
}

function freshState(identity: Identity, server: URL, updateInterval_s: number, now_ms: number): EngineState {
  return {
    layout: STATE_LAYOUT,
    version: VERSION,
    serial: identity.serial,
    platform: server.origin,
    started_ms: now_ms,
    updateInterval_s,
    consecutiveFailures: 0,
  };
}
