/**
 * `apps/NAME/`: what is installed, how the last attempt ended, which digests failed, and the last good tarball: the way
 * back. That tarball is never removed before its successor is committed.
 *
 * What can lie there at most: for each application one tarball (two in the instants of a commit), its record, and the
 * program file that was there before the update that is under way.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TarballName } from '../app/name.ts';
import { systemCode } from '../errors.ts';
import { makeFolder, readIfThere, removeDurably, syncFolder, writeDurably } from '../host/files.ts';
import type { Outcome } from '../reports/ends.ts';
import { hasFields, parseObject } from './journal-format.ts';

/** So many failed digests are remembered for an application. */
export const QUARANTINE_MAX = 8;

/** The last good version. */
export interface GoodVersion {
  version: string;
  /** Its tarball, in the same folder. */
  file: string;
  size_bytes: number;
  sha256: string;
  /** Of the tarball in the Content Area, where the kept one was made of a delta and is packed otherwise. */
  published_sha256?: string;
  installed_ms: number;
}

/** How the last attempt ended. */
export interface LastAttempt {
  version: string;
  outcome: Outcome;
  why?: string;
  time_ms: number;
  sha256?: string;
}

/** A digest that failed. Nothing but a new command tries it again. */
export interface Quarantined {
  sha256: string;
  version: string;
  why: string;
  time_ms: number;
}

export interface InstalledApp {
  app: string;
  good?: GoodVersion;
  last?: LastAttempt;
  quarantine: readonly Quarantined[];
}

export interface Apps {
  /** All records, by name. */
  list(): InstalledApp[];
  read(app: string): InstalledApp;
  /** Where the last good tarball lies, or `undefined`. */
  goodTarball(app: string): string | undefined;
  /** Keeps `part` as the last good tarball, writes that and its end down, then removes the former one. Can be done again. */
  commit(part: string, name: TarballName, good: Omit<GoodVersion, 'version' | 'file'>): void;
  /** Writes down how an attempt ended; a digest that failed is quarantined. */
  noteEnd(app: string, last: LastAttempt): void;
  /** A version that was committed turned out to be bad, and is no longer in place: its tarball goes, its digest is quarantined. */
  undo(app: string, why: string, time_ms: number): void;
  /** Keeps the program file that is there before an update; `undefined` = there is none. */
  keepProgram(app: string, text: string | undefined): void;
  keptProgram(app: string): string | undefined;
  /** The update is over: its way back is not needed any more. */
  forgetProgram(app: string): void;
}

const RECORD = 'record.json';
const PROGRAM = 'program.conf';
const TARBALL = /\.tar\.gz$/;

/** The records in `folder`, which need not exist. */
export function openApps(folder: string): Apps {
  const inApp = (app: string, file: string) => join(folder, app, file);
  const read = (app: string) => decodeRecord(app, readIfThere(inApp(app, RECORD)) ?? '');
  const write = (record: InstalledApp) => {
    makeFolder(join(folder, record.app));
    writeDurably(inApp(record.app, RECORD), `${JSON.stringify({ layout: 1, ...record })}\n`);
  };
  return {
    list: () => foldersIn(folder).map(read),
    read,
    goodTarball: (app) => {
      const { good } = read(app);
      return good === undefined ? undefined : inApp(app, good.file);
    },
    commit: (part, name, good) => {
      makeFolder(join(folder, name.app));
      // After a crash before the record was written it bears its name already. That name is synced with the record's.
      if (existsSync(part)) renameSync(part, inApp(name.app, name.file));
      const { version, file, app } = name;
      write(afterEnd({ ...read(app), good: { ...good, version, file } }, endOf(version, good)));
      removeFormer(join(folder, app), file);
    },
    noteEnd: (app, last) => {
      const record = read(app);
      // The commit has written that down.
      if (last.outcome === 'installed' && isNoted(record, last)) return;
      write(afterEnd(record, last));
    },
    undo: (app, why, time_ms) => {
      const { good, ...record } = read(app);
      if (good === undefined) return;
      const sha256 = good.published_sha256 ?? good.sha256;
      const last = { version: good.version, sha256, outcome: 'failed', why, time_ms } as const;
      write({ ...record, last, quarantine: quarantineAfter(record.quarantine, last) });
      removeDurably(inApp(app, good.file));
    },
    keepProgram: (app, text) => {
      if (text === undefined) return removeDurably(inApp(app, PROGRAM));
      makeFolder(join(folder, app));
      writeDurably(inApp(app, PROGRAM), text);
    },
    keptProgram: (app) => readIfThere(inApp(app, PROGRAM)),
    forgetProgram: (app) => removeDurably(inApp(app, PROGRAM)),
  };
}

