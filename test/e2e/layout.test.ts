/** The state folder of another gwe: of a neighbouring layout it is used, of an unknown one refused and left as it is. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STATE_LAYOUT } from '../../src/engine/state.ts';
import { JOURNAL_LAYOUT } from '../../src/installer/journal-format.ts';
import { fleetOf } from './fleet.ts';
import { makeGateway, makeTarball, startPlatform, tempFolder } from './machine.ts';

/** Every file below `folder` but the lock, with its contents. */
function contentsOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name !== 'lock' && statSync(join(folder, name)).isFile(),
  );
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

test('a state folder of an unknown, later layout is refused before anybody is asked, and not touched', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  await fleetOf(platform).addGateway(gateway.serial);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  const path = join(gateway.state, 'engine.json');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...state, layout: STATE_LAYOUT + 2, novelty: ['unknown'] }));
  const before = contentsOf(gateway.state);
  const checkIns = async () => (await platform.points(gateway.serial, 'usage_report')).length;
  const before_count = await checkIns();
  for (const args of [['--once'], []]) {
    const ran = await gateway.gweAsync(...args);
    assert.equal(ran.status, 1);
    assert.match(
      ran.stderr,
      new RegExp(`Cannot use .*engine\\.json: it has layout ${STATE_LAYOUT + 2}, this version knows up to`),
    );
    assert.match(ran.stderr, /Install that version again, or move the state folder away/);
  }
  assert.notEqual((await gateway.gweAsync('why')).status, null);
  assert.equal((await gateway.gweAsync('status')).status, 0);
  assert.deepEqual(contentsOf(gateway.state), before);
  assert.equal(await checkIns(), before_count);
});

test('a state folder of the next layout is read, and a journal file of a later gwe waits for that one while others are done', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  const path = join(gateway.state, 'engine.json');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  const later = { ...state, layout: STATE_LAYOUT + 1, consecutiveFailures: 7, novelty: { a: 1 } };
  writeFileSync(path, JSON.stringify(later));
  const foreign = JSON.stringify({ layout: JOURNAL_LAYOUT + 1, id: '00000001-x', steps: [] });
  mkdirSync(join(gateway.state, 'journal'), { recursive: true });
  writeFileSync(join(gateway.state, 'journal', '00000001-x.json'), foreign);
  const status = JSON.parse((await gateway.gweAsync('status', '--json')).stdout);
  assert.equal(status.consecutiveFailures, 7);
  const tarball = makeTarball(tempFolder(t), 'app.v1.tar.gz', { 'install.sh': '#!/bin/sh\n' });
  await fleet.install(gateway.serial, await fleet.upload(tarball));
  const once = await gateway.gweAsync('--once');
  assert.equal(once.status, 0, once.stderr);
  assert.match(await fleet.read(gateway.serial, 'fetch_status'), /^app\.v1\.tar\.gz: installed/);
  assert.equal(readFileSync(join(gateway.state, 'journal', '00000001-x.json'), 'utf8'), foreign);
  const after = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(after.lastComplete_ms > state.lastComplete_ms, true);
  assert.deepEqual(after.novelty, { a: 1 }, 'what the later gwe wrote is there for it when it comes back');
});
