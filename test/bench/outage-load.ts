/**
 * Gateways that check in and gateways that wait, at two replicas that may be killed, as may the PostgreSQL behind them: what was
 * acknowledged is remembered and looked for, and so is who was told something and did not hear it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { HISTORY_MAX_POINTS } from '../../src/platform/limits.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import { assertEnds } from '../alive.ts';
import { type Ending, GWE } from '../e2e/machine.ts';
import { connect, header, type RawAnswer, type RawConnection, request } from '../platform/raw.ts';
import { cikOf, fillFleet, type Server, startServer } from './platform-stage.ts';

/** Between a failed call and the next one, which goes to the other replica: what a load balancer and a client do together. */
export const AGAIN_MS = 50;
export const UP_AGAIN_MS = 300;
const POLL_S = 20;
export const FORGOTTEN_AFTER_MS = 30_000;
const TOKEN = 'a-token-for-the-benches-of-the-platform';

export interface Load {
  writers: number;
  /** Of each writer. */
  every_ms: number;
  waiters: number;
}

export interface Stage {
  /** Address of the database. */
  store: string;
  load: Load;
  replicas: Replica[];
  isOver: boolean;
}

export interface Replica {
  port: number;
  /** kill -9, and up again on the same port. */
  killAndStart(): Promise<void>;
}

/** Two replicas as processes of the built file, over an empty database that is filled with the gateways of `load`. */
export async function setStage(t: Ending, folder: string, store: string, load: Load): Promise<Stage> {
  const filling = await openPostgresStore(store, systemClock, createLog('ERROR'));
  await fillFleet(filling, load.writers + load.waiters);
  await filling.close();
  const replicas = await Promise.all([0, 1].map((n) => startReplica(t, join(folder, `replica-${n}`), store)));
  return { store, load, replicas, isOver: false };
}

async function startReplica(t: Ending, folder: string, store: string): Promise<Replica> {
  mkdirSync(folder);
  const start = (port: number): Promise<Server> =>
    startServer([GWE, 'platform', '--data', folder, '--store', store, '--listen', `127.0.0.1:${port}`], {
      GWE_PLATFORM_TOKEN: TOKEN,
    });
  let server = await start(0);
  t.after(() => server.stop());
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

export interface Writer {
  gateway: number;
  /** Values that were acknowledged, in order. */
  acked: string[];
  /** How many of them were looked for since. */
  looked: number;
  /** The longest that a value took, from its first try. */
  longest_ms: number;
  ended: Promise<void>;
}

/** Starts all of them. */
export function startLoad(stage: Stage): { writers: Writer[]; waiters: Waiter[] } {
  const { writers, waiters } = stage.load;
  return {
    writers: Array.from({ length: writers }, (_, n) => startWriter(stage, n)),
    waiters: Array.from({ length: waiters }, (_, n) => startWaiter(stage, writers + n)),
  };
}

/** A gateway that checks in again and again, each value until it is acknowledged. */
function startWriter(stage: Stage, gateway: number): Writer {
  const { every_ms, writers } = stage.load;
  const writer: Writer = { gateway, acked: [], looked: 0, longest_ms: 0, ended: Promise.resolve() };
  const client = clientOf(stage, gateway);
  const key = [`X-Exosite-CIK: ${cikOf(gateway)}`];
  const write = async () => {
    await pause((gateway * every_ms) / writers);
    for (let n = 0; !stage.isOver; n += 1) {
      const began_ms = performance.now();
      const value = `${gateway}-${n}`;
      const form = `device_info=${value}&usage_report=${value}&engine_report=${value}`;
      const call = request('POST', '/onep:v1/stack/alias?engine_fetch&update_interval', key, form);
      while (!(await client(call))?.status.includes(' 200 ')) {
        if (stage.isOver) return;
        await pause(AGAIN_MS);
      }
      const took_ms = performance.now() - began_ms;
      writer.longest_ms = Math.max(writer.longest_ms, took_ms);
      writer.acked.push(value);
      await pause(Math.max(0, every_ms - took_ms));
    }
  };
  writer.ended = write();
  return writer;
}

export interface Waiter {
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
export async function tellAll(stage: Stage, waiters: readonly Waiter[], value: string): Promise<number[]> {
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
export async function countMissing(address: string, writers: readonly Writer[]): Promise<number> {
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

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