/** Removes every tarball but the committed one, and the program file that is no longer needed to go back. */
function removeFormer(folder: string, committed: string): void {
  const isFormer = (file: string) => (TARBALL.test(file) && file !== committed) || file === PROGRAM;
  const former = readdirSync(folder).filter(isFormer);
  for (const file of former) rmSync(join(folder, file), { force: true });
  if (former.length > 0) syncFolder(folder);
}

/** The end of an attempt that is committed. */
const endOf = (version: string, good: Pick<GoodVersion, 'sha256' | 'published_sha256' | 'installed_ms'>) => ({
  version,
  outcome: 'installed' as const,
  time_ms: good.installed_ms,
  sha256: good.published_sha256 ?? good.sha256,
});

/** Whether the record tells of this very attempt: it was committed in the moment before. Pure. */
function isNoted({ good, last: noted }: InstalledApp, last: LastAttempt): boolean {
  if (good === undefined || noted === undefined || noted.outcome !== 'installed') return false;
  const isSame = noted.version === last.version && noted.sha256 === last.sha256 && noted.why === last.why;
  return isSame && good.version === last.version && noted.time_ms === good.installed_ms;
}

/** The record once an attempt has ended: a digest that failed is quarantined, one that is installed no longer is. Pure. */
const afterEnd = (record: InstalledApp, last: LastAttempt): InstalledApp => ({
  ...record,
  last,
  quarantine: quarantineAfter(record.quarantine, last),
});

/** The quarantine after an attempt: a failed digest is in it, an installed one is not. Pure. */
export function quarantineAfter(before: readonly Quarantined[], last: LastAttempt): readonly Quarantined[] {
  const { sha256, version, time_ms } = last;
  if (sha256 === undefined) return before;
  const others = before.filter((each) => each.sha256 !== sha256);
  if (last.outcome === 'installed') return others;
  if (last.outcome !== 'failed' && last.outcome !== 'discarded') return before;
  return [...others, { sha256, version, time_ms, why: last.why ?? '' }].slice(-QUARANTINE_MAX);
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => statSync(join(folder, name)).isDirectory())
      .sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A record that cannot be read is one that knows nothing: its application can still be installed anew. */
function decodeRecord(app: string, text: string): InstalledApp {
  const value = parseObject(text);
  const quarantine = value?.['quarantine'];
  const record: InstalledApp = {
    app,
    quarantine: Array.isArray(quarantine) ? quarantine.filter(isQuarantined) : [],
  };
  const good = value?.['good'];
  const last = value?.['last'];
  if (isGood(good)) record.good = good;
  if (isLast(last)) record.last = last;
  return record;
}

const isGood = (value: unknown): value is GoodVersion =>
  hasFields(value, {
    version: 'string',
    file: 'string',
    size_bytes: 'number',
    sha256: 'string',
    published_sha256: 'string?',
    installed_ms: 'number',
  });
const isLast = (value: unknown): value is LastAttempt =>
  hasFields(value, {
    version: 'string',
    outcome: 'string',
    why: 'string?',
    time_ms: 'number',
    sha256: 'string?',
  });
const isQuarantined = (value: unknown): value is Quarantined =>
  hasFields(value, { sha256: 'string', version: 'string', why: 'string', time_ms: 'number' });
