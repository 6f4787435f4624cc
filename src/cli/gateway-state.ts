/**
 * Everything that `gwe status` and `gwe why` look at, read from the files of this gateway. Reads only: the engine may be
 * running, sleeping or gone, and must not notice.
 */
import { readdirSync } from 'node:fs';
import { identityOf, serverOf } from '../config/identity.ts';
import { loadGateway, loadSettings, type Places } from '../config/places.ts';
import { defaultSettings, type Settings } from '../config/settings.ts';
import type { BudgetView } from '../engine/budget-view.ts';
import { readBudget } from '../engine/gateway-budget.ts';
import { trialUnderWay } from '../engine/self-update.ts';
import { type EngineState, readEngineState, STATE_LAYOUT } from '../engine/state.ts';
import { asGweError, GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { lockHolder } from '../host/lock.ts';
import { macAddress } from '../host/network.ts';
import { type InstalledApp, openApps } from '../installer/apps.ts';
import { partBytes } from '../installer/download.ts';
import { openJournal } from '../installer/journal.ts';
import { type JournalEntry, toFetch } from '../installer/journal-format.ts';

/** How a gateway stands. Pure functions tell from it what is the matter. */
export interface GatewayState {
  now_ms: number;
  /** Undefined when it is not set who this gateway is; then `problems` says so. */
  identity: { vendor: string; model: string; serial: string } | undefined;
  isActivated: boolean;
  /** The platform's origin, where that can be told. */
  platform: string | undefined;
  settings: Settings;
  /** What is wrong with the configuration or the state folder. */
  problems: ReadonlyArray<Pick<GweError, 'code' | 'message' | 'hint'>>;
  /** Process id of the running engine. */
  engine_pid: number | undefined;
  engine: EngineState | undefined;
  instructions: readonly JournalEntry[];
  /** Journal files that cannot be read. */
  damaged: readonly string[];
  /** Bytes of each tarball that have been downloaded so far, by its file name. */
  downloaded_bytes: Readonly<Record<string, number>>;
  apps: readonly InstalledApp[];
  /** Reports that wait to be sent. */
  waitingReports: number;
  /** How the data budget stands, where one is set. */
  budget?: BudgetView | undefined;
  /** A new gwe is on trial. */
  isTrial: boolean;
}

/** Reads the state of this gateway. What cannot be read is left out and named in `problems`. */
export function readGatewayState(places: Places, clock: Clock): GatewayState {
  const problems: GweError[] = [];
  const attempt = <T>(act: () => T, otherwise: T): T => {
    try {
      return act();
    } catch (error) {
      problems.push(asGweError(error));
      return otherwise;
    }
  };
  const read = attempt(() => loadSettings(places), { settings: defaultSettings(), problems: [] });
  const { settings } = read;
  problems.push(...read.problems.map((message) => asConfig(message)));
  const gateway = attempt(() => loadGateway(places), undefined);
  const identity =
    gateway === undefined ? undefined : attempt(() => identityOf(gateway, macAddress), undefined);
  const server =
    identity === undefined ? undefined : attempt(() => serverOf(settings, identity.model), undefined);
  const engine = attempt(() => readState(places.engine), undefined);
  const journal = attempt(() => openJournal(places.journal), undefined);
  const instructions = journal?.entries() ?? [];
  return {
    now_ms: clock.now(),
    identity,
    isActivated: gateway?.cik !== undefined,
    platform: server?.origin,
    settings,
    engine_pid: attempt(() => lockHolder(places.lock), undefined),
    engine,
    instructions,
    damaged: journal?.damaged().map(({ id }) => id) ?? [],
    downloaded_bytes: attempt(() => downloaded(places.downloads, instructions), {}),
    apps: attempt(() => openApps(places.apps).list(), []),
    waitingReports: attempt(() => countFiles(places.outbox), 0),
    budget: attempt(() => readBudget(places, clock, settings), undefined),
    isTrial: attempt(() => trialUnderWay(places.state) !== undefined, false),
    problems,
  };
}

/** When the engine tries next, if one runs and that lies in the future. */
export function nextAttempt({ engine, engine_pid, now_ms }: GatewayState): { next_ms?: number } {
  const next_ms = engine?.next?.time_ms;
  return next_ms === undefined || next_ms <= now_ms || engine_pid === undefined ? {} : { next_ms };
}

function asConfig(message: string): GweError {
  return new GweError('config', message);
}

function readState(path: string): EngineState | undefined {
  const state = readEngineState(path);
  // Neighbouring layouts are read as far as they are known.
  return state !== undefined && state.layout <= STATE_LAYOUT + 1 ? state : undefined;
}

function downloaded(folder: string, instructions: readonly JournalEntry[]): Record<string, number> {
  const items = instructions.flatMap((entry) => entry.items);
  return Object.fromEntries(items.map((item) => [item.name.file, partBytes(folder, toFetch(item).id)]));
}

function countFiles(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.')).length;
  } catch {
    return 0;
  }
}
