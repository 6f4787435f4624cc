/** How little memory is enough: gwe under a limit of the kernel that counts its pages of files, too (a cgroup of version 1 or 2). */
import { copyFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectZero, GWE, run } from '../e2e/machine.ts';
import { measure, type Taken } from './measure.ts';
import type { Bench } from './part.ts';

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };
/** With less than it needs a program does not end, it only reads its own file again and again. */
const LIMIT_S = '15';
/** Joins the cgroup $1, and becomes the rest. */
const JOIN = 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"';

export interface Cage {
  /** Runs gwe with so much memory; an Error when that is not enough. */
  run(limit_MiB: number, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Taken>;
}

/** Undefined where this machine lets nobody make a cgroup. */
export function makeCage(bench: Bench): Cage | undefined {
  const found = [
    { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
    { root: '/sys/fs/cgroup', limit: 'memory.max' },
  ].find(({ root }) => existsSync(join(root, 'cgroup.procs')));
  if (found === undefined) return undefined;
  const folder = join(found.root, `gwe-bench-${process.pid}`);
  try {
    mkdirSync(folder);
    bench.after(() => rmdirSync(folder));
    writeFileSync(join(folder, found.limit), String(2 ** 30));
  } catch {
    return undefined;
  }
  // A copy of its own, that lies in nobody's cache: pages that others have read would not count.
  const gwe = join(bench.folder, 'gwe-alone');
  copyFileSync(GWE, gwe);
  return {
    run: async (limit_MiB, args, env) => {
      writeFileSync(join(folder, found.limit), String(limit_MiB * 2 ** 20));
      expectZero(
        run(['dd', `of=${gwe}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'], ENV),
      );
      const within = ['/bin/sh', '-c', JOIN, 'sh', folder];
      return await measure(['timeout', '-s', 'KILL', LIMIT_S, gwe, ...args], {
        folder: bench.folder,
        env,
        within,
      });
    },
  };
}

/** Tries limits from the largest to the smallest until one is too little. */
export async function leastMemory(
  limits_MiB: readonly number[],
  attempt: (limit_MiB: number) => Promise<Taken>,
): Promise<{ limit_MiB: number; wall_ms: number }[]> {
  const enough: { limit_MiB: number; wall_ms: number }[] = [];
  for (const limit_MiB of limits_MiB) {
    try {
      enough.push({ limit_MiB, wall_ms: (await attempt(limit_MiB)).wall_ms });
    } catch {
      break;
    }
  }
  return enough;
}
