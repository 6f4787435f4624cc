/** The part `rest`: memory while nothing is to be done, of every process that belongs to it. */
import { readFileSync } from 'node:fs';
import { eventually, gweProgram, pssOfTree_KiB, startSupervisord, writeSettings } from '../e2e/machine.ts';
import { type Agent, mender, python, rauc, startPolled, suricatta } from './agents.ts';
import { median, type Series, shown, withSpread } from './figures.ts';
import { addGateway, makeGround, put } from './ground.ts';
import type { Bench, Findings, Part } from './part.ts';

const ROUNDS = 20;
const BETWEEN_ROUNDS_MS = 500;
/** By then all have polled once and come to rest. */
const SETTLE_MS = 12_000;
const FLOOR = "sh -c 'sleep …; :'";
const AWAKE = 'gwe, engine.hibernate = off';
const AIM_MIB = 3;
const AIM_AWAKE_MIB = 50;

export const rest: Part = {
  name: 'rest',
  sentence:
    'Memory between two check-ins, all under one supervisord at the same time: proportional set size (PSS) of each whole ' +
    'process tree, in MiB. Libraries that several of them share are split between them, so the floor is smaller here than alone.',
  needs: ['time', 'supervisor'],
  run: atRest,
};

async function atRest(bench: Bench): Promise<Findings> {
  const { platform, gateway } = await makeGround(bench);
  writeSettings(gateway.config, { 'engine.hibernate': 'on', 'engine.update_interval': '43200' });
  const awake = addGateway(bench, platform, 'gw-2');
  writeSettings(awake.config, { 'engine.hibernate': 'off', 'engine.update_interval': '43200' });
  const agents = await others(bench);
  const programs = agents.map(
    ({ name, command }, n) =>
      `[program:agent${n}]\ncommand=${put(bench.folder, `agent${n}`, launcher(command), 0o755)}\nstopasgroup=true\nkillasgroup=true\n; ${name}\n`,
  );
  const ctl = await startSupervisord(
    bench,
    gateway,
    [gweProgram(gateway), gweProgram(awake).replace('[program:gwe]', '[program:awake]'), ...programs].join(
      '\n',
    ),
  );
  const pids = new Map<string, () => number>([
    ...agents.map(({ name, only }, n) => [name, () => inTree(pidOf(ctl, `agent${n}`), only)] as const),
    ['gwe', () => pidOf(ctl, 'gwe')],
    [AWAKE, () => pidOf(ctl, 'awake')],
  ]);
  await eventually('gwe to hibernate', () => nameOf(pidOf(ctl, 'gwe')) === 'sh');
  await wait(SETTLE_MS);
  const series = await sampled(pids, bench.rounds(ROUNDS));
  return findings(series, [...pids.keys()], resident_MiB(pidOf(ctl, 'awake')));
}

async function others(bench: Bench): Promise<Agent[]> {
  const { port } = await startPolled(bench, undefined, 43_200);
  const url = `http://127.0.0.1:${port}`;
  return [
    { name: FLOOR, command: ['/bin/sh', '-c', 'sleep 43200; :'] },
    ...(bench.has('mender') ? [mender(bench, url, 43_200)] : []),
    ...(bench.has('swupdate') ? [suricatta(bench, url, 43_200)] : []),
    ...(bench.has('rauc') ? [rauc(bench)] : []),
    ...(bench.has('python') ? [python(bench)] : []),
  ];
}

const launcher = (command: readonly string[]): string =>
  `#!/bin/sh\nexec ${command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}\n`;

const pidOf = (ctl: (...args: string[]) => { stdout: string }, program: string): number =>
  Number(ctl('pid', program).stdout);

/** The process itself, or that one of its descendants which is called `name`. */
function inTree(pid: number, name: string | undefined): number {
  if (name === undefined || nameOf(pid) === name) return pid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return children.map((child) => inTree(Number(child), name)).find((found) => found > 0) ?? 0;
}

/** What is resident of a process, and how much of that are pages of files, which the kernel takes back when it needs room. */
function resident_MiB(pid: number): { all: number; ofFiles: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))?.[1]) / 1024;
  return { all: field('VmRSS'), ofFiles: field('RssFile') };
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

async function sampled(pids: ReadonlyMap<string, () => number>, rounds: number): Promise<Series[]> {
  const found = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, pid] of pids) {
      try {
        found.set(name, [...(found.get(name) ?? []), pssOfTree_KiB(pid()) / 1024]);
      } catch {
        // It has just ended, or does not run at all: that shows in the table.
      }
    }
    await wait(BETWEEN_ROUNDS_MS);
  }
  return [...found].map(([way, values]) => ({ way, values }));
}

function findings(
  series: readonly Series[],
  names: readonly string[],
  awake: { all: number; ofFiles: number },
): Findings {
  const missing = names.filter((name) => !series.some(({ way }) => way === name));
  const sorted = series.toSorted((a, b) => median(a.values) - median(b.values));
  const gwe_MiB = median(series.find(({ way }) => way === 'gwe')?.values ?? []);
  return {
    tables: [
      {
        caption: 'At rest',
        columns: ['', 'PSS MiB: median (middle half)', '÷ gwe'],
        rows: sorted.map(({ way, values }) => [way, withSpread(values), shown(median(values) / gwe_MiB)]),
        plot: {
          kind: 'bars',
          name: 'rest',
          title: 'Memory between two check-ins, PSS in MiB',
          bars: sorted.map(({ way, values }) => [way, median(values)]),
        },
      },
    ],
    aims: [
      {
        what: 'memory at rest',
        aim: `≤ ${AIM_MIB} MB`,
        found: `${shown(gwe_MiB)} MiB`,
        isMet: gwe_MiB <= AIM_MIB,
      },
      {
        what: 'RSS awake and idle, of a gwe that does not hibernate',
        aim: `≤ ${AIM_AWAKE_MIB} MB`,
        found: `${shown(awake.all)} MiB, of it ${shown(awake.all - awake.ofFiles)} MiB its own data`,
        isMet: awake.all <= AIM_AWAKE_MIB,
      },
    ],
    notes: [
      `Of the ${shown(awake.all)} MiB of a gwe that stays awake, ${shown(awake.ofFiles)} MiB are pages of files, above all of its own, which begins with Node.js: ` +
        'they are clean, and the kernel takes them back when it needs room (see [memory](#memory) for how little is enough).',
      'Of RAUC only its service counts, not the D-Bus that it needs. SWUpdate is its two processes.',
      ...missing.map((name) => `${name} did not keep running`),
    ],
  };
}

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
