/** What the phases work with: the installer's surroundings, one run of `workOff`, and one tarball on its way. */
import type { PublicKey } from '../app/minisign-format.ts';
import type { Download } from '../client/content.ts';
import type { ContentInfo } from '../client/wire.ts';
import type { Places } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import { GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Room } from '../host/disk.ts';
import type { Flusher } from '../host/flush.ts';
import type { Log } from '../host/log.ts';
import type { InstallEnd } from '../reports/ends.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Apps } from './apps.ts';
import type { Journal, Sureness } from './journal.ts';
import type { Announced, JournalItem } from './journal-format.ts';
import { isBeforeScript, nextOf, type Phase, surenessOf } from './phases.ts';
import type { StandBy } from './stand-by.ts';

/** Which start of which boot this is: a reboot, or a restart of gwe, changes it; hibernation does not. */
export interface ThisStart {
  process: string;
  /** `unknown` where the system does not tell. */
  boot: string;
  uptime_ms: number;
}

/** What the installer is handed. */
export interface InstallerDeps {
  places: Pick<Places, 'state' | 'journal' | 'downloads' | 'staging' | 'apps'>;
  settings: Settings;
  clock: Clock;
  log: Log;
  serial: string;
  /** Of gwe itself; scripts get it too. */
  env: NodeJS.ProcessEnv;
  /** The file of the running gwe, which its own tarball replaces. */
  executable: string;
  supervisor: Supervisor;
  /** `undefined` = the Content Area has no such content. */
  contentInfo(id: string, signal: AbortSignal): Promise<ContentInfo | undefined>;
  download(id: string, from_byte: number, signal: AbortSignal): Promise<Download>;
  /** Makes a report durable; two of the same id are one. Raises what the disk raises. */
  report(end: InstallEnd, id: string): void;
  /** The keys that are trusted now. */
  publicKeys(): readonly PublicKey[];
  start(): ThisStart;
  room(folder: string): Room;
  /** What stands by to have everything written reach the disk. */
  flusher(): Promise<Flusher>;
  /** Called at each durable transition; tests look at the disk there. */
  checkpoint?(name: string): void;
}

/** One run of `workOff`. */
export interface Session {
  readonly deps: InstallerDeps;
  readonly journal: Journal;
  readonly apps: Apps;
  readonly signal: AbortSignal;
  /** What the Content Area said in this run: nothing is asked twice. `undefined` = it is gone. */
  readonly infos: Map<string, Announced | undefined>;
  /** Items (by key) whose unpacked folder was made in this run, and is whole. */
  readonly unpacked: Set<string>;
  /** Items (by key) whose download was begun anew in this run because the content had changed. */
  readonly startedOver: Set<string>;
  /** Of items, by key, whose script is about to be run. */
  readonly standBys: Map<string, StandBy>;
  readonly ends: InstallEnd[];
}

/** One tarball of one instruction, being carried out. */
export interface Job {
  readonly session: Session;
  readonly deps: InstallerDeps;
  /** `ENTRY-INDEX`: names its report and its folder. */
  readonly key: string;
  readonly entryId: string;
  /** As it stands in the journal now. */
  item(): JournalItem;
  /** Writes changes; as sure when it returns as is asked for, else durable. */
  note(changes: Partial<JournalItem>, how?: Sureness): void;
}

/** Why an item cannot go on now. */
export interface Hold {
  /** `network`: by backoff; `disk`, `state`, `budget`: at the next check-in; `reboot`: at the next start; `stopped`: we are told to stop. */
  kind: 'network' | 'disk' | 'budget' | 'reboot' | 'state' | 'stopped';
  error: GweError;
  /** What tells whether it is news. */
  key: string;
}

/** What a phase comes to: the next one, with what it found out; or a hold. */
export type Step = { to: Phase; set?: Partial<JournalItem> } | { hold: Hold };

export function openJob(session: Session, entryId: string, index: number): Job {
  const entryNow = () => {
    const entry = session.journal.entry(entryId);
    const item = entry?.items[index];
    if (entry === undefined || item === undefined) {
      throw new GweError('internal', `Cannot find item ${index} of instruction ${entryId} in the journal`);
    }
    return { entry, item };
  };
  return {
    session,
    deps: session.deps,
    key: `${entryId}-${index}`,
    entryId,
    item: () => entryNow().item,
    note: (changes, how) => {
      const { entry, item } = entryNow();
      const next = { ...entry, items: entry.items.with(index, { ...item, ...changes }) };
      if (changes.phase === 'ended') session.journal.end(next);
      else session.journal.save(next, how);
    },
  };
}

/** The transition to another phase; as sure when it returns as `surenessOf` says. */
export function enter(job: Job, to: Phase, set: Partial<JournalItem>, spent_ms: number): void {
  const item = job.item();
  if (!nextOf(item.phase).includes(to)) {
    throw new GweError(
      'internal',
      `Cannot go from ${item.phase} to ${to}: the table of phases has no such way`,
    );
  }
  const now_ms = job.deps.clock.now();
  const total_ms = item.spent_ms + spent_ms;
  const changes = { trouble: undefined, ...set, phase: to, since_ms: now_ms, spent_ms: total_ms };
  // Of a delta all is written down: what was rebuilt is not what the Content Area announces.
  const isDelta = item.delta !== undefined || set.delta !== undefined;
  job.note(changes, isDelta && isBeforeScript(to) ? 'durable' : surenessOf(item.phase, to));
  job.deps.checkpoint?.(`${to} ${item.name.file}`);
}

/** Writes down why the item is held up, if that is news; returns whether it is. */
export function noteTrouble(job: Job, { kind, error, key }: Hold): boolean {
  const { trouble } = job.item();
  if (trouble?.kind === kind && trouble.key === key) return false;
  const told = (trouble?.told ?? 0) + (kind === 'disk' || kind === 'budget' ? 1 : 0);
  job.note({
    trouble: { kind, code: error.code, why: error.message, since_ms: job.deps.clock.now(), told, key },
  });
  return true;
}
