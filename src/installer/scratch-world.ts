/**
 * A scratch world: this machine's files as they are, but whatever a script changes in them goes into a folder of ours, and
 * the machine stays as it is. Made of an overlay over each folder at the top, in mount and process namespaces of its own,
 * with no devices but the harmless ones, a /proc that cannot be written, and an empty /run: no socket of a daemon is in
 * reach. The network is the machine's own. What is run in it is up to rehearsal.ts.
 */
import {
  chmodSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { makeOutputPipe } from '../host/output-pipe.ts';
import { runScript, type ScriptEnd } from '../host/processes.ts';

/** Where the bench, a folder of ours, lies in a scratch world. */
export const BENCH = '/gwe-test';
/** Top folders that a world has anew, or empty. */
const NOT_COPIED = ['proc', 'sys', 'dev', 'run', 'tmp', 'mnt', 'media', 'lost+found', BENCH.slice(1)];
/** Ways into namespaces of our own, the one that lets scripts do most first. */
const WAYS = [[], ['--user', '--map-root-user']] as const;
const KILL_GRACE_S = 2;
const PROBE_LIMIT_S = 20;

/** $1 the world, $2 the bench, $3 the world before ('' = none), $4 options of the overlays; then top folders, `--`, the command. */
const ENTER = `set -e
world=$1 bench=$2 before=$3 options=$4
shift 4
root=$world/root
if [ ! -d "$root" ]; then
  mkdir -p "$world/upper" "$root"
  # As a layer of its own it would lie within another one, which the kernel does not allow.
  [ -z "$before" ] || cp -a "$before/upper" "$before/root" "$world/"
fi
while [ "$1" != -- ]; do
  upper=$world/upper/$1 work=$world/work/$1
  if [ ! -d "$upper" ]; then
    mkdir -p "$upper"
    chmod "$(stat -c %a "/$1")" "$upper"
  fi
  mkdir -p "$work" "$root/$1"
  mount -t overlay overlay -o "lowerdir=/$1,upperdir=$upper,workdir=$work$options" "$root/$1"
  shift
done
shift
for top in proc dev sys run tmp mnt media ${BENCH.slice(1)}; do mkdir -p "$root/$top"; done
chmod 1777 "$root/tmp"
for link in /*; do [ ! -L "$link" ] || [ -L "$root$link" ] || cp -P "$link" "$root$link"; done
mount --bind "$bench" "$root${BENCH}"
mount -t proc -o ro proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for each in null zero full random urandom tty; do
  : >"$root/dev/$each"
  mount --bind "/dev/$each" "$root/dev/$each"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
: >"$bench/begun"
chroot "$root" /bin/sh -c 'cd ${BENCH}/app && exec "$@"' sh "$@"
`;

/** A command in a world. */
export interface WorldRun {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  timeout_s: number;
  outputMax_bytes: number;
  signal?: AbortSignal;
}

/** Worlds to try a script in. */
export interface Worlds {
  /** Whether each is apart from this machine; else there is but one, the machine itself. */
  readonly areScratch: boolean;
  /** Whether scripts in them have the rights of root over this machine's files. */
  readonly haveRoot: boolean;
  /** All of ours; goes with `remove`. */
  readonly folder: string;
  /**
   * Runs a command in the world `name`, which is as an earlier run in it left it; a new one is as the world `before`, or
   * else this machine. Its working folder is `app` of the bench. Raises `io` when the world cannot be entered.
   */
  run(name: string, bench: string, run: WorldRun, before?: string): Promise<ScriptEnd>;
  /** Where scripts find the bench. */
  benchSeen(bench: string): string;
  /** Takes away a world that is not needed any more. */
  drop(name: string): void;
  /** The folders that hold what was changed in a world, and which paths they stand for. */
  changes(name: string): { folder: string; path: string }[];
  remove(): void;
}

/** Opens scratch worlds; `undefined` where this machine lets nobody have them. */
export async function openScratchWorlds(clock: Clock): Promise<Worlds | undefined> {
  for (const base of ['/var/tmp', tmpdir(), '/dev/shm']) {
    for (const way of WAYS) {
      const worlds = existsSync(base)
        ? worldsIn(mkdtempSync(join(base, 'gwe-test-')), way, clock)
        : undefined;
      if (worlds === undefined) continue;
      if (await works(worlds)) return worlds;
      worlds.remove();
    }
  }
  return undefined;
}

async function works(worlds: Worlds): Promise<boolean> {
  const bench = join(worlds.folder, 'probe-bench');
  mkdirSync(join(bench, 'app'), { recursive: true });
  const run = { command: ['true'], env: process.env, timeout_s: PROBE_LIMIT_S, outputMax_bytes: 4096 };
  try {
    return (await worlds.run('probe', bench, run)).status === 0;
  } catch {
    return false;
  }
}

function worldsIn(folder: string, way: readonly string[], clock: Clock): Worlds {
  const world = (name: string) => join(folder, 'worlds', name);
  const tops = topFolders(folder);
  const options = way.length === 0 ? '' : ',userxattr';
  return {
    areScratch: true,
    haveRoot: way.length === 0,
    folder,
    benchSeen: () => BENCH,
    drop: (name) => removeAll(world(name)),
    async run(name, bench, run, before) {
      const begun = join(bench, 'begun');
      rmSync(begun, { force: true });
      mkdirSync(world(name), { recursive: true });
      const former = before === undefined ? '' : world(before);
      const enter = ['/bin/sh', '-c', ENTER, 'gwe', world(name), bench, former, options, ...tops, '--'];
      const command = ['unshare', ...way, '--mount', '--pid', '--fork', ...enter, ...run.command] as const;
      const end = await runScript(
        { ...run, command, cwd: '/', pipe: makeOutputPipe(bench), killGrace_s: KILL_GRACE_S },
        clock,
      );
      if (!existsSync(begun))
        throw new GweError('io', `Cannot enter a scratch world: ${end.output.toString()}`);
      return end;
    },
    changes: (name) => [
      ...tops.map((top) => ({ folder: join(world(name), 'upper', top), path: `/${top}` })),
      ...newTops(join(world(name), 'root'), tops),
    ],
    remove: () => removeAll(folder),
  };
}

/** Real folders at the top of this machine; one in which our own lies is fine, too. */
function topFolders(ours: string): string[] {
  return readdirSync('/').filter(
    (name) => !NOT_COPIED.includes(name) && `/${name}` !== ours && lstatSync(`/${name}`).isDirectory(),
  );
}

/** What a script made at the very top. */
function newTops(root: string, tops: readonly string[]): { folder: string; path: string }[] {
  const known = new Set([...tops, ...NOT_COPIED]);
  return readdirSync(root)
    .filter((name) => !known.has(name) && !lstatSync(join(root, name)).isSymbolicLink())
    .map((name) => ({ folder: join(root, name), path: `/${name}` }));
}

/** Removes a world or all of them. An overlay leaves folders behind that even their owner may not enter. */
function removeAll(folder: string): void {
  for (const path of globSync(['work/*/work', 'worlds/*/work/*/work'], { cwd: folder })) {
    chmodSync(join(folder, path), 0o700);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** This machine itself, for who cannot have scratch worlds and says that it may be changed. */
export function thisMachine(clock: Clock): Worlds {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-test-'));
  return {
    areScratch: false,
    haveRoot: process.getuid?.() === 0,
    folder,
    benchSeen: (bench) => bench,
    drop: () => {},
    run: async (_, bench, { command: [file = 'true', ...args], ...run }) =>
      await runScript(
        {
          ...run,
          command: [file, ...args],
          cwd: join(bench, 'app'),
          pipe: makeOutputPipe(bench),
          killGrace_s: KILL_GRACE_S,
        },
        clock,
      ),
    changes: () => [],
    remove: () => removeAll(folder),
  };
}
