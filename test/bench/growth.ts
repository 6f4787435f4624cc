/** The part `growth`: what cost depends on, and by which law. */
import { rmSync } from 'node:fs';
import { expectZero, makeTarball, writeSettings } from '../e2e/machine.ts';
import { growthExponent, median, shown } from './figures.ts';
import { addGateway, type Ground, makeGround } from './ground.ts';
import { bytesBelow, overCheckIns } from './growth-check-ins.ts';
import { FLOOR, fetchedWay, floorWay, localWay } from './install.ts';
import { measure, type Taken } from './measure.ts';
import type { Bench, Findings, Part, Table } from './part.ts';
import { makePayload } from './payload.ts';

type Point = readonly [size: number, cost: number];

/** One install from a file, and one by a check-in. */
export async function installed(
  bench: Bench,
  ground: Ground,
  shape: { files: number; bytes: number },
): Promise<[local: Taken, fetched: Taken, floor: Taken]> {
  const payload = makePayload(bench, shape, `grow${shape.files}x${shape.bytes / 1e6}`);
  expectZero(ground.platform.operator('content', 'upload', payload.tarball));
  const floor = await floorWay(payload).run();
  const local = await localWay(payload).run();
  const fetched = await fetchedWay(bench, ground, payload).run();
  rmSync(payload.folder, { recursive: true });
  return [local, fetched, floor];
}

export const growth: Part = {
  name: 'growth',
  sentence:
    'How cost grows with bytes, files, installed applications and check-ins. k is the exponent of cost ~ size^k over the larger half of ' +
    'the sizes: 0 is constant, 1 in proportion.',
  needs: ['time'],
  run: growths,
};

async function growths(bench: Bench): Promise<Findings> {
  const ground = await makeGround(bench);
  const isQuick = bench.rounds(10) < 10;
  const sizes = isQuick ? [1, 10, 100] : [1, 10, 100, 500];
  const counts = isQuick ? [10, 100, 1000] : [10, 100, 1000, 5000, 20_000];
  return {
    tables: [
      await overShapes(
        bench,
        ground,
        'MB unpacked, in 50 files',
        sizes,
        (mb) => ({ files: 50, bytes: mb * 1e6 }),
        'growth-bytes',
      ),
      await overShapes(
        bench,
        ground,
        'files of 1 kB',
        counts,
        (files) => ({ files, bytes: files * 1000 }),
        'growth-files',
      ),
      await overApps(bench, ground, isQuick ? [1, 10] : [1, 5, 20, 50]),
      await overCheckIns(bench, ground, bench.rounds(60)),
    ],
  };
}

async function overShapes(
  bench: Bench,
  ground: Ground,
  across: string,
  sizes: readonly number[],
  shapeOf: (size: number) => { files: number; bytes: number },
  plotName: string,
): Promise<Table> {
  const all = new Map<string, Taken[]>([
    [FLOOR, []],
    ['gwe --install-apps', []],
    ['gwe --once', []],
  ]);
  for (const size of sizes) {
    bench.say(`${size} ${across}`);
    const [local, fetched, floor] = await installed(bench, ground, shapeOf(size));
    for (const [name, taken] of [
      [FLOOR, floor],
      ['gwe --install-apps', local],
      ['gwe --once', fetched],
    ] as const)
      all.get(name)?.push(taken);
  }
  const of = (pick: (taken: Taken) => number) =>
    [...all].map(([label, taken]) => ({
      label,
      points: taken.map((one, n): Point => [sizes[n] ?? Number.NaN, pick(one)]),
    }));
  const walls = of((taken) => taken.wall_ms);
  const peaks = of((taken) => taken.peak_MiB);
  return {
    caption: `Over ${across}`,
    columns: ['', ...sizes.map((size) => size.toLocaleString('en')), 'k'],
    rows: [
      ...walls.map(({ label, points }) => row(`${label}, wall ms`, points)),
      ...peaks.map(({ label, points }) => row(`${label}, peak MiB`, points)),
    ],
    plot: { kind: 'lines', name: plotName, title: 'Install, wall ms', across, lines: walls },
  };
}

const row = (name: string, points: readonly Point[]): string[] => [
  name,
  ...points.map(([, cost]) => shown(cost)),
  shown(growthExponent(points.slice(-Math.max(2, Math.ceil(points.length / 2))))),
];

/** An idle check-in of a gateway that has so many applications. */
async function overApps(bench: Bench, { platform }: Ground, counts: readonly number[]): Promise<Table> {
  const gateway = addGateway(bench, platform, 'gw-apps');
  expectZero(await gateway.gweAsync('--once'));
  writeSettings(gateway.config, { 'install.health_window': '0' });
  const taken: Taken[] = [];
  const state: Point[] = [];
  let there = 0;
  for (const count of counts) {
    const fresh = Array.from({ length: count - there }, (_, n) =>
      makeTarball(bench.folder, `many${there + n}.v1.tar.gz`, { 'install.sh': '#!/bin/sh\n:\n' }),
    );
    if (fresh.length > 0) expectZero(await gateway.gweAsync('--install-apps', ...fresh));
    there = count;
    expectZero(await gateway.gweAsync('--once'));
    const all: Taken[] = [];
    for (let round = 0; round < bench.rounds(7); round++)
      all.push(await measure([...gateway.command, '--once'], { folder: bench.folder, env: gateway.env }));
    taken.push(middle(all));
    state.push([count, bytesBelow(gateway.state) / 1024]);
  }
  const points = (pick: (one: Taken) => number) =>
    taken.map((one, n): Point => [counts[n] ?? Number.NaN, pick(one)]);
  return {
    caption: 'An idle check-in, over applications installed',
    columns: ['', ...counts.map(String), 'k'],
    rows: [
      row(
        'wall ms',
        points((one) => one.wall_ms),
      ),
      row(
        'CPU ms',
        points((one) => one.cpu_ms),
      ),
      row(
        'peak MiB',
        points((one) => one.peak_MiB),
      ),
      row('state folder, KiB', state),
    ],
  };
}

function middle(all: readonly Taken[]): Taken {
  const of = (pick: (one: Taken) => number) => median(all.map(pick));
  return {
    wall_ms: of((t) => t.wall_ms),
    cpu_ms: of((t) => t.cpu_ms),
    peak_MiB: of((t) => t.peak_MiB),
    stdout: '',
  };
}
