/** Deltas of other programs, between the unpacked tars: how each is made and followed, by a line of shell. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { mustEnd } from './floor.ts';
import { measure } from './measure.ts';
import type { Bench } from './part.ts';

/** What a delta takes. */
export interface Measured {
  way: string;
  bytes: number;
  made_s: number;
  followed_ms: number;
  peak_MiB: number;
}

interface Other {
  way: string;
  proof: readonly string[];
  /** Lines of shell; $1 = old, $2 = new, $3 = the delta, $4 = what comes out. */
  make: string;
  apply: string;
}

const OTHERS: readonly Other[] = [
  {
    way: 'zstd -19 --patch-from, the whole',
    proof: ['/usr/bin/zstd'],
    make: 'zstd -q -f -19 --long=27 --patch-from="$1" "$2" -o "$3" 2>/dev/null',
    apply: 'exec zstd -q -f -d --long=27 --patch-from="$1" "$3" -o "$4"',
  },
  {
    way: 'zstd -3 --patch-from, the whole',
    proof: ['/usr/bin/zstd'],
    make: 'zstd -q -f -3 --long=27 --patch-from="$1" "$2" -o "$3" 2>/dev/null',
    apply: 'exec zstd -q -f -d --long=27 --patch-from="$1" "$3" -o "$4"',
  },
  {
    way: 'xdelta3 -9',
    proof: ['/usr/bin/xdelta3'],
    make: 'xdelta3 -9 -f -e -s "$1" "$2" "$3"',
    apply: 'exec xdelta3 -f -d -s "$1" "$3" "$4"',
  },
  {
    way: 'bsdiff',
    proof: ['/usr/bin/bsdiff', '/usr/bin/bspatch'],
    make: 'bsdiff "$1" "$2" "$3"',
    apply: 'exec bspatch "$1" "$4" "$3"',
  },
  {
    // What travels is the index, and the chunks that cannot be had from the old tar.
    way: 'casync, the index and new chunks',
    proof: ['/usr/bin/casync'],
    make:
      'd="$3.d"; rm -rf "$d" && mkdir "$d" && casync make --store="$d/old" "$d/old.caibx" "$1" && ' +
      'casync make --store="$d/new" "$d/new.caibx" "$2" && cd "$d/new" && ' +
      '{ cat ../new.caibx; find . -name "*.cacnk" | while read -r c; do test -e "../old/$c" || cat "$c"; done; } >"$3"',
    apply: 'rm -f "$4"; exec casync extract --store="$3.d/new" --seed="$1" "$3.d/new.caibx" "$4"',
  },
];

/** All of them that are on this machine. */
export async function byOthers(bench: Bench, old: string, fresh: string): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const way of OTHERS) {
    if (way.proof.every((path) => existsSync(path))) all.push(await byOther(bench, way, old, fresh));
  }
  return all;
}

async function byOther(bench: Bench, other: Other, old: string, fresh: string): Promise<Measured> {
  const [patch, out] = [join(bench.folder, 'patch'), join(bench.folder, 'patched')];
  const run = (line: string) =>
    measure(['/bin/sh', '-c', line, 'sh', old, fresh, patch, out], { folder: bench.folder });
  const made = await run(other.make);
  const applied = await run(other.apply);
  mustEnd(spawnSync('cmp', [fresh, out]));
  return {
    way: other.way,
    bytes: statSync(patch).size,
    made_s: made.wall_ms / 1000,
    followed_ms: applied.wall_ms,
    peak_MiB: applied.peak_MiB,
  };
}
