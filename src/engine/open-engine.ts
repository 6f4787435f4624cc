/**
 * Opening the engine for a wake-up: settings and identity are read anew, the ways to the platform, to supervisord and to the
 * disk are laid. Contacts nobody.
 */
import { type ClientOptions, createDeviceClient } from '../client/client.ts';
import { type Identity, identityOf, serverOf } from '../config/identity.ts';
import { loadGateway, loadTrustedSettings, saveGateway } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import { asGweError, explain } from '../errors.ts';
import { makeFolder, sweepHalfWritten } from '../host/files.ts';
import { releaseLock, takeLock } from '../host/lock.ts';
import { attempt, createLog, type Log } from '../host/log.ts';
import { macAddress } from '../host/network.ts';
import { VERSION } from '../host/version.ts';
import type { Traffic } from '../reports/usage.ts';
import { connectSupervisor } from '../supervisor/supervisor.ts';
import type { Engine, EngineContext } from './engine.ts';
import { openGatewayInstaller } from './gateway-installer.ts';
import { openOutbox } from './outbox.ts';
import { type EngineState, loadEngineState, STATE_LAYOUT, saveEngineState } from './state.ts';
import { keptTlsSession } from './tls-session.ts';
import { openUsageBook } from './usage-book.ts';

/**
 * Opens everything for a wake-up. Contacts nobody. Raises `identity` when nothing tells which gateway this is, `config`
 * for an unusable platform URL, `layout` for a state folder of a later version.
 */
export async function openEngine(context: EngineContext): Promise<Engine> {
  const { places, clock } = context;
  const { settings, problems } = loadTrustedSettings(places);
  const log = createLog(settings['engine.debug_level'], clock.now);
  for (const problem of problems) log.warning(`${problem}; the default is in force`);
  const gateway = loadGateway(places);
  const identity = identityOf(gateway, macAddress);
  const server = serverOf(settings, identity.model);
  const metered = await meteredClient(clientOptions(context, settings, server, log), context, settings, log);
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
    ...metered,
    supervisor,
    outbox,
    cik: gateway.cik,
    keyRefused: false,
    updateInterval_s,
    state: loadEngineState(places.engine, freshState(identity, server, updateInterval_s, clock.now())),
    saveState: (how?: 'durably') =>
      attempt(log, () => saveEngineState(places.engine, places.state, engine.state, how)),
    close: () => metered.client.close(),
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

/** The client, the book that counts what it moves and, where one is set, the data budget that it keeps to. */
async function meteredClient(
  options: Omit<ClientOptions, 'onTraffic'>,
  { places, clock }: EngineContext,
  settings: Settings,
  log: Log,
): Promise<Pick<Engine, 'client' | 'usage' | 'budget'>> {
  const isLimited = settings['budget.bytes_per_day'] > 0 || settings['budget.bytes_per_month'] > 0;
  if (!isLimited) {
    const usage = openUsageBook(places, clock);
    return { usage, client: createDeviceClient({ ...options, onTraffic: usage.add }), budget: undefined };
  }
  const { openGatewayBudget } = await import('./gateway-budget.ts');
  const { limitedClient } = await import('./budget-client.ts');
  const { budget, usage } = openGatewayBudget(places, clock, settings, log);
  const onTraffic = (traffic: Traffic) => {
    usage.add(traffic);
    budget.add(traffic);
  };
  return { usage, budget, client: limitedClient(createDeviceClient({ ...options, onTraffic }), budget) };
}

/**
 * Makes the state folder and takes its lock; returns what gives it back. Raises `locked`, saying who has it. On a disk that
 * refuses (full, read-only) the engine goes on without a lock: it can still tell its platform what is the matter.
 */
export function takeStateFolder({ places }: EngineContext, log: Log): () => void {
  try {
    makeFolder(places.state);
    takeLock(places.lock);
  } catch (error) {
    if (asGweError(error).code === 'locked') throw error;
    log.error(`The state folder cannot be locked: ${explain(error)}`);
  }
  for (const folder of [places.config, places.state, places.outbox]) sweepHalfWritten(folder);
  return () => attempt(log, () => releaseLock(places.lock));
}

/** As the original: the serial that a gateway goes by is written down at its start, so that a new network card changes nothing. */
export function keepSerial({ context, identity, log }: Engine): void {
  attempt(log, () => {
    if (loadGateway(context.places).uuid === undefined)
      saveGateway(context.places, { uuid: identity.serial });
  });
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
