/**
 * The part `outage`: kill -9 of PostgreSQL, and of one of two replicas, again and again under check-ins, with gateways that wait. What
 * was acknowledged has to be there, who waits has to hear what he is told, and how long a gateway goes without an answer is published.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { HISTORY_MAX_POINTS } from '../../src/platform/limits.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import { assertEnds } from '../alive.ts';
import { lacks } from '../debian.ts';
import { GWE } from '../e2e/machine.ts';
import { connect, header, type RawAnswer, type RawConnection, request } from '../platform/raw.ts';
import { type RealPostgres, startPostgres } from '../platform/real-postgres.ts';
import { shown } from './figures.ts';
import type { Bench, Findings, Part } from './part.ts';
import { cikOf, fillFleet, type Server, startServer } from './platform-stage.ts';

const KILLS = 10;
const WRITERS = 200;
/** Of each writer: 1,000 check-ins a second in all. */
const EVERY_MS = 200;
const WAITERS = 50;
/** Between a failed call and the next one, which goes to the other replica: what a load balancer and a client do together. */
const AGAIN_MS = 50;
const UP_AGAIN_MS = 300;
const BETWEEN_MS = 1500;
const POLL_S = 20;
const FORGOTTEN_AFTER_MS = 30_000;
const TOKEN = 'a-token-for-the-benches-of-the-platform';

export const outage: Part = {
  name: 'outage',
  sentence:
    `PostgreSQL, then one of two replicas, is killed (kill -9, with all its processes) ${KILLS} times under 1,000 check-ins a second of ` +
    `${WRITERS} gateways, while ${WAITERS} others wait for a command. Calls that fail go to the other replica ${AGAIN_MS} ms later. After each kill every ` +
    'waiting gateway is told something. A replica that was killed is started again at once, PostgreSQL too.',
  needs: [],
  run: outages,
};

interface Stage {
  engine: RealPostgres;
  /** Its address. */
  store: string;
  replicas: Replica[];
  isOver: boolean;
}

interface Replica {
  port: number;
  /** kill -9, and up again on the same port. */
  killAndStart(): Promise<void>;
}

async function outages(bench: Bench): Promise<Findings> {
  if (lacks('postgres') !== false) {
    return { tables: [], notes: ['Not measured: PostgreSQL is missing (Debian: postgresql).'] };
  }
  const stage = await setUp(bench);
  const writers = Array.from({ length: WRITERS }, (_, n) => startWriter(stage, n));
  const waiters = Array.from({ length: WAITERS }, (_, n) => startWaiter(stage, WRITERS + n));
  const kills = bench.rounds(KILLS);
  const rows: string[][] = [];
  let forgotten = 0;
  let missing = 0;
  for (const kind of ['PostgreSQL', 'a replica'] as const) {
    bench.say(`kill -9 of ${kind}`);
    for (const writer of writers) writer.longest_ms = 0;
    const heard_ms: number[] = [];
    for (let round = 0; round < kills; round += 1) {
      await pause(BETWEEN_MS);
      await (kind === 'PostgreSQL' ? killEngine(stage) : stage.replicas[round % 2]?.killAndStart());
      heard_ms.push(...(await tellAll(stage, waiters, `${kind} ${round}`)));
      missing += await countMissing(stage.store, writers);
    }
    await pause(BETWEEN_MS);
    forgotten += kills * WAITERS - heard_ms.length;
    const longest_ms = Math.max(...writers.map((writer) => writer.longest_ms));
    rows.push([
      kind,
      String(kills),
      seconds(longest_ms),
      String(heard_ms.length),
      seconds(Math.max(...heard_ms)),
    ]);
  }
  stage.isOver = true;
  await Promise.all(writers.map(({ ended }) => ended));
  missing += await countMissing(stage.store, writers);
  const acknowledged = writers.reduce((sum, { looked }) => sum + looked, 0);
  return {
    tables: [
      {
        caption: 'Outages',
        columns: [
          'killed',
          'times',
          'longest a gateway went without an answer, s',
          'commands heard by who waited',
          'longest from told to heard, s',
        ],
        rows,
      },
    ],
    aims: [
      {
        what: 'check-ins that were acknowledged and are missing',
        aim: '0',
        found: `${missing} of ${shown(acknowledged)}`,
        isMet: missing === 0,
      },
      {
        what: 'gateways that waited and were forgotten',
        aim: '0',
        found: `${forgotten} of ${2 * kills * WAITERS}`,
        isMet: forgotten === 0,
      },
    ],
  };
}

async function setUp(bench: Bench): Promise<Stage> {
  const engine = await startPostgres();
  bench.after(() => engine.stop());
  const store = engine.database();
  const filling = await openPostgresStore(store, systemClock, createLog('ERROR'));
  await fillFleet(filling, WRITERS + WAITERS);
  await filling.close();
  const replicas = await Promise.all([0, 1].map((n) => startReplica(bench, store, n)));
  return { engine, store, replicas, isOver: false };
}

async function startReplica(bench: Bench, store: string, n: number): Promise<Replica> {
  const folder = join(bench.folder, `replica-${n}`);
  mkdirSync(folder);
  const start = (port: number): Promise<Server> =>
    startServer([GWE, 'platform', '--data', folder, '--store', store, '--listen', `127.0.0.1:${port}`], {
      GWE_PLATFORM_TOKEN: TOKEN,
    });
  let server = await start(0);
  bench.after(() => server.stop());
  return {
    port: server.port,
    async killAndStart() {
      process.kill(server.pid, 'SIGKILL');
      await assertEnds(server.pid);
      await pause(UP_AGAIN_MS);
      server = await start(server.port);
    },
  };
}

