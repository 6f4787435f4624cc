/** Of the part `growth`: what many check-ins of one gateway leave behind. Nothing should. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expectZero } from '../e2e/machine.ts';
import { growthExponent, shown } from './figures.ts';
import { addGateway, type Ground } from './ground.ts';
import type { Mark } from './many-check-ins.ts';
import { measure, runToEnd } from './measure.ts';
import type { Aim, Bench, Table } from './part.ts';

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

/** So many check-ins are a gateway's life: one every 12 hours for more than a century, or one a minute for ten weeks. */
const MANY = 100_000;

/** The cycle alone, in one process, so that there are many of them in little time. */
export async function overManyCheckIns(
  bench: Bench,
  { platform }: Ground,
  limit_s: number,
): Promise<{ table: Table; aim: Aim }> {
  const gateway = addGateway(bench, platform, 'gw-many');
  const script = join(import.meta.dirname, 'many-check-ins.ts');
  const command = [process.execPath, script, String(MANY), String(limit_s)];
  const { stdout } = expectZero(await runToEnd(command, gateway.env));
  const marks: Mark[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const late = marks.filter(({ n }) => n >= 10);
  const k = growthExponent(late.map(({ n, state_bytes }): [number, number] => [n, state_bytes]));
  const [first, last] = [late[0], late.at(-1)];
  const times = (last?.state_bytes ?? Number.NaN) / (first?.state_bytes ?? Number.NaN);
  return {
    table: {
      caption: 'The cycle of one gateway in one process, 12 hours apart by its clock',
      columns: ['check-ins', 'each, ms', 'state folder, bytes', 'files in it'],
      rows: marks.map(({ n, each_ms, state_bytes, stateFiles }) => [
        n.toLocaleString('en'),
        shown(each_ms),
        shown(state_bytes),
        String(stateFiles),
      ]),
    },
    aim: {
      what: `nothing on the gateway grows with its check-ins (${last?.n.toLocaleString('en')} of them)`,
      aim: 'k ≤ 0.02',
      found: `k = ${shown(k)}: ${shown(times)} × the bytes of the 10th`,
      isMet: k <= 0.02,
    },
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
