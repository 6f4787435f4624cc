/**
 * The same application for all: one tarball, whose install.sh moves what was unpacked to one place, and a check that
 * every way really put the same bytes there.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeTarball, mustEnd, type Shape } from './floor.ts';
import { digestOfTree, type Way } from './measure.ts';
import type { Bench } from './part.ts';

export interface Payload {
  tarball: string;
  /** Where install.sh puts it. */
  target: string;
  /** For what a way makes of it. */
  folder: string;
  /** What digestOfTree says of what must lie in `target`. */
  digest: string;
}

export function makePayload(bench: Bench, shape: Omit<Shape, 'name'>, app = 'payload'): Payload {
  const folder = join(bench.folder, `${app}-${shape.files}-${shape.bytes}`);
  const target = join(bench.folder, 'target', app);
  mkdirSync(folder);
  const script = `#!/bin/sh\nset -e\nrm -rf '${target}'\nmkdir -p '${target}'\nmv lib* '${target}/'\necho installed\n`;
  const tarball = makeTarball(folder, app, shape, script);
  const into = join(folder, 'reference');
  mkdirSync(into);
  mustEnd(
    spawnSync('/bin/sh', ['-c', 'tar xzf "$1" -C "$2" && cd "$2" && sh install.sh', 'sh', tarball, into]),
  );
  const digest = digestOfTree(target);
  rmSync(into, { recursive: true });
  rmSync(target, { recursive: true });
  return { tarball, target, folder, digest };
}

/** The way, with the check after each run that the payload really was installed; then all is as before. */
export function checked(way: Way, payload: Payload, clear: () => void = () => {}): Way {
  return {
    name: way.name,
    run: async () => {
      rmSync(payload.target, { recursive: true, force: true });
      clear();
      spawnSync('sync');
      const taken = await way.run();
      if (digestOfTree(payload.target) !== payload.digest)
        throw new Error(`${way.name} installed other bytes: ${taken.stdout.slice(-300)}`);
      return taken;
    },
  };
}
