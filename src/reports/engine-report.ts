/** The text of `engine_report`: how each application runs, and how its last install ended. Pure. */
import type { Outcome } from './ends.ts';

/** A line of `apps`. */
export interface AppRow {
  app: string;
  /** As supervisord names it: RUNNING, STOPPED, FATAL …; INSTALLED for an application that supervisord does not run. */
  status: string;
  exitStatus: number;
  uptime_s: number;
  /** '' when it was not installed by gwe. */
  version: string;
}

/** How the last install of an application ended. */
export interface InstalledRow {
  app: string;
  /** The version that is in place; '' when none is. */
  version: string;
  /** SHA-256 of its tarball, hex. */
  digest?: string;
  time_ms: number;
  outcome: Outcome;
  why?: string;
}

/** What is needed of a process of supervisord's. */
export interface ProcessRow {
  name: string;
  group: string;
  state: string;
  start_s: number;
  now_s: number;
  exitStatus: number;
}

export const OWN_NAME = 'gwe';
/** As much as a page can show; gwe's own row and those of installed applications come first. */
export const ROWS_MAX = 200;

/**
 * The lines of `apps`: gwe itself first, then what is installed, then what else supervisord runs. `own` is what gwe knows
 * of itself, for when supervisord does not run it.
 */
export function appRows(
  own: { version: string; uptime_s: number },
  processes: readonly ProcessRow[],
  installed: readonly InstalledRow[],
): AppRow[] {
  const versions = new Map(installed.map(({ app, version }) => [app, version]));
  versions.set(OWN_NAME, own.version);
  const ownRow: AppRow = {
    app: OWN_NAME,
    status: 'RUNNING',
    exitStatus: 0,
    uptime_s: own.uptime_s,
    version: own.version,
  };
  const rowsOf = (app: string, otherwise: AppRow) => {
    const rows = processes.filter(({ group }) => group === app).map((each) => processRow(each, versions));
    return rows.length > 0 ? rows : [otherwise];
  };
  const others = processes.filter(({ group }) => !versions.has(group));
  return [
    ...rowsOf(OWN_NAME, ownRow),
    ...installed.filter(({ app }) => app !== OWN_NAME).flatMap((each) => rowsOf(each.app, bareRow(each))),
    ...others.map((each) => processRow(each, versions)),
  ];
}

function processRow(process: ProcessRow, versions: ReadonlyMap<string, string>): AppRow {
  const runs = process.state === 'RUNNING' || process.state === 'STOPPING';
  return {
    app: process.name === process.group ? process.name : `${process.group}:${process.name}`,
    status: process.state,
    exitStatus: process.exitStatus,
    uptime_s: runs ? Math.max(0, process.now_s - process.start_s) : 0,
    version: versions.get(process.group) ?? '',
  };
}

function bareRow({ app, version }: InstalledRow): AppRow {
  return { app, status: version === '' ? 'NOT INSTALLED' : 'INSTALLED', exitStatus: 0, uptime_s: 0, version };
}

/**
 * Compact JSON: `apps`, a list of objects with one key each, and beside it `installed`: application → version, digest, time
 * (seconds since 1970), outcome and, where it did not end well, why. And `update_interval` in seconds.
 */
export function engineReport(input: {
  apps: readonly AppRow[];
  installed: readonly InstalledRow[];
  /** The interval in force: whoever waits for this gateway can tell when it comes next. */
  updateInterval_s?: number;
}): string {
  const apps = input.apps.slice(0, ROWS_MAX).map((row) => ({
    [row.app]: {
      exitstatus: row.exitStatus,
      status: row.status,
      uptime: uptimeText(row.uptime_s),
      version: row.version,
    },
  }));
  const installed = input.installed
    .slice(0, ROWS_MAX)
    .map(({ app, version, digest, time_ms, outcome, why }) => {
      const time = Math.floor(time_ms / 1000);
      return [app, { version, digest, time, outcome, why: why?.slice(0, WHY_MAX_CHARACTERS) }];
    });
  return JSON.stringify({
    apps,
    installed: Object.fromEntries(installed),
    update_interval: input.updateInterval_s,
  });
}

const WHY_MAX_CHARACTERS = 500;

/** A duration as Python writes a timedelta: `0:10:31`, `1 day, 2:03:04`. Seconds are rounded down. */
export function uptimeText(uptime_s: number): string {
  const whole_s = Math.max(0, Math.floor(uptime_s));
  const two = (number: number) => String(Math.floor(number) % 60).padStart(2, '0');
  const days = Math.floor(whole_s / 86_400);
  const clock = `${Math.floor((whole_s % 86_400) / 3600)}:${two(whole_s / 60)}:${two(whole_s)}`;
  if (days === 0) return clock;
  return `${days} day${days === 1 ? '' : 's'}, ${clock}`;
}
