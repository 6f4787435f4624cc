/**
 * The part `extract`: how long checking and unpacking takes beside `sha256sum -c && tar xzf && sh install.sh`, alternately on the
 * same tarballs, and through the whole installer of the built file.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GWE } from '../e2e/machine.ts';
import { median, pairedRatio, shown, withSpread } from './figures.ts';
import { floor_ms, makeTarball, mustEnd, SHAPES, time_ms } from './floor.ts';
import type { Bench, Findings, Part } from './part.ts';

const PAIRS = 5;

export const extract: Part = {
  name: 'extract',
  sentence:
    'Checking and unpacking alone, and the whole `gwe --install-apps`, beside `sha256sum -c && tar xzf && sh install.sh`, on the same ' +
    'tarballs. Milliseconds; the times of the floor and of gwe end with the program, not with the disk.',
  needs: [],
  run: extracts,
};

/** Each measured in a fresh folder, which is emptied before the next one. */
const WAYS: Readonly<Record<string, (tarball: string, into: string) => number>> = {
  floor: floor_ms,
  unpack: (tarball, into) =>
    Number(
      mustEnd(spawnSync(process.execPath, [join(import.meta.dirname, 'unpack-once.ts'), tarball, into])),
    ),
  install: install_ms,
};

function install_ms(tarball: string, into: string): number {
  mkdirSync(into);
  const env = {
    PATH: '/usr/bin:/bin',
    GWE_CONFIG_DIR: join(into, 'etc'),
    GWE_STATE_DIR: join(into, 'state'),
  };
  return time_ms(() => mustEnd(spawnSync(GWE, ['--install-apps', tarball], { env })));
}

async function extracts(bench: Bench): Promise<Findings> {
  const rows: string[][] = [];
  for (const [index, shape] of SHAPES.entries()) {
    bench.say(shape.name);
    const tarball = makeTarball(bench.folder, `shape${index}`, shape);
    const taken_ms = takeAlternately(bench, tarball);
    rmSync(tarball);
    const floor = taken_ms.get('floor') ?? [];
    for (const [way, all] of taken_ms)
      rows.push([
        shape.name,
        way,
        withSpread(all),
        shown(median(all) - median(floor)),
        shown(pairedRatio(all, floor)),
      ]);
  }
  return {
    tables: [{ caption: 'Unpacking', columns: ['', '', 'ms', 'above the floor', 'ratio'], rows }],
  };
}

function takeAlternately(bench: Bench, tarball: string): Map<string, number[]> {
  const taken_ms = new Map<string, number[]>();
  for (let pair = 0; pair < bench.rounds(PAIRS); pair += 1) {
    for (const [way, measure] of Object.entries(WAYS)) {
      const into = join(bench.folder, 'into');
      spawnSync('sync');
      taken_ms.set(way, [...(taken_ms.get(way) ?? []), measure(tarball, into)]);
      rmSync(into, { recursive: true });
    }
  }
  return taken_ms;
}