async function killEngine({ engine }: Stage): Promise<void> {
  await engine.kill();
  await pause(UP_AGAIN_MS);
  await engine.start();
}

interface Writer {
  gateway: number;
  /** Values that were acknowledged, in order. */
  acked: string[];
  /** How many of them were looked for since. */
  looked: number;
  /** The longest that a value took, from its first try. */
  longest_ms: number;
  ended: Promise<void>;
}

/** A gateway that checks in again and again, each value until it is acknowledged. */
function startWriter(stage: Stage, gateway: number): Writer {
  const writer: Writer = { gateway, acked: [], looked: 0, longest_ms: 0, ended: Promise.resolve() };
  const client = clientOf(stage, gateway);
  const key = [`X-Exosite-CIK: ${cikOf(gateway)}`];
  const write = async () => {
    await pause((gateway * EVERY_MS) / WRITERS);
    for (let n = 0; !stage.isOver; n += 1) {
      const began_ms = performance.now();
      const value = `${gateway}-${n}`;
      const form = `device_info=${value}&usage_report=${value}&engine_report=${value}`;
      const call = request('POST', '/onep:v1/stack/alias?engine_fetch&update_interval', key, form);
      while (!(await client(call))?.status.includes(' 200 ')) await pause(AGAIN_MS);
      const took_ms = performance.now() - began_ms;
      writer.longest_ms = Math.max(writer.longest_ms, took_ms);
      writer.acked.push(value);
      await pause(Math.max(0, EVERY_MS - took_ms));
    }
  };
  writer.ended = write();
  return writer;
}

interface Waiter {
  gateway: number;
  /** When it heard what, by `performance.now`. */
  heard: Map<string, number>;
}

/** A gateway that waits for commands; when its poll ends or breaks it waits at the other replica. */
function startWaiter(stage: Stage, gateway: number): Waiter {
  const heard = new Map<string, number>();
  const client = clientOf(stage, gateway, POLL_S * 1000 + 5000);
  let since = new Date().toUTCString();
  const wait = async () => {
    while (!stage.isOver) {
      const headers = [
        `X-Exosite-CIK: ${cikOf(gateway)}`,
        `Request-Timeout: ${POLL_S * 1000}`,
        `If-Modified-Since: ${since}`,
      ];
      const answer = await client(request('GET', '/onep:v1/stack/alias?engine_fetch', headers));
      if (answer?.status.includes(' 200 ')) {
        heard.set(decodeURIComponent(answer.body.toString().split('=')[1] ?? ''), performance.now());
        // As clients in the field do: a second after the one that is known.
        since = new Date(Date.parse(header(answer, 'Last-Modified') ?? since) + 1000).toUTCString();
      } else if (!answer?.status.includes(' 304 ')) await pause(AGAIN_MS);
    }
  };
  void wait();
  return { gateway, heard };
}

/** Tells each waiter, and returns how long each took from then on to hear it; those who do not within the limit are left out. */
async function tellAll(stage: Stage, waiters: readonly Waiter[], value: string): Promise<number[]> {
  const took_ms = await Promise.all(
    waiters.map(async ({ gateway, heard }) => {
      const client = clientOf(stage, gateway);
      const path = `/api/v1/gateways/P/S${gateway}/dataports/engine_fetch`;
      const call = request('PUT', path, [`X-Exosite-Token: ${TOKEN}`], JSON.stringify({ value }));
      while (!(await client(call))?.status.includes(' 200 ')) await pause(AGAIN_MS);
      const told_ms = performance.now();
      while (!heard.has(value) && performance.now() - told_ms < FORGOTTEN_AFTER_MS) await pause(1);
      const heard_ms = heard.get(value);
      return heard_ms === undefined ? undefined : Math.max(0, heard_ms - told_ms);
    }),
  );
  return took_ms.filter((ms) => ms !== undefined);
}

/** Asks one replica, and after a failure the other one; resolves with undefined when there was no answer. */
function clientOf(stage: Stage, first: number, patience_ms?: number) {
  let at = first % 2;
  let connection: RawConnection | undefined;
  return async (bytes: Buffer): Promise<RawAnswer | undefined> => {
    connection ??= connect(stage.replicas[at]?.port ?? 0);
    connection.send(bytes);
    const answer = await connection.answer(patience_ms).catch(() => undefined);
    if (answer !== undefined && !/ 5\d\d /.test(answer.status)) return answer;
    connection.close();
    connection = undefined;
    at = 1 - at;
    return answer;
  };
}

/** How many values that were acknowledged since the last time are not in the history. */
async function countMissing(address: string, writers: readonly Writer[]): Promise<number> {
  const store = await openPostgresStore(address, systemClock, createLog('ERROR'));
  let missing = 0;
  for (const writer of writers) {
    const since = writer.acked.slice(writer.looked);
    const who = { product: 'P', serial: `S${writer.gateway}` };
    const points = (await store.points(who, 'device_info', { limit: HISTORY_MAX_POINTS })) ?? [];
    const kept = new Set(points.map(({ value }) => value));
    missing += since.filter((value) => !kept.has(value)).length;
    writer.looked += since.length;
  }
  await store.close();
  return missing;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const seconds = (ms: number): string => shown(ms / 1000);
