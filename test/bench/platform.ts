/**
 * What the platform carries, each figure beside a bare Node.js HTTP server that answers the same bytes in the same run:
 *
 *     node test/bench/platform.ts [ROUNDS]
 *
 * Prints tables in Markdown; docs/benchmarks-platform.md says what they mean.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import type { Figures, Task } from './platform-clients.ts';
import type { LoadEnd } from './platform-load.ts';
import { type Fleet, makeFleet, put, type Server, startServer } from './platform-stage.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const CONNECTIONS = 64;
const CONTENT_BYTES = 100e6;
const ANSWER = 'engine_fetch=%7B%22install%22%3A%5B%5D%7D&update_interval=60';
const say = (...cells: readonly unknown[]) => console.log(`| ${cells.join(' | ')} |`);

interface Measured {
  end: LoadEnd;
  cpu_us: number;
}

async function measure(server: Server, fleet: Fleet, rate?: number): Promise<Measured> {
  const load = {
    port: server.port,
    ciks: fleet.ciks,
    connections: CONNECTIONS,
    warmUp_s: 0.5,
    duration_s: 3,
  };
  server.cpu_s();
  const end = await put({ ...load, ...(rate === undefined ? {} : { rate }) });
  const inAll = (end.answered * (load.warmUp_s + load.duration_s)) / load.duration_s;
  return { end, cpu_us: Math.round((server.cpu_s() * 1e6) / inAll) };
}

/** The round with the median rate: neighbours take a core now and then. */
function middle(rounds: readonly Measured[]): Measured {
  const sorted = rounds.toSorted((a, b) => a.end.perSecond - b.end.perSecond);
  const found = sorted[Math.floor(sorted.length / 2)];
  if (found === undefined) throw new Error('no rounds');
  return found;
}

async function checkIns(platform: Server, bare: Server, fleet: Fleet): Promise<number> {
  const full: { platform: Measured[]; bare: Measured[] } = { platform: [], bare: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    full.platform.push(await measure(platform, fleet));
    full.bare.push(await measure(bare, fleet));
  }
  const rate = Math.floor(middle(full.platform).end.perSecond / 2);
  const half = { platform: [await measure(platform, fleet, rate)], bare: [await measure(bare, fleet, rate)] };
  say('', 'a second', 'p50 ms', 'p99 ms', 'server CPU µs each', 'failed');
  say('---', '---', '---', '---', '---', '---');
  const row = (name: string, { end, cpu_us }: Measured) =>
    say(name, end.perSecond, end.p50_ms, end.p99_ms, cpu_us, end.failed);
  row('platform, as many as it takes', middle(full.platform));
  row('bare server, as many as it takes', middle(full.bare));
  row('platform, half of that', middle(half.platform));
  row('bare server, the same number', middle(half.bare));
  const best = (rounds: readonly Measured[]) => Math.max(...rounds.map(({ end }) => end.perSecond));
  console.log(
    `\nbest of ${ROUNDS} rounds: platform ${best(full.platform)}, bare ${best(full.bare)} a second`,
  );
  return middle(full.platform).end.perSecond / middle(full.bare).end.perSecond;
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

/** A platform of its own for each, so that memory is that of the case alone. */
async function onPlatform<T>(fleet: Fleet, act: (platform: Server) => Promise<T>): Promise<T> {
  const platform = await startServer('platform-serve.ts', [fleet.folder]);
  try {
    return await act(platform);
  } finally {
    await platform.stop();
  }
}

console.log(
  `${availableParallelism()} cores, Node.js ${process.version}, load ${loadavg()[0]?.toFixed(1)}\n`,
);
const small = await makeFleet(1000);
await addContent(small.folder);
const bare = await startServer('platform-bare.ts', [ANSWER]);
const share = await onPlatform(small, (platform) => checkIns(platform, bare, small));
console.log(`share of the bare server's rate: ${share.toFixed(2)}\n`);
await bare.stop();

const content = await onPlatform(small, async ({ port, pid, rss_mb }) => {
  const before_mb = rss_mb();
  const cik = small.ciks[0] ?? '';
  const figures = await clients({ kind: 'content', port, cik, clients: 50, bytes: CONTENT_BYTES, pid });
  return { before_mb, ...figures };
});
console.log(
  `100 MB to 50 clients at once: ${content.seconds.toFixed(1)} s, ${Math.round((50 * CONTENT_BYTES) / 1e6 / content.seconds)} MB/s, resident ${content.before_mb} MB before, at most ${content.rss_mb} MB meanwhile\n`,
);
small.remove();

const large = await makeFleet(10_000);
const parked = await onPlatform(large, async ({ port, pid, rss_mb }) => {
  const before_mb = rss_mb();
  return { before_mb, ...(await clients({ kind: 'polls', port, gateways: 10_000, wakes: 500, pid })) };
});
console.log(
  `10,000 parked polls: resident ${parked.before_mb} MB before, ${parked.rss_mb} MB with them, ${(((parked.rss_mb - parked.before_mb) * 1024) / 10_000).toFixed(1)} KB each; a write wakes its poll in p50 ${parked.p50_ms} ms, p99 ${parked.p99_ms} ms (the write's own commit included)\n`,
);
const gateways = await onPlatform(large, async (platform) => {
  const { port, pid } = platform;
  platform.cpu_s();
  const figures = await clients({
    kind: 'gateways',
    port,
    gateways: 5000,
    interval_s: 60,
    duration_s: 75,
    pid,
  });
  return { ...figures, cpu_s: platform.cpu_s() };
});
console.log(
  `5,000 gateways at 60 s, each on a connection of its own: ${gateways.done} check-ins in ${gateways.seconds} s, ${gateways.failed} failed, p50 ${gateways.p50_ms} ms, p99 ${gateways.p99_ms} ms, at most ${gateways.rss_mb} MB resident, ${((100 * gateways.cpu_s) / gateways.seconds).toFixed(1)} % of a core`,
);
large.remove();
