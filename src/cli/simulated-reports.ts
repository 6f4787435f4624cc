/** What simulated gateways report: plausible numbers that hang on their dice, in the words of the real reports. Pure. */
import { deviceInfo } from '../reports/device-info.ts';
import { appRows, engineReport, type InstalledRow } from '../reports/engine-report.ts';
import { formatDuration } from '../reports/sizes.ts';

/** Interface → window → method → numbers. */
export function usageText(up_s: number): string {
  const num = 1 + Math.floor(up_s / 60);
  const counted = { tot_rx: 210 * num, max_rx: 260, tot_tx: 1700 * num, max_tx: 1900, num };
  return JSON.stringify({
    eth0: {
      top_consumer: 'http_write_read',
      hour: { http_write_read: counted },
      day: { http_write_read: counted },
    },
  });
}

/** The machine as `device_info` tells it. */
export function machineText(serial: string, dice: (what: string) => number): string {
  const used = 20 + Math.floor(60 * dice('disk'));
  const free_kb = 8_000 + Math.floor(90_000 * dice('memory'));
  return deviceInfo({
    uname: `Linux ${serial} 6.1.0-simulated #1 SMP armv7l GNU/Linux, up for ${formatDuration(86_400_000 * dice('up'))}`,
    df: `Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/mmcblk0p2   7386000 2216000   4780000  ${used}% /\n`,
    free: `              total        used        free\nMem:         124000       ${124_000 - free_kb}       ${free_kb}\n`,
    ipaddrs: `eth0: 10.${Math.floor(256 * dice('ip'))}.${Math.floor(256 * dice('ip2'))}.20`,
  });
}

/** The applications as `engine_report` tells them; the program of one that is down is FATAL. */
export function engineText(
  rows: readonly InstalledRow[],
  down: ReadonlySet<string>,
  up_s: number,
  updateInterval_s: number,
): string {
  const processes = rows.map(({ app }) => ({
    name: app,
    group: app,
    state: down.has(app) ? 'FATAL' : 'RUNNING',
    start_s: 0,
    now_s: down.has(app) ? 0 : up_s,
    exitStatus: down.has(app) ? 1 : 0,
  }));
  const apps = appRows({ version: 'simulated', uptime_s: up_s }, processes, rows);
  return engineReport({ apps, installed: rows, updateInterval_s });
}
