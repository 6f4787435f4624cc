/**
 * The part `platform`: what the built file carries as a platform, each figure beside a bare Node.js HTTP server that answers the
 * same bytes in the same run. docs/benchmarks-platform.md says what the figures mean and where the time goes.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import { GWE } from '../e2e/machine.ts';
import { median, pairedRatio, shown } from './figures.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';
import type { Figures, Task } from './platform-clients.ts';
import type { LoadEnd } from './platform-load.ts';
import { type Fleet, makeFleet, put, type Server, startScript, startServer } from './platform-stage.ts';

const ROUNDS = 5;
const CONNECTIONS = 64;
const WARM_UP_S = 0.5;
const ROUND_S = 2;
const CONTENT_BYTES = 100e6;
const CONTENT_CLIENTS = 50;
const POLLS = 10_000;
const WAKES = 300;
const GATEWAYS = { count: 5000, interval_s: 60, duration_s: 20 };
const ANSWER = 'engine_fetch=%7B%22install%22%3A%5B%5D%7D&update_interval=60';
const AIM = { share: 0.4, halfLoadP99_ms: 50, resident_mb: 300 };

export const platform: Part = {
  name: 'platform',
  sentence:
    'What `gwe platform` carries. A check-in writes three reports (3.3 KB, each new) and reads two aliases; it is answered when it is ' +
    'on the disk. 1,000 gateways, 64 connections. The floor is a bare Node.js HTTP server that takes in the same requests and ' +
    'answers the same bytes without looking at them. Server and load share the machine. More in [benchmarks-platform.md](benchmarks-platform.md).',
  needs: [],
  run: platforms,
};

interface Measured {
  end: LoadEnd;
  cpu_us: number;
}

interface CheckIns {
  rows: string[][];
  aims: Aim[];
}

async function platforms(bench: Bench): Promise<Findings> {
  const small = await fleetFor(bench, 1000);
  await addContent(small.folder);
  bench.say('check-ins');
  const checkIns = await onPlatform(bench, small, (server) => measureCheckIns(bench, server, small));
  bench.say('content');
  const content = await onPlatform(bench, small, ({ port, pid }) => {
    const cik = small.ciks[0] ?? '';
    return clients({ kind: 'content', port, cik, clients: CONTENT_CLIENTS, bytes: CONTENT_BYTES, pid });
  });
  const large = await fleetFor(bench, POLLS);
  bench.say('long polls');
  const polls = await onPlatform(bench, large, ({ port, pid }) =>
    clients({ kind: 'polls', port, gateways: POLLS, wakes: WAKES, pid }),
  );
  bench.say('gateways at their interval');
  const { count: gateways, ...pace } = GATEWAYS;
  const fleet = await onPlatform(bench, large, ({ port, pid }) =>
    clients({ kind: 'gateways', port, gateways, ...pace, pid }),
  );
  const columns = ['', 'a second', 'p50 ms', 'p99 ms', 'server CPU µs each', 'load CPU µs each', 'failed'];
  return {
    tables: [
      { caption: 'Check-ins', columns, rows: checkIns.rows },
      { caption: 'Other figures', columns: ['', ''], rows: otherRows({ content, polls, fleet }) },
    ],
    aims: [
      ...checkIns.aims,
      {
        what: 'resident with 5,000 gateways at 60 s',
        aim: `< ${AIM.resident_mb} MB`,
        found: `${fleet.rss_mb} MB`,
        isMet: fleet.rss_mb < AIM.resident_mb,
      },
    ],
  };
}

interface Measurement extends Figures {
  before_mb: number;
  cpu_s: number;
}

function otherRows(of: Record<'content' | 'polls' | 'fleet', Measurement>): string[][] {
  const { content, polls, fleet } = of;
  const each_kb = ((polls.rss_mb - polls.before_mb) * 1024) / POLLS;
  const rate = (CONTENT_CLIENTS * CONTENT_BYTES) / 1e6 / content.seconds;
  return [
    [
      `${shown(POLLS)} parked long polls on one process`,
      `${polls.rss_mb} MB resident, ${polls.before_mb} MB before them: ${shown(each_kb)} KB each`,
    ],
    [
      'a write wakes its poll among those, its own commit included',
      `p50 ${polls.p50_ms} ms, p99 ${polls.p99_ms} ms`,
    ],
    [
      `100 MB of content to ${CONTENT_CLIENTS} clients at once`,
      `${shown(rate)} MB/s; ${content.before_mb} MB resident before, at most ${content.rss_mb} MB meanwhile`,
    ],
    [
      `${shown(GATEWAYS.count)} gateways at ${GATEWAYS.interval_s} s, each on a connection of its own`,
      `${fleet.done} check-ins, ${fleet.failed} failed, p50 ${fleet.p50_ms} ms, p99 ${fleet.p99_ms} ms, at most ${fleet.rss_mb} MB ` +
        `resident, ${shown((100 * fleet.cpu_s) / fleet.seconds)} % of a core`,
    ],
  ];
}

/** Alternately as many as they take, then both at half of what the platform took. */
async function measureCheckIns(bench: Bench, server: Server, fleet: Fleet): Promise<CheckIns> {
  const bare = await startScript('platform-bare.ts', [ANSWER]);
  bench.after(() => bare.stop());
  const full: { platform: Measured[]; bare: Measured[] } = { platform: [], bare: [] };
  for (let round = 0; round < bench.rounds(ROUNDS); round += 1) {
    full.platform.push(await measure(server, fleet));
    full.bare.push(await measure(bare, fleet));
  }
  const rate = Math.floor(middle(full.platform).end.perSecond / 2);
  const half = { platform: await measure(server, fleet, rate), bare: await measure(bare, fleet, rate) };
  const rates = (all: readonly Measured[]) => all.map(({ end }) => end.perSecond);
  const share = pairedRatio(rates(full.platform), rates(full.bare));
  const best = (all: readonly Measured[]) => shown(Math.max(...rates(all)));
  return {
    rows: [
      row(`platform, as many as it takes (best ${best(full.platform)})`, middle(full.platform)),
      row(`bare server, as many as it takes (best ${best(full.bare)})`, middle(full.bare)),
      row('platform, half of that', half.platform),
      row('bare server, the same number', half.bare),
    ],
    aims: [
      {
        what: "durable check-ins, as a share of the bare server's rate",
        aim: `≥ ${AIM.share}`,
        found: shown(share),
        isMet: share >= AIM.share,
      },
      {
        what: 'p99 of a check-in at half load',
        aim: `≤ ${AIM.halfLoadP99_ms} ms`,
        found: `${shown(half.platform.end.p99_ms)} ms`,
        isMet: half.platform.end.p99_ms <= AIM.halfLoadP99_ms,
      },
    ],
  };
}

