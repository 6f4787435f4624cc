/**
 * What a platform carries with a million gateways in PostgreSQL: check-ins that come from all of them in turn, check-ins of some that
 * come again and again, and polls that are held at two replicas and answered.
 *
 *     node test/bench/million-check-ins.ts [GATEWAYS]
 *
 * It starts a PostgreSQL of its own, fills it, starts replicas from the source, and prints a table in Markdown; docs/scale.md says what it means.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type RawConnection, request } from '../platform/raw.ts';
import { type RealPostgres, startPostgres } from '../platform/real-postgres.ts';
import { shown } from './figures.ts';
import { fillMillion } from './million-fleet.ts';
import { fleetCikOf, type Load } from './platform-load.ts';
import { cpuOfFamily, put, type Server, startServer } from './platform-stage.ts';

const GATEWAYS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 3;
const ROUND_S = 10;
const CONNECTIONS = 128;
/** Gateways that come again and again: each some times within a round. */
const OFTEN = Math.min(GATEWAYS, 10_000);
const POLLS_EACH = Math.min(GATEWAYS / 4, 4_000);
const OPENED_AT_ONCE = 200;
const TOLD = Math.min(POLLS_EACH, 1_000);
const TOLD_AT_ONCE = 4;
const BESIDE = 1_000;
const POLL_MS = 280_000;
const TOKEN = 'a-token-for-the-benches-of-the-platform';
const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** A replica that has looked through all reports uses less than this much of one core. */
const IDLE_PART = 0.05;
/** As docs/scale.md has them set. */
const SETTINGS = [
  'shared_buffers=2GB',
  'max_wal_size=16GB',
  'wal_compression=lz4',
  'autovacuum_vacuum_scale_factor=0.02',
];

const started_ms = performance.now();
const say = (what: string) =>
  process.stderr.write(`${Math.round((performance.now() - started_ms) / 1000)} s: ${what}\n`);

const folder = mkdtempSync(join(tmpdir(), 'gwe-million-'));
const engine = await startPostgres({ isDurable: true, settings: SETTINGS });
const servers: Server[] = [];
/** Of check-ins that were made: those that follow come from others. */
let from = 0;
try {
  const store = engine.database();
  await fillMillion(store, GATEWAYS);
  say(`${GATEWAYS} gateways are there`);
  console.log(
    '| check-ins | a second | p50 ms | p99 ms | CPU µs, replicas | CPU µs, PostgreSQL | WAL KB | failed |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  const one = await startReplica(store);
  await checkIns('one replica, from all in turn', [one], all);
  await checkIns(`one replica, from ${shown(OFTEN)} again and again`, [one], often);
  const two = await startReplica(store);
  await checkIns('two replicas, from all in turn', [one, two], all);
  console.log(
    '\n| held polls | MB in each replica | told | p50 ms | p99 ms | longest ms |\n| --- | --- | --- | --- | --- | --- |',
  );
  await polls(one, two);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function startReplica(store: string): Promise<Server> {
  const data = join(folder, `replica-${servers.length}`);
  const command = [
    process.execPath,
    MAIN,
    'platform',
    '--data',
    data,
    '--store',
    store,
    '--listen',
    '127.0.0.1:0',
  ];
  const server = await startServer(command, { GWE_PLATFORM_TOKEN: TOKEN });
  servers.push(server);
  say('a replica looks through all reports');
  do {
    server.cpu_s();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  } while (server.cpu_s() > 2 * IDLE_PART);
  return server;
}

type Who = () => Pick<Load, 'ciks' | 'fleet'>;

function all(): ReturnType<Who> {
  return { ciks: [], fleet: { gateways: GATEWAYS, from } };
}

function often(): ReturnType<Who> {
  return { ciks: [], fleet: { gateways: OFTEN, from } };
}

/** Prints the round with the median rate. */
async function checkIns(what: string, on: readonly Server[], who: Who): Promise<void> {
  say(what);
  const rows: Array<{ rate: number; cells: string[] }> = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const server of on) server.cpu_s();
    const before = { cpu_s: cpuOfFamily(engine.pid()), wal_bytes: walOf(engine) };
    const end = await put({ ...loadOn(on), ...who(), duration_s: ROUND_S });
    from += end.inAll;
    const each = (amount: number, unit: number) => shown((amount * unit) / end.inAll);
    rows.push({
      rate: end.perSecond,
      cells: [
        ...[end.perSecond, end.p50_ms, end.p99_ms].map(shown),
        each(
          on.reduce((sum, server) => sum + server.cpu_s(), 0),
          1e6,
        ),
        each(cpuOfFamily(engine.pid()) - before.cpu_s, 1e6),
        each(walOf(engine) - before.wal_bytes, 1 / 1024),
        String(end.failed),
      ],
    });
  }
  rows.sort((a, b) => a.rate - b.rate);
  console.log(`| ${[what, ...(rows[Math.floor(ROUNDS / 2)]?.cells ?? [])].join(' | ')} |`);
}

