/** The part `memory`: whether the peak hangs on the size of what is installed, and how little memory is enough. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectZero } from '../e2e/machine.ts';
import { type Cage, leastMemory, makeCage } from './confined.ts';
import { shown } from './figures.ts';
import { type Ground, makeGround } from './ground.ts';
import { installed } from './growth.ts';
import type { Bench, Findings, Part, Table } from './part.ts';
import { checked, makePayload } from './payload.ts';

const PEAK_AIM_MIB = 75;
const LIMITS_MIB = [256, 128, 96, 80, 64, 56, 48, 40, 32, 24, 16];

export const memory: Part = {
  name: 'memory',
  sentence:
    'Peak memory while installing, by the size of the tarball: 5 MB and 500 MB unpacked, in 50 files each. And under a limit of the ' +
    'kernel (a cgroup) that counts every page of gwe, its own file included, which nobody else has in the cache: how little is enough.',
  needs: ['time'],
  run: peaks,
};

async function peaks(bench: Bench): Promise<Findings> {
  const ground = await makeGround(bench);
  const highest: number[] = [];
  const rows: string[][] = [];
  for (const bytes of [5e6, 500e6]) {
    const [local, fetched] = await installed(bench, ground, { files: 50, bytes });
    highest.push(Math.max(local.peak_MiB, fetched.peak_MiB));
    rows.push([`${bytes / 1e6} MB`, shown(local.peak_MiB), shown(fetched.peak_MiB)]);
  }
  const [small = Number.NaN, large = Number.NaN] = highest;
  const tables: Table[] = [
    { caption: 'Peak RSS, MiB', columns: ['', 'gwe --install-apps', 'gwe --once'], rows },
  ];
  const cage = makeCage(bench);
  if (cage !== undefined) tables.push(await confined(bench, ground, cage));
  return {
    tables,
    aims: [
      {
        what: 'peak memory does not hang on the size of the tarball',
        aim: `500 MB ≤ ${PEAK_AIM_MIB} MiB, and ≤ 1.25 × that of 5 MB`,
        found: `${shown(large)} MiB, ${shown(large / small)} ×`,
        isMet: large <= PEAK_AIM_MIB && large <= 1.25 * small,
      },
    ],
    notes:
      cage === undefined ? ['Here nobody may make a cgroup, so it was not tried how little is enough.'] : [],
  };
}

async function confined(bench: Bench, { gateway }: Ground, cage: Cage): Promise<Table> {
  const payload = makePayload(bench, { files: 200, bytes: 100e6 }, 'confined');
  const state = join(payload.folder, 'state');
  const env = { ...gateway.env, GWE_CONFIG_DIR: join(payload.folder, 'etc'), GWE_STATE_DIR: state };
  const install = (limit_MiB: number) => {
    const run = () => cage.run(limit_MiB, ['--install-apps', payload.tarball], env);
    const clear = () => rmSync(state, { recursive: true, force: true });
    return checked({ name: 'install', run }, payload, clear).run();
  };
  expectZero(await gateway.gweAsync('--once'));
  const checkIns = await leastMemory(LIMITS_MIB, (limit_MiB) => cage.run(limit_MiB, ['--once'], gateway.env));
  const installs = await leastMemory(LIMITS_MIB, install);
  const wall = (found: typeof checkIns, limit_MiB: number) => {
    const one = found.find((other) => other.limit_MiB === limit_MiB);
    return one === undefined ? 'too little' : `${shown(one.wall_ms)} ms`;
  };
  return {
    caption: 'With so much memory for everything, the cache of its file included',
    columns: ['', ...LIMITS_MIB.map((limit_MiB) => `${limit_MiB} MiB`)],
    rows: [
      ['an idle check-in', ...LIMITS_MIB.map((limit_MiB) => wall(checkIns, limit_MiB))],
      ['installing 100 MB in 200 files', ...LIMITS_MIB.map((limit_MiB) => wall(installs, limit_MiB))],
    ],
  };
}
