/**
 * The part `scale`: what replicas of the built file carry over one PostgreSQL, beside one platform over SQLite and a bare server in the
 * same run; and how soon what is told at one replica reaches who waits at the other. docs/scale.md says what to conclude from it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import { lacks } from '../debian.ts';
import { GWE } from '../e2e/machine.ts';
import { connect, request } from '../platform/raw.ts';
import { type RealPostgres, startPostgres } from '../platform/real-postgres.ts';
import { median, shown } from './figures.ts';
import type { Bench, Findings, Part } from './part.ts';
import type { LoadEnd } from './platform-load.ts';
import {
  cikOf,
  cpuOfFamily,
  fillFleet,
  makeFleet,
  put,
  type Server,
  startScript,
  startServer,
} from './platform-stage.ts';

const GATEWAYS = 1000;
const CONNECTIONS = 128;
const WARM_UP_S = 1;
const ROUND_S = 3;
const ROUNDS = 3;
const REPLICAS = [1, 2, 4];
const TELLS = 300;
/** Other check-ins a second while gateways are told. */
const BESIDE = 1000;
const TOLD_P99_MS = 100;
const TOKEN = 'a-token-for-the-benches-of-the-platform';
const ANSWER = 'engine_fetch=%7B%22install%22%3A%5B%5D%7D&update_interval=60';

export const scale: Part = {
  name: 'scale',
  sentence:
    'What replicas of `gwe platform` carry over one PostgreSQL: check-ins that write three reports (3.3 KB, each new) and read two aliases, ' +
    '1,000 gateways, 128 connections, answered when they are committed with `fsync`. PostgreSQL, replicas and load share the machine, so that ' +
    'more replicas than cores show what they cost each other, not what they add.',
  needs: [],
  run: scales,
};

interface Measured {
  end: LoadEnd;
  /** Microseconds of CPU for each check-in. */
  replicas_us: number;
  postgres_us: number;
}

async function scales(bench: Bench): Promise<Findings> {
  if (lacks('postgres') !== false) {
    return { tables: [], notes: ['Not measured: PostgreSQL is missing (Debian: postgresql).'] };
  }
  const engine = await startPostgres();
  bench.after(() => engine.stop());
  const rows = [...(await floors(bench)), ...(await onReplicas(bench, engine))];
  const told = await tells(bench, engine);
  return {
    tables: [
      {
        caption: 'Check-ins',
        columns: [
          '',
          'a second',
          'p50 ms',
          'p99 ms',
          'platform CPU µs each',
          'PostgreSQL CPU µs each',
          'failed',
        ],
        rows,
      },
      {
        caption: 'From an operator at one replica to a gateway that waits at another',
        columns: ['', 'told', 'p50 ms', 'p99 ms', 'longest ms'],
        rows: told.map(({ what, times_ms }) => [what, String(times_ms.length), ...spread(times_ms)]),
      },
    ],
    aims: told.map(({ what, times_ms }) => ({
      what: `from an operator at one replica to a gateway at another, ${what}, p99`,
      aim: `≤ ${TOLD_P99_MS} ms`,
      found: `${shown(part(times_ms, 0.99))} ms`,
      isMet: part(times_ms, 0.99) <= TOLD_P99_MS,
    })),
  };
}

async function floors(bench: Bench): Promise<string[][]> {
  const bare = await startScript('platform-bare.ts', [ANSWER]);
  bench.after(() => bare.stop());
  const fleet = await makeFleet(GATEWAYS);
  bench.after(fleet.remove);
  const embedded = await startPlatform(bench, ['--data', fleet.folder]);
  const found = [
    row('bare server', await rounds(bench, [bare])),
    row('one platform over SQLite', await rounds(bench, [embedded])),
  ];
  await Promise.all([bare.stop(), embedded.stop()]);
  return found;
}

async function onReplicas(bench: Bench, engine: RealPostgres): Promise<string[][]> {
  const store = await filled(engine);
  const found: string[][] = [];
  for (const count of REPLICAS) {
    bench.say(`${count} over PostgreSQL`);
    const replicas = await startReplicas(bench, store, count);
    const name = count === 1 ? 'one platform over PostgreSQL' : `${count} replicas over PostgreSQL`;
    found.push(row(name, await rounds(bench, replicas, engine)));
    await Promise.all(replicas.map((replica) => replica.stop()));
  }
  return found;
}

/** A database with the fleet in it: its address. */
async function filled(engine: RealPostgres): Promise<string> {
  const url = engine.database();
  const store = await openPostgresStore(url, systemClock, createLog('ERROR'));
  await fillFleet(store, GATEWAYS);
  await store.close();
  return url;
}

async function startReplicas(bench: Bench, store: string, count: number): Promise<Server[]> {
  return Promise.all(
    Array.from({ length: count }, (_, n) => {
      const folder = join(bench.folder, `replica-${n}`);
      mkdirSync(folder, { recursive: true });
      return startPlatform(bench, ['--data', folder, '--store', store]);
    }),
  );
}

