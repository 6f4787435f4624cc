/**
 * Runs inside of a network namespace that has nothing but `lo`, so that what `lo` counts is what one program sends and gets:
 * `wire-inside.ts FOLDER ROUNDS` prints one line of JSON. What it means is told by wire.ts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BARE_PATH, type Ending, expectZero, writeSettings } from '../e2e/machine.ts';
import { startTap, type TappedRequest } from '../e2e/tap.ts';
import { type Agent, mender, startPolled, suricatta } from './agents.ts';
import { median } from './figures.ts';
import { addGateway, type Chain, cikOf, type Ground, makeChain, makeGround, put } from './ground.ts';
import { runToEnd } from './measure.ts';
import type { Bench } from './part.ts';
import { hasTool } from './tools.ts';

interface Count {
  bytes: number;
  packets: number;
}

export interface Counted {
  rows: { way: string; first: number; firstPackets: number; resumed?: number; resumedPackets?: number }[];
  body_bytes: number;
  notes: string[];
}

/** After the last process has ended, the kernel still takes leave of the connection. */
const LEAVE_MS = 150;
const QUIET_MS = 1500;
const POLL_S = 5;
/** First contact, and three polls after it. */
const POLLS_LIMIT_MS = 25_000;
const ENV = { PATH: BARE_PATH, HOME: '/' };

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function counters(): Count {
  const [bytes = 0, packets = 0] = (readFileSync('/proc/self/net/dev', 'utf8').match(/lo:(.*)/)?.[1] ?? '')
    .trim()
    .split(/\s+/)
    .map(Number);
  return { bytes, packets };
}

async function counted(act: () => Promise<unknown>): Promise<Count> {
  const before = counters();
  await act();
  await wait(LEAVE_MS);
  const after = counters();
  return { bytes: after.bytes - before.bytes, packets: after.packets - before.packets };
}

async function must(command: readonly string[]): Promise<void> {
  const ran = await runToEnd(command, ENV);
  if (ran.status !== 0) throw new Error(`${command.join(' ')} ended with ${ran.status}: ${ran.stderr}`);
}

const middle = (counts: readonly Count[]): Count => ({
  bytes: median(counts.map(({ bytes }) => bytes)),
  packets: median(counts.map(({ packets }) => packets)),
});

/** One, and one after another: what the second one adds is a resumed one, since curl keeps its sessions only while it runs. */
async function ofCurl(
  way: string,
  rounds: number,
  args: readonly string[],
  url: string,
): Promise<Counted['rows'][number]> {
  const once = ['curl', '-sf', '-H', 'Connection: close', ...args, '-o', '/dev/null', url];
  const first: Count[] = [];
  const both: Count[] = [];
  for (let round = 0; round < rounds; round++) {
    first.push(await counted(() => must(once)));
    both.push(await counted(() => must([...once, '-o', '/dev/null', url])));
  }
  const [one, two] = [middle(first), middle(both)];
  return {
    way,
    first: one.bytes,
    firstPackets: one.packets,
    resumed: two.bytes - one.bytes,
    resumedPackets: two.packets - one.packets,
  };
}

async function ofGwe(way: string, rounds: number, { gateway }: Ground): Promise<Counted['rows'][number]> {
  const first: Count[] = [];
  const resumed: Count[] = [];
  const once = async () => void expectZero(await gateway.gweAsync('--once'));
  for (let round = 0; round < rounds; round++) {
    rmSync(join(gateway.state, 'tls-session'), { force: true });
    first.push(await counted(once));
    resumed.push(await counted(once));
  }
  const [one, two] = [middle(first), middle(resumed)];
  return {
    way,
    first: one.bytes,
    firstPackets: one.packets,
    resumed: two.bytes,
    resumedPackets: two.packets,
  };
}

/** The idle check-in of a gateway as the platform gets it. */
async function tapped(t: Ending, ground: Ground): Promise<TappedRequest> {
  const tap = await startTap(t, ground.platform.url);
  const gateway = addGateway(t, { ...ground.platform, url: tap.url }, 'gw-tapped');
  expectZero(await gateway.gweAsync('--once'));
  tap.requests.length = 0;
  expectZero(await gateway.gweAsync('--once'));
  const request = tap.requests.find(({ body }) => body !== '');
  if (request === undefined) throw new Error('no check-in came by');
  return request;
}

