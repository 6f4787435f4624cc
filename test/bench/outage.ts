/**
 * The part `outage`: kill -9 of PostgreSQL, of one of two replicas, and of a PostgreSQL for which a standby takes over, again and again
 * under check-ins, with gateways that wait. What was acknowledged has to be there, who waits has to hear what he is told, and how long a
 * gateway goes without an answer is published.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { lacks } from '../debian.ts';
import { startPair } from '../platform/postgres-pair.ts';
import { startPostgres } from '../platform/real-postgres.ts';
import { shown } from './figures.ts';
import {
  AGAIN_MS,
  countMissing,
  pause,
  type Stage,
  setStage,
  startLoad,
  tellAll,
  UP_AGAIN_MS,
} from './outage-load.ts';
import type { Bench, Findings, Part } from './part.ts';

const KILLS = 10;
/** 1,000 check-ins a second in all. */
const LOAD = { writers: 200, every_ms: 200, waiters: 50 };
const BETWEEN_MS = 1500;

export const outage: Part = {
  name: 'outage',
  sentence:
    `PostgreSQL, then one of two replicas, is killed (kill -9, with all its processes) ${KILLS} times under 1,000 check-ins a second of ` +
    `${LOAD.writers} gateways, while ${LOAD.waiters} others wait for a command. Calls that fail go to the other replica ${AGAIN_MS} ms later. After each kill every ` +
    'waiting gateway is told something. A replica that was killed is started again at once, PostgreSQL too; then the same with a synchronous standby that ' +
    'takes over at once for a PostgreSQL that is not started again (finding out that it died is the business of what looks after both, and comes on top).',
  needs: [],
  run: outages,
};

interface Kind {
  name: string;
  kill(round: number): Promise<unknown>;
  /** Before the next one. */
  mend?(): Promise<void>;
}

interface Endured {
  rows: string[][];
  missing: number;
  forgotten: number;
  acknowledged: number;
  told: number;
}

async function outages(bench: Bench): Promise<Findings> {
  if (lacks('postgres') !== false) {
    return { tables: [], notes: ['Not measured: PostgreSQL is missing (Debian: postgresql).'] };
  }
  const both = [await withOne(bench), await withStandby(bench)];
  const sum = (of: (each: Endured) => number) => both.reduce((total, each) => total + of(each), 0);
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
        rows: both.flatMap(({ rows }) => rows),
      },
    ],
    aims: [
      {
        what: 'check-ins that were acknowledged and are missing',
        aim: '0',
        found: `${sum(({ missing }) => missing)} of ${shown(sum(({ acknowledged }) => acknowledged))}`,
        isMet: sum(({ missing }) => missing) === 0,
      },
      {
        what: 'gateways that waited and were forgotten',
        aim: '0',
        found: `${sum(({ forgotten }) => forgotten)} of ${sum(({ told }) => told)}`,
        isMet: sum(({ forgotten }) => forgotten) === 0,
      },
    ],
  };
}

async function withOne(bench: Bench): Promise<Endured> {
  const engine = await startPostgres();
  bench.after(() => engine.stop());
  const stage = await setStage(bench, folderFor(bench, 'one'), engine.database(), LOAD);
  return endure(bench, stage, [
    {
      name: 'PostgreSQL',
      async kill() {
        await engine.kill();
        await pause(UP_AGAIN_MS);
        await engine.start();
      },
    },
    { name: 'a replica', kill: async (round) => stage.replicas[round % 2]?.killAndStart() },
  ]);
}

async function withStandby(bench: Bench): Promise<Endured> {
  const pair = await startPair();
  bench.after(() => pair.stop());
  const stage = await setStage(bench, folderFor(bench, 'pair'), pair.database(), LOAD);
  await pair.standBy();
  return endure(bench, stage, [
    { name: 'PostgreSQL; its standby takes over', kill: () => pair.failOver('cut'), mend: pair.standBy },
  ]);
}

function folderFor(bench: Bench, name: string): string {
  const folder = join(bench.folder, name);
  mkdirSync(folder);
  return folder;
}

async function endure(bench: Bench, stage: Stage, kinds: readonly Kind[]): Promise<Endured> {
  const { writers, waiters } = startLoad(stage);
  const kills = bench.rounds(KILLS);
  const rows: string[][] = [];
  const told = kinds.length * kills * waiters.length;
  let heard = 0;
  let missing = 0;
  for (const { name, kill, mend } of kinds) {
    bench.say(`kill -9 of ${name}`);
    for (const writer of writers) writer.longest_ms = 0;
    const heard_ms: number[] = [];
    for (let round = 0; round < kills; round += 1) {
      if (round > 0) await mend?.();
      await pause(BETWEEN_MS);
      await kill(round);
      heard_ms.push(...(await tellAll(stage, waiters, `${name} ${round}`)));
      missing += await countMissing(stage.store, writers);
    }
    await pause(BETWEEN_MS);
    heard += heard_ms.length;
    const longest_ms = Math.max(...writers.map((writer) => writer.longest_ms));
    const counts = [String(kills), seconds(longest_ms), String(heard_ms.length)];
    rows.push([name, ...counts, seconds(Math.max(...heard_ms))]);
  }
  stage.isOver = true;
  await Promise.all(writers.map(({ ended }) => ended));
  missing += await countMissing(stage.store, writers);
  const acknowledged = writers.reduce((sum, { looked }) => sum + looked, 0);
  return { rows, missing, forgotten: told - heard, acknowledged, told };
}

const seconds = (ms: number): string => shown(ms / 1000);
