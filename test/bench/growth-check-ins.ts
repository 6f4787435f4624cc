/** Of the part `growth`: what many check-ins of one gateway leave behind. Nothing should. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from './figures.ts';
import type { Ground } from './ground.ts';
import { measure } from './measure.ts';
import type { Bench, Table } from './part.ts';

/** The same gateway again and again: nothing of it may grow. */
export async function overCheckIns(
  bench: Bench,
  { platform, gateway }: Ground,
  count: number,
): Promise<Table> {
  const marks: string[][] = [];
  for (let n = 1; n <= count; n++) {
    const taken = await measure([...gateway.command, '--once'], { folder: bench.folder, env: gateway.env });
    if (n > 1 && n !== Math.ceil(count / 2) && n !== count) continue;
    const rss_MiB = rssOf_MiB(platform.process.pid ?? 0);
    marks.push([
      String(n),
      shown(taken.wall_ms),
      shown(taken.peak_MiB),
      shown(bytesBelow(gateway.state) / 1024),
      shown(rss_MiB),
    ]);
  }
  return {
    caption: 'The same gateway, check-in by check-in',
    columns: ['check-in', 'wall ms', 'peak MiB', 'state folder, KiB', 'RSS of the platform, MiB'],
    rows: marks,
  };
}

/** Bytes of all files below `folder`. */
export function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((stat) => stat.isFile())
    .reduce((sum, stat) => sum + stat.size, 0);
}

const rssOf_MiB = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)?.[1]) / 1024;