/** What a daemon's polls cost, the first of them and the middle one of those after it. */
async function ofAgent(
  agent: Agent,
  polled: Awaited<ReturnType<typeof startPolled>>,
): Promise<Counted['rows'][number]> {
  const counts: Count[] = [];
  let before = counters();
  let quiet: NodeJS.Timeout | undefined;
  const [file = '', ...args] = agent.command;
  // A poll may be several connections: it is over when the line has been quiet for a while.
  polled.onEnd(() => {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      const now = counters();
      counts.push({ bytes: now.bytes - before.bytes, packets: now.packets - before.packets });
      before = now;
    }, QUIET_MS);
  });
  const child = spawn(file, args, { stdio: 'ignore', env: ENV, detached: true });
  const deadline_ms = performance.now() + POLLS_LIMIT_MS;
  while (counts.length < 4 && performance.now() < deadline_ms) await wait(100);
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  await wait(2 * LEAVE_MS);
  const [first, ...later] = counts;
  if (first === undefined) throw new Error('it never polled');
  const rest =
    later.length === 0 ? {} : { resumed: middle(later).bytes, resumedPackets: middle(later).packets };
  return { way: agent.name, first: first.bytes, firstPackets: first.packets, ...rest };
}

async function countAll(bench: Bench, rounds: number): Promise<Counted> {
  const chain = makeChain(join(bench.folder, 'tls'));
  const http = await makeGround(bench);
  const https = await makeGround(bench, chain);
  const request = await tapped(bench, http);
  const path = request.url;
  const read = '/onep:v1/stack/alias?engine_fetch';
  const rows: Counted['rows'] = [];
  for (const [scheme, ground] of [
    ['http', http],
    ['https', https],
  ] as const) {
    const key = ['--cacert', chain.ca, '-H', `X-Exosite-CIK: ${cikOf(ground.gateway)}`];
    const body = [...key, '--data-binary', `@${put(bench.folder, 'body', request.body)}`];
    rows.push(await ofCurl(`curl, one value read, ${scheme}`, rounds, key, ground.platform.url + read));
    rows.push(await ofCurl(`curl, the same body, ${scheme}`, rounds, body, ground.platform.url + path));
    rows.push(await ofGwe(`gwe, ${scheme}`, rounds, ground));
    writeSettings(ground.gateway.config, { 'reports.detail': 'changed' });
    rows.push(await ofGwe(`gwe, reports.detail = changed, ${scheme}`, rounds, ground));
  }
  const notes: string[] = [];
  await countAgents(bench, chain, rows, notes);
  return { rows, body_bytes: request.body.length, notes };
}

async function countAgents(
  bench: Bench,
  chain: Chain,
  rows: Counted['rows'],
  notes: string[],
): Promise<void> {
  for (const [tool, make] of [
    ['swupdate', suricatta],
    ['mender', mender],
  ] as const) {
    if (!hasTool(tool)) {
      notes.push(`${tool} is not on this machine`);
      continue;
    }
    const polled = await startPolled(bench, chain, POLL_S);
    const agent = make(bench, `https://127.0.0.1:${polled.port}`, POLL_S, chain.ca);
    try {
      const row = await ofAgent(agent, polled);
      rows.push({ ...row, way: `${row.way}, its poll, https` });
    } catch (error) {
      notes.push(
        `${agent.name}: ${error instanceof Error ? error.message : error}; it asked for ${polled.requests.join(', ') || 'nothing'}`,
      );
    }
  }
}

const [folder = '', rounds = '3'] = process.argv.slice(2);
spawnSync('ip', ['link', 'set', 'lo', 'mtu', '1500', 'gso_max_segs', '1', 'up']);
const undoing: Array<() => unknown> = [];
const bench: Bench = {
  folder,
  rounds: (full) => full,
  isShort: false,
  has: hasTool,
  say: () => {},
  after: (undo) => undoing.unshift(undo),
};
try {
  const found = await countAll(bench, Number(rounds));
  process.stdout.write(`${JSON.stringify(found)}\n`);
} finally {
  for (const undo of undoing) await undo();
}
