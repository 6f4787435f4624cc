/**
 * `node test/bench/extract.ts [PAIRS]`: how long checking and unpacking takes beside `sha256sum -c && tar xzf && sh install.sh`,
 * alternately on the same tarballs, and through the whole installer of the built file where there is one. Prints medians.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { floor_ms, makeTarball, median, mustEnd, SHAPES, time_ms } from './floor.ts';

const PAIRS = Number(process.argv[2] ?? 11);
const GWE = resolve(import.meta.dirname, '../../dist', `gwe-linux-${process.arch}`);
const folder = mkdtempSync(join(tmpdir(), 'gwe-bench-'));

/** Each measured in a fresh folder, which is emptied before the next one. */
const WAYS: Record<string, (tarball: string, into: string) => number> = {
  floor: floor_ms,
  unpack: (tarball, into) =>
    Number(
      mustEnd(spawnSync(process.execPath, [join(import.meta.dirname, 'unpack-once.ts'), tarball, into])),
    ),
  ...(existsSync(GWE) ? { install: install_ms } : {}),
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

try {
  for (const [index, shape] of SHAPES.entries()) {
    const tarball = makeTarball(folder, `shape${index}`, shape);
    const taken_ms = new Map<string, number[]>();
    for (let pair = 0; pair < PAIRS; pair++) {
      for (const [way, measure] of Object.entries(WAYS)) {
        const into = join(folder, 'into');
        spawnSync('sync');
        taken_ms.set(way, [...(taken_ms.get(way) ?? []), measure(tarball, into)]);
        rmSync(into, { recursive: true });
      }
    }
    const floors = taken_ms.get('floor') ?? [];
    const texts = [...taken_ms].map(([way, ms]) => {
      const ratio = median(ms.map((value, pair) => value / (floors[pair] ?? Number.NaN)));
      return `${way} ${median(ms).toFixed(0)} ms (${ratio.toFixed(2)})`;
    });
    console.log(`${shape.name}: ${texts.join(', ')}`);
    rmSync(tarball);
  }
} finally {
  rmSync(folder, { recursive: true });
}
