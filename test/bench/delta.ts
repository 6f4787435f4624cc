/** The parts `delta` and `delta-gwe`: what a new version costs when the old one is there; beside zstd, xdelta, bsdiff and casync's chunks. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDelta } from '../../src/app/delta-make.ts';
import { ROOT } from '../parts.ts';
import { byOthers, type Measured } from './delta-others.ts';
import { shown } from './figures.ts';
import { mustEnd } from './floor.ts';
import { measure, runToEnd } from './measure.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';

/** Neighbouring releases of a large package of npm: a minor one, and the smallest there is. */
const PACKAGE = 'typescript';
const PAIRS = [
  ['5.3.3', '5.4.2'],
  ['5.4.4', '5.4.5'],
] as const;
const AIM_OF_FULL = 0.03;
const AIM_OF_ZSTD = 1.5;

const HOW =
  'Bytes of an update where the version before is on the gateway. Every delta is followed, and what comes out compared. Peak memory is that of the whole process: of ' +
  'Node.js itself for gwe. Of casync the index counts, and the chunks that are not in the version before.';

export const delta: Part = {
  name: 'delta',
  sentence: `${HOW} Between two releases of a package of npm, as they are published there.`,
  needs: ['zstd', 'time'],
  run: (bench) => deltas(bench, async () => PAIRS.map(([from, to]) => packagePair(bench, from, to))),
};

export const deltaOfGwe: Part = {
  name: 'delta-gwe',
  sentence: `${HOW} Between two builds of gwe that differ in version and commit.`,
  needs: ['zstd', 'time'],
  run: (bench) => deltas(bench, async () => [await ownPair(bench)]),
};

interface Pair {
  what: string;
  base: string;
  target: string;
}

async function deltas(bench: Bench, find: () => Promise<Pair[]>): Promise<Findings> {
  const found: Findings = { tables: [], aims: [], notes: [] };
  const idle = await follow(bench, []);
  found.notes?.push(`Node.js that follows nothing: ${shown(idle.peak_MiB)} MiB.`);
  for (const pair of await find()) {
    const full = statSync(pair.target).size;
    const { ours, others } = await measured(bench, pair);
    const rows = [ours, ...others].map((each) => [
      each.way,
      shown(each.bytes),
      `${((100 * each.bytes) / full).toFixed(3)} %`,
      shown(each.made_s),
      shown(each.followed_ms),
      shown(each.peak_MiB),
    ]);
    found.tables.push({
      caption: `${pair.what}; the full tar.gz has ${shown(full)} bytes`,
      columns: ['', 'bytes', 'of the full', 'made in s', 'followed in ms', 'peak RSS MiB'],
      rows,
    });
    found.aims?.push(...aimsOf(pair.what, full, ours, others));
  }
  return found;
}

function aimsOf(what: string, full: number, ours: Measured, others: readonly Measured[]): Aim[] {
  const part = ours.bytes / full;
  const zstd = others.find(({ way }) => way.startsWith('zstd -19'));
  const aims = [
    {
      what: `delta of ${what}, of the full tarball`,
      aim: `< ${AIM_OF_FULL * 100} %`,
      found: `${(100 * part).toFixed(3)} %`,
      isMet: part < AIM_OF_FULL,
    },
  ];
  if (zstd === undefined) return aims;
  const times = ours.bytes / zstd.bytes;
  const ratio = {
    what: `delta of ${what} ÷ zstd -19 --patch-from`,
    aim: `≤ ${AIM_OF_ZSTD}`,
    found: shown(times),
    isMet: times <= AIM_OF_ZSTD,
  };
  return [...aims, ratio];
}

/** Two releases from the registry of npm; their files are what is published. */
function packagePair(bench: Bench, from: string, to: string): Pair {
  const folder = join(bench.folder, `${from}-${to}`);
  mkdirSync(folder);
  const names = [from, to].map((version) => {
    execFileSync('npm', ['pack', '--silent', `${PACKAGE}@${version}`], { cwd: folder, stdio: 'pipe' });
    const path = join(folder, `${PACKAGE}.v${version}.tar.gz`);
    renameSync(join(folder, `${PACKAGE}-${version}.tgz`), path);
    return path;
  });
  return { what: `${PACKAGE} ${from} → ${to}`, base: names[0] ?? '', target: names[1] ?? '' };
}

async function ownPair(bench: Bench): Promise<Pair> {
  const builder = join(import.meta.dirname, '../e2e/build-next.ts');
  const paths: string[] = [];
  for (const version of ['0.0.1', '0.0.2']) {
    // Beside the build's own folders: it renames between them.
    const folder = mkdtempSync(join(ROOT, '.build-cache/delta-'));
    bench.after(() => rmSync(folder, { recursive: true, force: true }));
    const built = await runToEnd(
      [process.execPath, builder, folder, version, `commit-${version}`],
      process.env,
    );
    const file =
      built.status === 0 ? readdirSync(folder).find((name) => name.endsWith('.tar.gz')) : undefined;
    if (file === undefined) throw new Error(`gwe itself could not be built: ${built.stderr.slice(-200)}`);
    paths.push(join(folder, file));
  }
  return { what: `gwe for ${process.arch}, two builds`, base: paths[0] ?? '', target: paths[1] ?? '' };
}

async function measured(
  bench: Bench,
  { what, base, target }: Pair,
): Promise<{ ours: Measured; others: Measured[] }> {
  const out = join(bench.folder, 'delta-out');
  const [old, fresh] = [base, target].map((path, n) => {
    const tar = join(bench.folder, `tar-${n}`);
    mustEnd(spawnSync('/bin/sh', ['-c', 'gunzip -c "$1" >"$2"', 'sh', path, tar]));
    return tar;
  }) as [string, string];
  const began = performance.now();
  const made = await makeDelta({ base, target, to: out, scratch: bench.folder });
  const made_s = (performance.now() - began) / 1000;
  bench.say(`${what}: ${made.size_bytes} bytes, ${made.header.memory_bytes} bytes of memory`);
  const followed = await follow(bench, [base, out, join(bench.folder, 'rebuilt')]);
  const ours = { way: 'gwe', bytes: made.size_bytes, made_s, ...followed };
  return { ours, others: await byOthers(bench, old, fresh) };
}

async function follow(
  bench: Bench,
  args: readonly string[],
): Promise<Pick<Measured, 'followed_ms' | 'peak_MiB'>> {
  const script = join(import.meta.dirname, 'delta-follow.ts');
  const { wall_ms, peak_MiB } = await measure([process.execPath, script, ...args], { folder: bench.folder });
  return { followed_ms: wall_ms, peak_MiB };
}