function row(name: string, { end, cpu_us }: Measured): string[] {
  const figures = [end.perSecond, end.p50_ms, end.p99_ms, cpu_us, end.load_cpu_us, end.failed];
  return [name, ...figures.map((figure) => (Number.isInteger(figure) ? String(figure) : shown(figure)))];
}

async function measure(server: Server, fleet: Fleet, rate?: number): Promise<Measured> {
  const load = {
    ports: [server.port],
    ciks: fleet.ciks,
    connections: CONNECTIONS,
    warmUp_s: WARM_UP_S,
    duration_s: ROUND_S,
  };
  server.cpu_s();
  const end = await put({ ...load, ...(rate === undefined ? {} : { rate }) });
  return { end, cpu_us: Math.round((server.cpu_s() * 1e6) / end.inAll) };
}

/** The round with the median rate: neighbours take a core now and then. */
function middle(rounds: readonly Measured[]): Measured {
  const rate = median(rounds.map(({ end }) => end.perSecond));
  const distance = ({ end }: Measured) => Math.abs(end.perSecond - rate);
  const [found] = rounds.toSorted((a, b) => distance(a) - distance(b));
  if (found === undefined) throw new Error('no rounds');
  return found;
}

async function fleetFor(bench: Bench, gateways: number): Promise<Fleet> {
  const fleet = await makeFleet(gateways);
  bench.after(fleet.remove);
  return fleet;
}

async function clients(task: Task): Promise<Figures> {
  const script = join(import.meta.dirname, 'platform-clients.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(task)], {
    maxBuffer: 1e7,
  });
  return JSON.parse(stdout);
}

async function addContent(folder: string): Promise<void> {
  const bytes = randomBytes(CONTENT_BYTES);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  mkdirSync(join(folder, 'content'), { recursive: true });
  writeFileSync(join(folder, 'content', sha256), bytes);
  const store = openSqliteStore(join(folder, 'platform.db'), systemClock);
  const entry = { name: 'big', type: 'application/octet-stream', size_bytes: CONTENT_BYTES, sha256 };
  await store.putContent('P', { ...entry, now_ms: Date.now() });
  await store.close();
}

/** A platform of its own for each case, so that memory is that of the case alone. */
async function onPlatform<T>(
  bench: Bench,
  fleet: Fleet,
  act: (platform: Server) => Promise<T>,
): Promise<T & { before_mb: number; cpu_s: number }> {
  const command = [GWE, 'platform', '--data', fleet.folder, '--listen', '127.0.0.1:0'];
  const server = await startServer(command, {
    GWE_PLATFORM_TOKEN: 'a-token-for-the-benches-of-the-platform',
  });
  bench.after(() => server.stop());
  const before_mb = server.rss_mb();
  server.cpu_s();
  const found = await act(server);
  const cpu_s = server.cpu_s();
  await server.stop();
  return { ...found, before_mb, cpu_s };
}
