/**
 * The installer as the engine sees it: instructions are taken on, worked off, and reported. Opening it reads the journal
 * and writes nothing; what is heavy is loaded when there is work. The way of a tarball is work.ts's.
 */
import { uptime } from 'node:os';
import { asGweError, type GweError } from '../errors.ts';
import { roomOn } from '../host/disk.ts';
import { makeFolders } from '../host/files.ts';
import { birthOf } from '../host/lock.ts';
import type { InstallEnd } from '../reports/ends.ts';
import { type InstalledApp, openApps } from './apps.ts';
import type { InstallerDeps, Session, ThisStart } from './job.ts';
import { type Damaged, hasEnded, isSettled, type Journal, openJournal } from './journal.ts';
import type { Instruction, JournalEntry } from './journal-format.ts';
import { type ItemProgress, progressOf } from './progress.ts';
import { isLittered } from './sweep.ts';
import type { Held } from './work.ts';

/** What one `workOff` came to. */
export interface WorkOffResult {
  /** What ended in it, in order; each was reported already. */
  readonly ends: readonly InstallEnd[];
  /** What still waits, and for what. */
  readonly held: readonly Held[];
  /** Trouble of the network or the platform: the engine tries again by backoff. */
  readonly retry: GweError | undefined;
}

export interface Installer {
  /** What lies in the journal, in order. An ended instruction stays until its clearing is acknowledged. */
  pending(): readonly JournalEntry[];
  /** Whether anything is still to be done, to be reported, or to be swept away. */
  hasWork(): boolean;
  /**
   * Takes an instruction on; durable when it returns. `isCleared`: it comes from this machine, and stands in no alias.
   * Raises `too-large`, and what the disk raises.
   */
  accept(instruction: Instruction, isCleared?: boolean): JournalEntry;
  /** engine_fetch was cleared, or holds something newer. Raises what the disk raises. */
  cleared(id: string): void;
  /** Carries out the journal as far as it goes now. Never rejects. Two calls at once are one. */
  workOff(signal: AbortSignal): Promise<WorkOffResult>;
  /** What is installed, how the last attempts ended, which digests failed. */
  installed(): InstalledApp[];
  /** An installed version was taken back by somebody else than the installer; `why` as in fetch_status. */
  undone(app: string, why: string): void;
  /** How far each item that has not ended is. */
  progress(): ItemProgress[];
  /** Journal files that cannot be read: damaged ones until they are reported, those of a later gwe. */
  damaged(): readonly Damaged[];
}

/** What the installer is handed; what the machine itself can tell need not be. */
export type InstallerGiven = Omit<InstallerDeps, FromMachine> & Partial<Pick<InstallerDeps, FromMachine>>;
type FromMachine = 'start' | 'room' | 'flusher';

/** Which start of which boot this is. */
export function thisStart(): ThisStart {
  const birth = birthOf(process.pid);
  return {
    process: birth ?? `pid ${process.pid}`,
    boot: birth?.split('/')[0] ?? 'unknown',
    uptime_ms: Math.round(uptime() * 1000),
  };
}

/** Opens the installer on a state folder, which need not exist yet. */
export function openInstaller(given: InstallerGiven): Installer {
  const flusher = async () => (await import('../host/flush.ts')).standByToFlush(given.clock);
  const machine = { start: thisStart, room: roomOn, flusher };
  const deps: InstallerDeps = { ...machine, ...given };
  const journal = openJournal(deps.places.journal);
  const apps = openApps(deps.places.apps);
  let running: Promise<WorkOffResult> | undefined;
  const hasWork = () =>
    journal.damaged().some(({ code }) => code === 'malformed') ||
    journal.entries().some((entry) => !hasEnded(entry) || isSettled(entry)) ||
    isLittered(deps.places);
  return {
    pending: () => journal.entries(),
    hasWork,
    accept: (instruction, isCleared) => {
      layFolders(deps.places);
      return journal.add(instruction, deps.clock.now(), isCleared);
    },
    cleared: (id) => markCleared(journal, id),
    workOff: async (signal) => {
      if (!hasWork()) return { ends: [], held: [], retry: undefined };
      running ??= workOff({ deps, journal, apps, signal, ...nothingYet() }).finally(() => {
        running = undefined;
      });
      return await running;
    },
    installed: () => apps.list(),
    undone: (app, why) => apps.undo(app, why, deps.clock.now()),
    progress: () => journal.entries().flatMap((entry) => progressOf(entry, deps.places.downloads)),
    damaged: () => journal.damaged(),
  };
}

/** All at once, so that they cost one sync. What cannot be made is made, and complained of, by whoever needs it. */
function layFolders({ journal, downloads, staging, apps }: InstallerDeps['places']): void {
  try {
    makeFolders([journal, downloads, staging, apps]);
  } catch {
    // Said when it matters.
  }
}

function nothingYet(): Pick<Session, 'infos' | 'unpacked' | 'startedOver' | 'standBys' | 'ends'> {
  return { infos: new Map(), unpacked: new Set(), startedOver: new Set(), standBys: new Map(), ends: [] };
}

function markCleared(journal: Journal, id: string): void {
  const entry = journal.entry(id);
  if (entry === undefined) return;
  if (entry.clearing === 'pending') journal.save({ ...entry, clearing: 'acknowledged' });
  journal.settle(id);
}

async function workOff(session: Session): Promise<WorkOffResult> {
  const { carryOutAll } = await import('./work.ts');
  let held: Held[];
  try {
    held = await carryOutAll(session);
  } catch (error) {
    held = [{ kind: 'state', error: asGweError(error), key: 'state', entry: '', name: '' }];
  }
  for (const { kind, name, error } of held) {
    if (kind === 'state') session.deps.log.error(`${name} cannot go on: ${error.message}`);
  }
  return { ends: session.ends, held, retry: held.find(({ kind }) => kind === 'network')?.error };
}