async function startPlatform(bench: Bench, options: readonly string[]): Promise<Server> {
  const command = [GWE, 'platform', ...options, '--listen', '127.0.0.1:0'];
  const server = await startServer(command, { GWE_PLATFORM_TOKEN: TOKEN });
  bench.after(() => server.stop());
  return server;
}

/** The round with the median rate. */
async function rounds(bench: Bench, servers: readonly Server[], engine?: RealPostgres): Promise<Measured> {
  const all: Measured[] = [];
  for (let round = 0; round < bench.rounds(ROUNDS); round += 1) {
    for (const server of servers) server.cpu_s();
    const before_s = engine === undefined ? 0 : cpuOfFamily(engine.pid());
    const end = await put({ ...loadOn(servers), duration_s: ROUND_S });
    const used_s = servers.reduce((sum, server) => sum + server.cpu_s(), 0);
    const postgres_s = engine === undefined ? 0 : cpuOfFamily(engine.pid()) - before_s;
    const each_us = (seconds: number) => Math.round((seconds * 1e6) / end.inAll);
    all.push({ end, replicas_us: each_us(used_s), postgres_us: each_us(postgres_s) });
  }
  const rate = median(all.map(({ end }) => end.perSecond));
  const [middle] = all.toSorted(
    (a, b) => Math.abs(a.end.perSecond - rate) - Math.abs(b.end.perSecond - rate),
  );
  if (middle === undefined) throw new Error('no rounds');
  return middle;
}

const loadOn = (servers: readonly Server[]) => ({
  ports: servers.map(({ port }) => port),
  ciks: Array.from({ length: GATEWAYS }, (_, n) => cikOf(n)),
  connections: CONNECTIONS,
  warmUp_s: WARM_UP_S,
});

function row(name: string, { end, replicas_us, postgres_us }: Measured): string[] {
  const postgres = postgres_us === 0 ? '–' : String(postgres_us);
  return [
    name,
    shown(end.perSecond),
    shown(end.p50_ms),
    shown(end.p99_ms),
    String(replicas_us),
    postgres,
    String(end.failed),
  ];
}

interface Told {
  what: string;
  times_ms: number[];
}

async function tells(bench: Bench, engine: RealPostgres): Promise<Told[]> {
  bench.say('from one replica to the other');
  const replicas = await startReplicas(bench, await filled(engine), 2);
  const [here, there] = replicas;
  if (here === undefined || there === undefined) throw new Error('no replicas');
  const count = bench.rounds(TELLS);
  const quiet = await tellOneByOne(here.port, there.port, count);
  const load = put({ ...loadOn(replicas), rate: BESIDE, duration_s: 600 / BESIDE + count / 15 });
  const busy = await tellOneByOne(here.port, there.port, count);
  await load;
  return [
    { what: 'nothing else going on', times_ms: quiet },
    { what: `beside ${shown(BESIDE)} check-ins a second`, times_ms: busy },
  ];
}

/** One gateway after the other waits at `there` and is told at `here`: from the operator's first byte to the gateway's. */
async function tellOneByOne(here: number, there: number, count: number): Promise<number[]> {
  const operator = connect(here);
  const times_ms: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const gateway = connect(there);
    const cik = [`X-Exosite-CIK: ${cikOf(n % GATEWAYS)}`];
    gateway.send(request('GET', '/timestamp', cik));
    await gateway.answer();
    gateway.send(request('GET', '/onep:v1/stack/alias?engine_fetch', [...cik, 'Request-Timeout: 60000']));
    await parked(there, 1);
    const path = `/api/v1/gateways/P/S${n % GATEWAYS}/dataports/engine_fetch`;
    const began_ms = performance.now();
    operator.send(request('PUT', path, [`X-Exosite-Token: ${TOKEN}`], JSON.stringify({ value: `${n}` })));
    await gateway.answer();
    times_ms.push(performance.now() - began_ms);
    await operator.answer();
    gateway.close();
  }
  operator.close();
  return times_ms;
}

/** Resolves when so many polls are held. */
async function parked(port: number, polls: number): Promise<void> {
  const looking = connect(port);
  for (;;) {
    looking.send(request('GET', '/metrics', [`X-Exosite-Token: ${TOKEN}`]));
    const text = (await looking.answer()).body.toString();
    if (Number(/^gwe_parked_polls (\d+)$/m.exec(text)?.[1]) >= polls) break;
  }
  looking.close();
}

function part(times_ms: readonly number[], share: number): number {
  return times_ms.toSorted((a, b) => a - b)[Math.floor(times_ms.length * share)] ?? 0;
}

const spread = (times_ms: readonly number[]): string[] =>
  [part(times_ms, 0.5), part(times_ms, 0.99), Math.max(...times_ms)].map(shown);
