/** The part `small`: a gateway with 64 MB of memory and 128 MB of flash, and what it can install before it is in trouble. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GWE } from '../e2e/machine.ts';
import { type Cage, makeCage } from './confined.ts';
import { type Disk, mountDisk } from './disk.ts';
import { shown } from './figures.ts';
import { makeTarball } from './floor.ts';
import { measure, type Taken } from './measure.ts';
import type { Bench, Findings, Part } from './part.ts';

const FLASH_MIB = 128;
const MEMORY_MIB = 64;
const SIZES_MB = [5, 10, 20, 30, 40, 50, 60, 80];
const FILES = 50;
/** What an install may take here at most before it counts as trouble; without trouble it takes a second or two. */
const TROUBLE_MS = 10_000;

export const small: Part = {
  name: 'small',
  sentence:
    `A gateway with ${MEMORY_MIB} MiB of memory (all of gwe's pages count, as in [memory](#memory)) and an ext4 of ${FLASH_MIB} MiB for applications ` +
    'and state: the size at which an install is in trouble, first of the application, then of the update that finds the version before in place.',
  needs: ['time'],
  run: onSmall,
};

const IS_DONE = / ms$/;

interface Tried {
  first: string;
  update: string;
}

async function onSmall(bench: Bench): Promise<Findings> {
  const disk = mountDisk(bench, FLASH_MIB);
  const cage = makeCage(bench);
  const rows: string[][] = [];
  let most_MB = 0;
  for (const size_MB of SIZES_MB) {
    bench.say(`${size_MB} MB`);
    const tried = await installTwice(bench, disk, cage, size_MB);
    rows.push([`${size_MB} MB`, tried.first, tried.update]);
    if (!IS_DONE.test(tried.update)) break;
    most_MB = size_MB;
  }
  const memory =
    cage === undefined ? ['Here nobody may make a cgroup: the memory was not limited, only the flash.'] : [];
  return {
    tables: [
      {
        caption: `Installing so much unpacked, in ${FILES} files`,
        columns: ['', 'the first version', 'the next version over it'],
        rows,
      },
    ],
    notes: [
      `The largest that could be updated: ${most_MB} MB unpacked. On the flash lie at most, for a moment: the last good tarball, the new ` +
        'one, what it unpacks to, and the version in place; install.reserve_bytes stays free.',
      `gwe's own file is not on this file system. What takes more than ${TROUBLE_MS / 1000} s is called trouble.`,
      ...memory,
    ],
  };
}

async function installTwice(
  bench: Bench,
  disk: Disk,
  cage: Cage | undefined,
  size_MB: number,
): Promise<Tried> {
  const root = join(disk.folder, 'gateway');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: root,
    GWE_CONFIG_DIR: join(root, 'etc'),
    GWE_STATE_DIR: join(root, 'state'),
  };
  const target = join(root, 'target');
  const script = `#!/bin/sh\nset -e\nrm -rf '${target}'\nmkdir -p '${target}'\nmv lib* '${target}/'\n`;
  const folder = join(bench.folder, `small${size_MB}`);
  mkdirSync(folder);
  const shape = { files: FILES, bytes: size_MB * 1e6 };
  const tarball = makeTarball(folder, 'small', shape, script);
  const next = tarball.replace('.v1.', '.v2.');
  const install = (file: string) => {
    const args = ['--install-apps', file];
    if (cage !== undefined) return cage.run(MEMORY_MIB, args, env);
    return measure([GWE, ...args], { folder: bench.folder, env });
  };
  const first = await attempted(() => install(tarball));
  renameSync(tarball, next);
  const update = IS_DONE.test(first) ? await attempted(() => install(next)) : '–';
  rmSync(folder, { recursive: true });
  return { first, update };
}

/** How long it took, or in gwe's own words why it could not be done. */
async function attempted(install: () => Promise<Taken>): Promise<string> {
  try {
    const { wall_ms } = await install();
    return wall_ms > TROUBLE_MS ? `in trouble: ${shown(wall_ms)} milliseconds` : `${shown(wall_ms)} ms`;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const words = text.match(/(waits?|waiting|failed|discarded): [^\n]*/)?.[0];
    return words ?? (/137/.test(text) ? 'too little memory' : (text.trim().split('\n').at(-1) ?? ''));
  }
}
