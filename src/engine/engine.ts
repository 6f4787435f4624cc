/**
 * What the engine holds while it is awake: who it is, its settings, and its ways to the platform, to supervisord and to the
 * disk. Made anew at every wake-up and after HUP (open-engine.ts); what must outlive that lies in the state folder.
 */
import type { DeviceClient } from '../client/client.ts';
import type { Identity } from '../config/identity.ts';
import type { Places } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Installer } from '../installer/installer.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Budget } from './budget.ts';
import type { Outbox } from './outbox.ts';
import type { EngineState } from './state.ts';
import type { UsageBook } from './usage-book.ts';

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
  /** Where the settings ask for one. */
  readonly budget: Budget | undefined;
  /** The key of this gateway, once it is activated. */
  cik: string | undefined;
  /** The platform answered 401 to the key in Gateway.cfg, and no other has come yet. */
  keyRefused: boolean;
  /** Interval in force: update_interval from the platform changes it. */
  updateInterval_s: number;
  state: EngineState;
  /**
   * Writes engine.json; a disk that refuses is said in the log, and lived with. Not `durably`, a power cut may bring the one
   * before back, whole.
   */
  saveState(how?: 'durably'): void;
  close(): void;
}

/** The ends of installs on their way to the platform: each is sent as soon as it is there, one after the other. */
export interface Sending {
  /** Resolves when everything that was there is sent, or waits for better times. */
  settled(): Promise<void>;
}