function loadOn(on: readonly Server[]): Pick<Load, 'ports' | 'connections' | 'warmUp_s'> {
  return { ports: on.map(({ port }) => port), connections: CONNECTIONS, warmUp_s: 2 };
}

function walOf(server: RealPostgres): number {
  return Number(server.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"));
}

/** Polls are held at both replicas; gateways that wait at the second one are told at the first. */
async function polls(here: Server, there: Server): Promise<void> {
  say('polls');
  const waiting: RawConnection[] = [];
  for (let n = 0; n < 2 * POLLS_EACH; n += OPENED_AT_ONCE) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, 2 * POLLS_EACH - n) }, (_, at) =>
      hold(n + at < POLLS_EACH ? there : here, n + at),
    );
    waiting.push(...some);
    await parked(here, there, waiting.length);
  }
  const load = loadOn([here, there]);
  await tellAll('nothing else going on', 0);
  const beside = put({ ...load, ...all(), rate: BESIDE, duration_s: 60 });
  await tellAll(`beside ${shown(BESIDE)} check-ins a second`, TOLD);
  await beside;
  for (const each of waiting) each.close();

  async function tellAll(what: string, first: number): Promise<void> {
    const rss = [here, there].map((server) => shown(server.rss_mb())).join(' and ');
    const times_ms: number[] = [];
    await Promise.all(
      Array.from({ length: TOLD_AT_ONCE }, async (_, lane) => {
        const operator = connect(here.port);
        for (let n = first + lane; n < first + TOLD; n += TOLD_AT_ONCE) {
          const gateway = waiting[n];
          if (gateway !== undefined) times_ms.push(await tell(operator, gateway, n));
        }
        operator.close();
      }),
    );
    times_ms.sort((a, b) => a - b);
    const part = (share: number) => shown(times_ms[Math.floor(times_ms.length * share)] ?? 0);
    const cells = [rss, shown(times_ms.length), part(0.5), part(0.99), shown(times_ms.at(-1) ?? 0)];
    console.log(`| ${shown(2 * POLLS_EACH)}, ${what} | ${cells.join(' | ')} |`);
  }
}

function hold(at: Server, n: number): RawConnection {
  const gateway = connect(at.port);
  const head = [`X-Exosite-CIK: ${fleetCikOf(n)}`, `Request-Timeout: ${POLL_MS}`];
  gateway.send(request('GET', '/onep:v1/stack/alias?engine_fetch', head));
  return gateway;
}

/** From the operator's first byte to the gateway's. */
async function tell(operator: RawConnection, gateway: RawConnection, n: number): Promise<number> {
  const path = `/api/v1/gateways/P/S${n}/dataports/engine_fetch`;
  const began_ms = performance.now();
  operator.send(request('PUT', path, [`X-Exosite-Token: ${TOKEN}`], JSON.stringify({ value: `${n}` })));
  const answer = await gateway.answer();
  if (!answer.status.includes(' 200 ')) throw new Error(answer.status);
  const took_ms = performance.now() - began_ms;
  await operator.answer();
  return took_ms;
}

/** Resolves when so many polls are held at both together. */
async function parked(here: Server, there: Server, polls: number): Promise<void> {
  for (;;) {
    const counts = await Promise.all([here, there].map(parkedAt));
    if (counts.reduce((sum, count) => sum + count, 0) >= polls) return;
  }
}

async function parkedAt({ port }: Server): Promise<number> {
  const headers = { 'X-Exosite-Token': TOKEN };
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers });
  return Number(/^gwe_parked_polls (\d+)$/m.exec(await answer.text())?.[1]);
}
