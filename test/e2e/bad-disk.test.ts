/** A disk that is too small, and one that an install.sh fills, on the built file. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Ground, good, layGround, read } from './ground.ts';
import { BARE_PATH, expectZero, run, startPlatform } from './machine.ts';

const MB = 1_000_000;

/** Gives the state of the gateway a small disk of its own for the time of `act`, where we may mount one. */
async function onSmallDisk(
  t: TestContext,
  { gateway }: Ground,
  size_MB: number,
  act: () => Promise<void>,
): Promise<void> {
  mkdirSync(gateway.state, { recursive: true });
  const command = ['/bin/mount', '-t', 'tmpfs', '-o', `size=${size_MB * MB}`, 'gwe-test', gateway.state];
  if (run(command, { PATH: BARE_PATH }).status !== 0) return t.skip('needs to be root, and allowed to mount');
  try {
    await act();
  } finally {
    expectZero(run(['/bin/umount', '-l', gateway.state], { PATH: BARE_PATH }));
  }
}

test('too little disk: said once, with figures; installed by itself as soon as there is room', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  await onSmallDisk(t, ground, 12, () => waitForRoom(ground));
});

async function waitForRoom(ground: Ground): Promise<void> {
  const filler = join(ground.gateway.state, 'filler');
  writeFileSync(filler, Buffer.alloc(9 * MB));
  const name = await ground.tell('1', { ...good(), data: randomBytes(2 * MB) });
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await ground.once()).status, 3);
  const [waiting, ...more] = await ground.ends();
  assert.match(waiting ?? '', /^\S+: waiting: needs [\d.]+ MB of disk, [\d.]+ MB are free$/);
  assert.deepEqual(more, []);
  assert.match(ground.gateway.gwe('why').stdout, /waiting-for-disk/);
  rmSync(filler);
  assert.equal((await ground.once()).status, 0);
  assert.match((await ground.ends()).at(-1) ?? '', new RegExp(`^${name}: installed`));
}

test('an install.sh that fills the disk: its end is noted and reported, and with room again the way back is gone', async (t) => {
  const platform = await startPlatform(t);
  for (const [status, says] of [
    [1, /^failed: install\.sh ended with 1; back at v1/],
    [0, /^installed/],
  ] as const) {
    const ground = await layGround(t, platform);
    await onSmallDisk(t, ground, 6, () => fillUp(ground, status, says));
  }
});

async function fillUp(ground: Ground, status: number, says: RegExp): Promise<void> {
  const fill = 'cat /dev/zero >"$GWE_STATE_DIR/filler" 2>/dev/null;';
  assert.equal(await ground.install('1', good()), 0);
  await ground.tell('2', good(`${fill} echo full; exit ${status}`));
  await ground.once();
  const again = await ground.once();
  assert.ok(again.status === 0 || again.status === 3, `the engine goes on with a full disk: ${again.stderr}`);
  rmSync(join(ground.gateway.state, 'filler'));
  await ground.once();
  const ends = await ground.ends();
  assert.match(ends.at(-1)?.replace(/^\S+: /, '') ?? '', says, ends.join('\n'));
  assert.equal(ends.filter((each) => /: (failed|installed)/.test(each)).length, 2, 'each end once');
  assert.equal(read(ground, 'at'), status === 0 ? '2' : '1');
  assert.equal((await ground.once()).status, 0);
}
