/** The part `life`: as many check-ins as a gateway makes in its life, one after the other in one process. Nothing may grow. */
import { join } from 'node:path';
import { expectZero } from '../e2e/machine.ts';
import { growthExponent, shown } from './figures.ts';
import { addGateway, makeGround } from './ground.ts';
import type { Mark } from './many-check-ins.ts';
import { runToEnd } from './measure.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';

/** One every 12 hours for more than a century, or one a minute for ten weeks. */
const MANY = 100_000;
const FULL_LIMIT_S = 1500;
/** Run by its name a part takes less than two minutes. */
const ALONE_LIMIT_S = 95;
const QUICK_LIMIT_S = 5;
const MIB = 1024 * 1024;
/** Before that, what is loaded and compiled once still comes in. */
const WARM = 1000;
const AIM = 0.02;

export const life: Part = {
  name: 'life',
  sentence:
    '100,000 check-ins of one gateway that does not hibernate, in one process, with a clock that does not wait between them: the whole cycle, with its requests and files. ' +
    'What V8 holds is told after all garbage was collected. Files lie in memory: what grows is asked, not how long a disk takes. Run by its name it ends after 95 s, ' +
    'wherever it is then; with --long it goes on to the last, for some four minutes.',
  needs: [],
  place: 'memory',
  isCutShort: true,
  run: lives,
};

async function lives(bench: Bench): Promise<Findings> {
  const isQuick = bench.rounds(10) < 10;
  const { platform } = await makeGround(bench);
  const gateway = addGateway(bench, platform, 'gw-many');
  const script = join(import.meta.dirname, 'many-check-ins.ts');
  const limit_s = isQuick ? QUICK_LIMIT_S : bench.isShort ? ALONE_LIMIT_S : FULL_LIMIT_S;
  // As in the single file.
  const command = [process.execPath, '--max-semi-space-size=1', script, String(MANY), String(limit_s)];
  const { stdout } = expectZero(await runToEnd(command, gateway.env));
  const marks: Mark[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const rows = marks.map(({ n, each_ms, state_bytes, stateFiles, heap_bytes, rss_bytes }) => [
    n.toLocaleString('en'),
    shown(each_ms),
    shown(state_bytes),
    String(stateFiles),
    shown(heap_bytes / MIB),
    shown(rss_bytes / MIB),
  ]);
  const columns = ['check-ins', 'each, ms', 'state folder, bytes', 'files in it', 'heap, MiB', 'RSS, MiB'];
  return {
    tables: [
      { caption: 'The cycle of one gateway in one process, 12 hours apart by its clock', columns, rows },
    ],
    aims: [
      ...grows('bytes in the state folder', marks, 10, ({ state_bytes }) => state_bytes),
      ...grows('resident memory', marks, WARM, ({ rss_bytes }) => rss_bytes),
    ],
    notes: [
      'RSS and heap are those of Node.js that runs the source, with its type stripper: some 50 MiB more than the single file.',
    ],
  };
}

/** The aim, where there were enough check-ins to tell. */
function grows(what: string, marks: readonly Mark[], from: number, pick: (mark: Mark) => number): Aim[] {
  const points = marks.filter(({ n }) => n >= from).map((mark): [number, number] => [mark.n, pick(mark)]);
  if (points.length < 2) return [];
  const [k, last] = [growthExponent(points), marks.at(-1)?.n ?? 0];
  const times = (points.at(-1)?.[1] ?? Number.NaN) / (points[0]?.[1] ?? Number.NaN);
  const aim = {
    what: `${what} of a gateway after ${last.toLocaleString('en')} check-ins`,
    aim: `k ≤ ${AIM}`,
    found: `k = ${k.toFixed(4)}: ${shown(times)} × those after ${from.toLocaleString('en')}`,
    isMet: k <= AIM,
  };
  return [aim];
}
