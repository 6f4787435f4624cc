import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JOIN_LOOK_MS, joining } from '../../src/platform/rollout-gateways.ts';
import { membersOf, NOW, rolloutOf } from './rollout-fixture.ts';
import { INSTALLED, type World, worldOf } from './rollout-world.ts';

/** A gateway that is added, activated, and checks in. */
async function comes(world: World, serial: string, tags: readonly string[] = []): Promise<void> {
  const who = { product: 'P1', serial };
  await world.store.addGateways('P1', [{ serial, extra: '' }], 'enabled', NOW);
  await world.store.activate(who, `key of ${serial}`, { time_ms: NOW, connection: '', entry: '' });
  await world.store.setTags(who, tags);
  await world.checkIn(serial);
}

async function install(world: World, serial: string): Promise<void> {
  assert.notEqual(await world.checkIn(serial), '', `${serial} has its command`);
  await world.take(serial);
  await world.say(serial, INSTALLED);
}

test('who comes to fit a dynamic rollout later is told, too; an ordinary one stays as it was made', async (t) => {
  const world = await worldOf(t, 2);
  for (const serial of ['gw-0', 'gw-1']) {
    await world.store.setTags({ product: 'P1', serial }, ['north']);
  }
  const filter = { tags: ['north'] };
  const stages = [{ percent: 100 }];
  const { id } = await world.start({ dynamic: true, filter, stages });
  for (const serial of ['gw-0', 'gw-1']) await install(world, serial);
  await world.passTime(601_000);
  for (const serial of ['gw-0', 'gw-1']) await world.checkIn(serial);
  assert.deepEqual(await world.counts(id), { done: 2 });
  assert.equal((await world.view(id)).rollout.state, 'running', 'it waits for those that come');

  await comes(world, 'late-1', ['north']);
  await comes(world, 'other-1', ['south']);
  await world.passTime(JOIN_LOOK_MS);
  assert.deepEqual(await world.counts(id), { done: 2, told: 1 });
  await install(world, 'late-1');

  await world.restart();
  await world.store.setTags({ product: 'P1', serial: 'other-1' }, ['north']);
  for (const serial of ['gw-0', 'gw-1', 'late-1', 'other-1']) await world.checkIn(serial);
  await world.passTime(JOIN_LOOK_MS);
  assert.deepEqual(await world.counts(id), { done: 2, watched: 1, told: 1 }, 'a tag given later counts');
  const { members } = await world.view(id);
  assert.deepEqual(
    members.map(({ place }) => place),
    [0, 1, 2, 3],
  );
  await world.rollouts.act(id, 'abort', 'ann');
  assert.equal((await world.view(id)).rollout.state, 'aborted', 'it ends when it is told to');
});

test('nobody slips into the first stages of a dynamic rollout, and none that is in it comes twice', () => {
  const rollout = rolloutOf({ stages: [{ percent: 10 }, { percent: 50 }, { percent: 100 }] });
  const members = membersOf(rollout, 10);
  const now = [3, 11, 12].map((gateway) => ({ gateway, serial: `gw-${gateway}` }));
  const fresh = joining(rollout, members, now, NOW);
  assert.deepEqual(fresh.map(({ gateway }) => gateway).toSorted(), [11, 12]);
  assert.deepEqual(
    fresh.map(({ place, stage, state }) => [place, stage, state]),
    [
      [10, 2, 'waiting'],
      [11, 2, 'waiting'],
    ],
  );
});
