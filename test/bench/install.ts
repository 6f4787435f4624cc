/** The parts `install-large`, `install-many` and `install-few`: checking, unpacking and installing one application, beside the floor and the others. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectZero, GWE } from '../e2e/machine.ts';
import { median, pairedRatio, shown } from './figures.ts';
import { SHAPES, type Shape } from './floor.ts';
import { addGateway, cikOf, type Ground, makeGround } from './ground.ts';
import { alternately, measure, type Taken, tableOf, type Way } from './measure.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';
import { checked, makePayload, type Payload } from './payload.ts';
import { menderInstall, raucInstall, swupdateInstall } from './rivals.ts';

export const FLOOR = 'sha256sum && tar xzf && sh install.sh';
const LOCAL = 'gwe --install-apps';
const DURABLE = ' && sync -f .';
const FETCHED = 'gwe --once';
const PEAK_AIM_MIB = 75;
/** One payload: its part, the aim of install time ÷ floor, and the rounds that two minutes hold. */
interface Trial {
  name: string;
  shape: Shape;
  aim: number;
  rounds: number;
}
const [LARGE, MANY, FEW] = SHAPES;
const TRIALS: readonly Trial[] = [
  { name: 'install-large', shape: LARGE, aim: 0.85, rounds: 7 },
  { name: 'install-many', shape: MANY, aim: 1.2, rounds: 11 },
  { name: 'install-few', shape: FEW, aim: 1.3, rounds: 21 },
];

/** How the others are made ready. */
const RIVALS = [
  ['mender', menderInstall],
  ['swupdate', swupdateInstall],
  ['rauc', raucInstall],
] as const;

const HOW =
  'One application from a file on the disk: verify, unpack, run install.sh, which moves what was unpacked to one place. ' +
  'Beside it `gwe --once`, which also checks in and downloads it from a platform on loopback, against `curl` and the floor. ' +
  'Everything is signed but for the floor and gwe, which hash. Of each run the installed bytes are compared.';

export const installs: readonly Part[] = TRIALS.map((trial) => ({
  name: trial.name,
  sentence: `Installing ${trial.shape.name}. ${HOW}`,
  needs: ['time', 'openssl', 'curl'],
  run: (bench) => install(bench, trial),
}));

async function install(bench: Bench, { name, shape, aim, rounds }: Trial): Promise<Findings> {
  const ground = await makeGround(bench);
  const payload = makePayload(bench, shape, `app${shape.files}`);
  expectZero(ground.platform.operator('content', 'upload', payload.tarball));
  const { ways, unready } = await waysOf(bench, ground, payload);
  const { taken, failed } = await alternately(bench, ways, bench.rounds(rounds));
  const bars = [...taken].map(([way, all]) => [way, median(all.map((one) => one.wall_ms))] as const);
  const title = `Installing ${shape.name}, wall ms`;
  return {
    tables: [{ ...tableOf(shape.name, taken, FLOOR), plot: { kind: 'bars', name, title, bars } }],
    aims: aimsOf(shape, taken, aim),
    notes: [...unready, ...failed, againstDurable(taken), WHAT_COUNTS],
  };
}

const WHAT_COUNTS =
  'gwe makes what it installed durable (fsync, journal, the last good tarball kept) within the measured time; the floor leaves ' +
  'it in the cache: "floor && sync" shows what that is worth. A run of RAUC includes neither the CPU time of its service, ' +
  'which does the work, nor its start; SWUpdate ends one second after it is done, by a sleep of its own.';

/** What the aim asks for is measured against a floor that leaves everything in the cache; this is against one that does not. */
function againstDurable(taken: ReadonlyMap<string, readonly Taken[]>): string {
  const walls = (way: string) => (taken.get(way) ?? []).map((one) => one.wall_ms);
  const [durable, own] = [walls(`the floor${DURABLE}`), walls(LOCAL)];
  const [atLeast, ratio] = [pairedRatio(durable, walls(FLOOR)), pairedRatio(own, durable)];
  return `A floor that syncs takes ${shown(atLeast)} × the time of the floor; gwe takes ${shown(ratio)} × the time of that`;
}

/** The least that an installer does. */
export function floorWay(payload: Payload, tail = ''): Way {
  const into = join(payload.folder, 'into');
  const line = `sha256sum -c --status "$1.sha256" && mkdir "$2" && tar xzf "$1" -C "$2" && cd "$2" && sh install.sh${tail}`;
  const command = ['/bin/sh', '-c', line, 'sh', payload.tarball, into];
  const name = tail === '' ? FLOOR : `the floor${tail}`;
  return checked({ name, run: () => measure(command, { folder: payload.folder }) }, payload, () =>
    rmSync(into, { recursive: true, force: true }),
  );
}

