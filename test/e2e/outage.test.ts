/** What fails under two replicas, for real: kill -9 of a replica, of PostgreSQL, and of a PostgreSQL for which its standby takes over. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  countMissing,
  pause,
  type Stage,
  setStage,
  startLoad,
  tellAll,
  UP_AGAIN_MS,
  type Writer,
} from '../bench/outage-load.ts';
import { lacks } from '../debian.ts';
import { startPair } from '../platform/postgres-pair.ts';
import { startPostgres } from '../platform/real-postgres.ts';
import { eventually, tempFolder } from './machine.ts';

const needs = { skip: lacks('postgres') };
/** Some 300 check-ins a second. */
const LOAD = { writers: 60, every_ms: 200, waiters: 15 };

test(
  'kill -9 of a replica and of PostgreSQL: nothing acknowledged is missing, and nobody who waits is forgotten',
  needs,
  async (t) => {
    const server = await startPostgres();
    t.after(() => server.stop());
    const stage = await setStage(t, tempFolder(t), server.database(), LOAD);
    await endure(t, stage, [
      ...[0, 1].map((n) => () => stage.replicas[n]?.killAndStart()),
      ...[0, 1].map(() => async () => {
        await server.kill();
        await pause(UP_AGAIN_MS);
        await server.start();
      }),
    ]);
  },
);

test(
  'the machine of PostgreSQL vanishes without a word and its standby takes over: the same, and replicas go on by themselves',
  needs,
  async (t) => {
    const pair = await startPair();
    t.after(() => pair.stop());
    const stage = await setStage(t, tempFolder(t), pair.database(), LOAD);
    await pair.standBy();
    await endure(t, stage, [() => pair.failOver('silent')]);
  },
);

/** Each of `kills` comes under check-ins; after it all who wait are told something. */
async function endure(
  t: TestContext,
  stage: Stage,
  kills: ReadonlyArray<() => Promise<unknown> | undefined>,
): Promise<void> {
  const { writers, waiters } = startLoad(stage);
  t.after(() => {
    stage.isOver = true;
  });
  for (const [round, kill] of kills.entries()) {
    await checkIns(writers);
    await kill();
    const heard = await tellAll(stage, waiters, `round ${round}`);
    assert.equal(heard.length, waiters.length, `who waited and heard after kill ${round + 1}`);
    await checkIns(writers);
    assert.equal(await countMissing(stage.store, writers), 0, `missing after kill ${round + 1}`);
  }
  stage.isOver = true;
  await Promise.all(writers.map(({ ended }) => ended));
  assert.equal(await countMissing(stage.store, writers), 0, 'missing at the end');
  const longest_ms = Math.max(...writers.map((writer) => writer.longest_ms));
  t.diagnostic(`longest without an answer: ${(longest_ms / 1000).toFixed(1)} s`);
}

/** Resolves when each has had one more acknowledged. */
async function checkIns(writers: readonly Writer[]): Promise<void> {
  const before = writers.map(({ acked }) => acked.length);
  await eventually('everybody to check in', () =>
    writers.every(({ acked }, n) => acked.length > (before[n] ?? 0)),
  );
}
