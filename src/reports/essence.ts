/**
 * What of a report must differ for it to count as changed: not the time that went by, not memory that breathes, not the bytes
 * of the check-ins themselves, else each would differ from the one before. Pure.
 */
import type { AppRow, InstalledRow, ProcessRow } from './engine-report.ts';
import type { Usage } from './usage.ts';

/** What a check-in with nothing to do moves its bytes by. */
const OF_CHECK_INS: readonly string[] = ['http_write_read', 'http_read'];

/** Of engine_report: all but how long things have been running; that they were started again counts. */
export function essenceOfEngine(
  apps: readonly AppRow[],
  processes: readonly ProcessRow[],
  installed: readonly InstalledRow[],
  updateInterval_s: number,
): string {
  const rows = apps.map(({ app, status, exitStatus, version }) => [app, status, exitStatus, version]);
  const starts = processes.map(({ group, name, start_s }) => [group, name, start_s]);
  return JSON.stringify([rows, starts, installed, updateInterval_s]);
}

/** Of device_info: the machine, its addresses, and of each file system how full it is in percent. Memory is left out. */
export function essenceOfDevice({
  uname,
  df,
  ipaddrs,
}: {
  uname: string;
  df: string;
  ipaddrs: string;
}): string {
  const disks = df.split('\n').map((line) => {
    const cells = line.split(/\s+/);
    return [cells[0], ...cells.slice(4)];
  });
  return JSON.stringify([uname, ipaddrs, disks]);
}

/** Of usage_report: the bytes of the day, but for those of the check-ins. */
export function essenceOfUsage({ day }: Usage): string {
  const rows = Object.entries(day.interfaces).flatMap(([iface, methods]) =>
    Object.entries(methods)
      .filter(([method]) => !OF_CHECK_INS.includes(method))
      .map(([method, { tot_rx, tot_tx }]) => [iface, method, tot_rx, tot_tx]),
  );
  return JSON.stringify(rows);
}
