/** Where things are: the configuration folder, the state folder, and what lies in them. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { makeFolder, PRIVATE_FILE_MODE, readIfThere, writeDurably } from '../host/files.ts';
import { readSettings, readTrustedSettings, type SettingsRead } from './engine-config.ts';
import { changeGatewayCfg, type Gateway, type GatewayKey, readGatewayCfg } from './gateway-cfg.ts';

export interface Places {
  config: string;
  state: string;
  gatewayCfg: string;
  engineConfig: string;
  keys: string;
  journal: string;
  downloads: string;
  staging: string;
  apps: string;
  outbox: string;
  /** Byte counts of each interface. */
  usage: string;
  /** Last and next check-in. */
  engine: string;
  /** The last TLS session with the platform. */
  tlsSession: string;
  lock: string;
}

/** Both folders: as root under /etc and /var/lib, else where XDG says; GWE_CONFIG_DIR and GWE_STATE_DIR override either. All absolute. */
export function findPlaces(env: NodeJS.ProcessEnv, isRoot = process.getuid?.() === 0): Places {
  const home = env['HOME'] || homedir();
  const config = resolve(
    env['GWE_CONFIG_DIR'] ||
      (isRoot ? '/etc/gwe' : join(xdgFolder(env['XDG_CONFIG_HOME']) ?? join(home, '.config'), 'gwe')),
  );
  const state = resolve(
    env['GWE_STATE_DIR'] ||
      (isRoot ? '/var/lib/gwe' : join(xdgFolder(env['XDG_STATE_HOME']) ?? join(home, '.local/state'), 'gwe')),
  );
  return {
    config,
    state,
    gatewayCfg: join(config, 'Gateway.cfg'),
    engineConfig: join(config, 'Engine.config'),
    keys: join(config, 'keys'),
    journal: join(state, 'journal'),
    downloads: join(state, 'downloads'),
    staging: join(state, 'staging'),
    apps: join(state, 'apps'),
    outbox: join(state, 'outbox'),
    usage: join(state, 'usage.json'),
    engine: join(state, 'engine.json'),
    tlsSession: join(state, 'tls-session'),
    lock: join(state, 'lock'),
  };
}

/** The XDG Base Directory Specification has relative paths ignored. */
const xdgFolder = (path = ''): string | undefined => (isAbsolute(path) ? path : undefined);

/** Gateway.cfg as it lies on disk; a missing file is one with nothing set. */
export function loadGateway(places: Places): Gateway {
  return readGatewayCfg(readIfThere(places.gatewayCfg) ?? '');
}

/** Changes keys of Gateway.cfg and returns its new text. The file is readable by its owner only: it holds the CIK. */
export function saveGateway(places: Places, changes: Partial<Record<GatewayKey, string>>): string {
  const text = changeGatewayCfg(readIfThere(places.gatewayCfg) ?? '', changes);
  makeFolder(places.config);
  writeDurably(places.gatewayCfg, text, PRIVATE_FILE_MODE);
  return text;
}

/** Engine.config as it lies on disk; a missing file means every default. */
export function loadSettings(places: Places): SettingsRead {
  return readSettings(readIfThere(places.engineConfig) ?? '');
}

/** As `loadSettings`, for whoever goes on to contact the platform or to install. Raises `config` as `readTrustedSettings`. */
export function loadTrustedSettings(places: Places): SettingsRead {
  return readTrustedSettings(readIfThere(places.engineConfig) ?? '');
}