/** `gwe --install-apps` with an empty state each time. */
export function localWay(payload: Payload, name = LOCAL): Way {
  const at = (folder: string) => join(payload.folder, 'gwe', folder);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: payload.folder,
    GWE_CONFIG_DIR: at('etc'),
    GWE_STATE_DIR: at('state'),
  };
  const run = () => measure([GWE, '--install-apps', payload.tarball], { folder: payload.folder, env });
  return checked({ name, run }, payload, () => rmSync(at(''), { recursive: true, force: true }));
}

export async function waysOf(
  bench: Bench,
  ground: Ground,
  payload: Payload,
): Promise<{ ways: Way[]; unready: string[] }> {
  const rivals: Way[] = [];
  const unready: string[] = [];
  for (const [name, make] of RIVALS) {
    if (!bench.has(name)) {
      unready.push(`${name} is not on this machine`);
      continue;
    }
    try {
      rivals.push(checked(await make(bench, payload), payload));
    } catch (error) {
      unready.push(`${name} could not be made ready: ${error instanceof Error ? error.message : error}`);
    }
  }
  const own = [floorWay(payload), floorWay(payload, DURABLE), localWay(payload)];
  return {
    ways: [...own, ...rivals, fetchedFloor(ground, payload), fetchedWay(bench, ground, payload)],
    unready,
  };
}

function fetchedFloor({ platform, gateway }: Ground, payload: Payload): Way {
  const name = payload.tarball.split('/').at(-1) ?? '';
  const copy = join(payload.folder, `copy-${name}`);
  const url = `${platform.url}/provision/download?vendor=${platform.product}&model=${platform.product}&id=${name}`;
  const cik = cikOf(gateway);
  const into = join(payload.folder, 'into');
  const line =
    'curl -sf -H "X-Exosite-CIK: $3" -o "$4" "$5" && sha256sum <"$4" >/dev/null && mkdir "$2" && tar xzf "$4" -C "$2" && cd "$2" && sh install.sh';
  const command = ['/bin/sh', '-c', line, 'sh', payload.tarball, into, cik, copy, url];
  const way = { name: 'curl && the floor', run: () => measure(command, { folder: payload.folder }) };
  return checked(way, payload, () => rmSync(into, { recursive: true, force: true }));
}

/** A new gateway each time: activation, check-in, download, install, report. */
export function fetchedWay(bench: Bench, { platform }: Ground, payload: Payload, name = FETCHED): Way {
  const run = async () => {
    const file = payload.tarball.split('/').at(-1) ?? '';
    const gateway = addGateway(bench, platform, `gw-${process.hrtime.bigint()}`);
    expectZero(platform.operator('deploy', gateway.serial, file, '--no-wait'));
    const taken = await measure([...gateway.command, '--once'], { folder: payload.folder, env: gateway.env });
    rmSync(gateway.state, { recursive: true });
    return taken;
  };
  return checked({ name, run }, payload);
}

function aimsOf({ name }: Shape, taken: ReadonlyMap<string, readonly Taken[]>, aim: number): Aim[] {
  const walls = (way: string) => (taken.get(way) ?? []).map((one) => one.wall_ms);
  const ratio = pairedRatio(walls(LOCAL), walls(FLOOR));
  const peak_MiB = Math.max(
    ...[LOCAL, FETCHED].map((way) => median((taken.get(way) ?? []).map((one) => one.peak_MiB))),
  );
  const rivals = ['mender', 'swupdate', 'rauc'].filter((way) => taken.has(way));
  const behind = rivals.filter((way) => median(walls(way)) <= median(walls(LOCAL)));
  return [
    { what: `install time ÷ floor, ${name}`, aim: `≤ ${aim}`, found: shown(ratio), isMet: ratio <= aim },
    {
      what: `ahead of the others, ${name}`,
      aim: 'of all',
      found:
        behind.length === 0
          ? `of ${rivals.join(', ') || 'nobody: none could be measured'}`
          : `not of ${behind.join(', ')}`,
      isMet: behind.length === 0 && rivals.length > 0,
    },
    {
      what: `peak memory while installing, ${name}`,
      aim: `≤ ${PEAK_AIM_MIB} MB`,
      found: `${shown(peak_MiB)} MiB`,
      isMet: peak_MiB <= PEAK_AIM_MIB,
    },
  ];
}
