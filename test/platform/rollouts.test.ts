import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member } from '../../src/platform/rollout-types.ts';
import { FAILED, INSTALLED, type World, worldOf } from './rollout-world.ts';

const TOLD = '{"install":[{"name":"hello.v2.tar.gz"}]}';
const EVERYONE = { stages: [{ percent: 100 }] };

async function inState(world: World, id: number, state: Member['state']): Promise<string[]> {
  return (await world.view(id)).members.filter((m) => m.state === state).map(({ serial }) => serial);
}

async function allTake(world: World, id: number): Promise<string[]> {
  const told = await inState(world, id, 'told');
  for (const serial of told) {
    assert.equal(await world.checkIn(serial), TOLD);
    await world.take(serial);
  }
  return told;
}

test('a rollout goes from the first stage to the last by itself, and is complete when all are well', async (t) => {
  const world = await worldOf(t, 20);
  const { id } = await world.start();
  assert.deepEqual(await world.counts(id), { told: 2, waiting: 18 });
  for (const serial of await allTake(world, id)) await world.say(serial, INSTALLED);
  assert.deepEqual(await world.counts(id), { watched: 2, waiting: 18 });
  const all = (await world.view(id)).members.map(({ serial }) => serial);
  for (let minute = 0; minute < 25; minute += 1) {
    for (const serial of await allTake(world, id)) await world.say(serial, INSTALLED);
    await world.passTime(60_000);
    for (const serial of all) await world.checkIn(serial);
  }
  assert.deepEqual(await world.counts(id), { done: 20 });
  assert.deepEqual([(await world.view(id)).rollout.state, world.deeds], ['complete', [`${id} complete`]]);
});

test('too many failures pause it, take back what was not taken, and touch nobody beyond the first stage', async (t) => {
  const world = await worldOf(t, 100);
  const { id } = await world.start();
  const told = await inState(world, id, 'told');
  assert.equal(told.length, 10);
  for (const serial of told.slice(0, 6)) await world.take(serial);
  for (const serial of told.slice(0, 2)) await world.say(serial, FAILED);
  const { rollout } = await world.view(id);
  assert.equal(rollout.state, 'paused');
  assert.match(
    rollout.why,
    /^Paused by itself: of 2 gateways that took it and ended, 2 failed .*install.sh ended with 1; back at v1\.$/,
  );
  assert.deepEqual(await world.counts(id), { failed: 2, taken: 4, waiting: 94 });
  assert.equal(await world.checkIn(told[9] ?? ''), '', 'the command is still there');
});

test('a quarter that falls silent two minutes after success pauses it', async (t) => {
  const world = await worldOf(t, 40);
  const { id } = await world.start({ stages: [{ count: 8 }, { percent: 100 }] });
  const canary = await allTake(world, id);
  for (const serial of canary) await world.say(serial, INSTALLED);
  for (let minute = 1; minute <= 15; minute += 1) {
    await world.passTime(60_000);
    for (const serial of minute <= 2 ? canary : canary.slice(2)) await world.checkIn(serial);
  }
  const { rollout } = await world.view(id);
  assert.equal(rollout.state, 'paused');
  assert.match(
    rollout.why,
    /2 fell silent after they took it \(25 %, the limit is 10 %\).*fell silent 2 min after it reported success/,
  );
  assert.deepEqual(await world.counts(id), { done: 6, silent: 2, waiting: 32 });
});

test('after a restart, also in the middle of everything, it goes on where it was, and nothing said meanwhile is lost', async (t) => {
  const world = await worldOf(t, 6);
  const { id } = await world.start(EVERYONE);
  const told = await inState(world, id, 'told');
  await world.take(told[0] ?? '');
  await world.restart();
  assert.deepEqual(await world.counts(id), { taken: 1, told: 5 });
  await world.rollouts.close();
  await world.say(told[0] ?? '', INSTALLED);
  await world.take(told[1] ?? '');
  await world.restart();
  assert.deepEqual(await world.counts(id), { watched: 1, taken: 1, told: 4 });
  const view = await world.view(id);
  assert.ok(view.members.every((m) => m.state !== 'told' || m.point > 0));
});

test('an operator may pause, resume, abort and retry; what does not fit the state is refused', async (t) => {
  const world = await worldOf(t, 5);
  const { id } = await world.start(EVERYONE);
  const [first = '', second = ''] = await inState(world, id, 'told');
  await world.take(first);
  const paused = await world.rollouts.act(id, 'pause', 'ann');
  assert.deepEqual([paused.state, paused.why], ['paused', 'Paused by ann.']);
  assert.deepEqual(await world.counts(id), { taken: 1, waiting: 4 });
  await world.say(first, FAILED);
  await world.rollouts.act(id, 'resume', 'ann');
  assert.deepEqual(await world.counts(id), { failed: 1, told: 4 });
  await world.rollouts.act(id, 'retry', 'ann');
  assert.deepEqual(await world.counts(id), { told: 5 });
  await world.take(second);
  assert.equal((await world.rollouts.act(id, 'abort', 'ann')).state, 'aborting');
  assert.deepEqual(await world.counts(id), { taken: 1, cancelled: 4 });
  await assert.rejects(world.rollouts.act(id, 'resume', 'ann'), { code: 'conflict' });
  await world.say(second, INSTALLED);
  assert.equal((await world.view(id)).rollout.state, 'aborted');
  assert.deepEqual(await world.counts(id), { done: 1, cancelled: 4 });
  await assert.rejects(world.rollouts.act(99, 'pause', 'ann'), { code: 'not-found' });
});

test("another operator's command is neither written over nor taken back", async (t) => {
  const world = await worldOf(t, 2);
  const other = '{"install":[{"name":"other.v1.tar.gz"}]}';
  const write = (serial: string) =>
    world.store.exchange({
      who: { product: 'P1', serial },
      writes: [['engine_fetch', other]],
      reads: [],
      create: true,
      seen: false,
      now_ms: world.clock.now(),
    });
  await write('gw-0');
  const { id } = await world.start(EVERYONE);
  assert.deepEqual(await world.counts(id), { told: 1, waiting: 1 });
  await write('gw-1');
  await world.rollouts.act(id, 'pause', 'ann');
  assert.equal(await world.checkIn('gw-1'), other);
  assert.deepEqual(await world.counts(id), { left: 1, waiting: 1 });
  await world.rollouts.act(id, 'resume', 'ann');
  await world.take('gw-0');
  assert.deepEqual(await inState(world, id, 'told'), ['gw-0']);
});

test('one that was already there is done at once, one that is removed is left, one offline is told when it is back', async (t) => {
  const world = await worldOf(t, 4);
  await world.checkIn('gw-0', { apps: [{ hello: { status: 'RUNNING', version: '2' } }] });
  await world.passTime(600_000);
  for (const serial of ['gw-1', 'gw-2']) await world.checkIn(serial);
  const { id } = await world.start(EVERYONE);
  assert.deepEqual(await world.counts(id), { done: 1, told: 2, waiting: 1 });
  await world.store.removeGateways('P1', ['gw-1']);
  await world.passTime(2_000);
  assert.deepEqual(await inState(world, id, 'left'), ['gw-1']);
  await world.checkIn('gw-3');
  assert.deepEqual((await inState(world, id, 'told')).sort(), ['gw-2', 'gw-3']);
});

test('a product that is removed takes its rollouts along, and the others go on', async (t) => {
  const world = await worldOf(t, 3);
  const { id } = await world.start(EVERYONE);
  await world.store.removeProduct('P1');
  await world.passTime(2_000);
  assert.equal(await world.rollouts.view(id), undefined);
});
