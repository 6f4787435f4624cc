import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { createLog } from '../../src/host/log.ts';
import { HISTORY_MAX_AGE_MS } from '../../src/platform/limits.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { prepareHistory } from '../../src/platform/sqlite-history.ts';
import { preparePast } from '../../src/platform/sqlite-past.ts';
import { openDatabase } from '../../src/platform/sqlite-schema.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import type { Exchange, Store } from '../../src/platform/store.ts';
import { clockAt, platformFor } from './raw.ts';

const NOW_MS = 1_700_000_000_000;
const who = { product: 'P', serial: 'S' };

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function storeFor(t: TestContext, folder = folderFor(t)): Promise<{ store: Store; file: string }> {
  const file = join(folder, 'platform.db');
  const store = openSqliteStore(file, clockAt(NOW_MS));
  await store.addProduct({ name: 'P', rid: 'r', template: '', now_ms: NOW_MS });
  await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
  return { store, file };
}

function writing(alias: string, value: string, now_ms = NOW_MS): Exchange {
  return { who, writes: [[alias, value]], reads: [], create: true, seen: false, now_ms };
}

test('a text that did not change is stored once', async (t) => {
  const { store, file } = await storeFor(t);
  for (let i = 0; i < 50; i += 1) await store.exchange(writing('a', 'x'.repeat(1000)));
  await store.close();
  const db = new DatabaseSync(file);
  t.after(() => db.close());
  const row = db.prepare('SELECT count(*) AS points, count(value) AS texts FROM point').get();
  assert.deepEqual({ ...row }, { points: 50, texts: 1 });
});

test('points that are too old go, but the newest value stays whatever its age', async (t) => {
  const folder = folderFor(t);
  const { store, file } = await storeFor(t, folder);
  for (const value of ['a', 'b', 'b']) await store.exchange(writing('x', value));
  await store.close();
  const db = openDatabase(file);
  prepareHistory(db, preparePast(db)).sweep(0, 100, NOW_MS + HISTORY_MAX_AGE_MS + 1);
  db.close();
  const again = openSqliteStore(file, clockAt(NOW_MS));
  const end = await again.exchange({ ...writing('y', ''), reads: ['x'] });
  assert.equal(end.end === 'done' ? end.ports[0]?.value : undefined, 'b');
  const points = (await again.points(who, 'x', { limit: 10 })) ?? [];
  assert.equal(points.at(-1)?.value, 'b');
  assert.ok(points.length <= 2);
  await again.close();
});

test('history is kept for as many days as the operator says', async (t) => {
  const folder = folderFor(t);
  const { store, file } = await storeFor(t, folder);
  for (const value of ['a', 'b']) await store.exchange(writing('x', value));
  await store.close();
  const day_ms = 86_400_000;
  const db = openDatabase(file);
  const history = prepareHistory(db, preparePast(db), 2 * day_ms);
  assert.equal(history.sweep(0, 100, NOW_MS + day_ms).trimmed, 0);
  assert.equal(history.sweep(0, 100, NOW_MS + 3 * day_ms).trimmed, 1);
  db.close();
});

test('a file of a newer layout is refused and left as it was', async (t) => {
  const { store, file } = await storeFor(t);
  await store.close();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 999');
  db.close();
  const before = readFileSync(file);
  assert.throws(
    () => openSqliteStore(file, clockAt(NOW_MS)),
    (error) => error instanceof GweError && error.code === 'layout',
  );
  assert.deepEqual(readFileSync(file), before);
});

test('neither keys nor tokens can be read in the data folder', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P', 'S');
  await platform.close();
  const bytes = readFileSync(join(platform.folder, 'platform.db'));
  assert.ok(!bytes.includes(cik));
  assert.ok(!bytes.includes('a-token-for-the-tests'));
});

test('the first token is made once and works; a preset one makes none', async (t) => {
  const dataFolder = folderFor(t);
  const clock = clockAt(NOW_MS);
  const options = { dataFolder, host: '127.0.0.1', port: 0, vendor: 'v', log: createLog('CRITICAL'), clock };
  const first = await startPlatform(options);
  const { firstToken } = await first.serving;
  assert.match(firstToken ?? '', /^[0-9a-f]{40}$/);
  const answer = await fetch(`${first.url}/api/v1/whoami`, {
    headers: { authorization: `Bearer ${firstToken}` },
  });
  assert.equal(answer.status, 200);
  await first.close();
  const second = await startPlatform(options);
  assert.equal((await second.serving).firstToken, undefined);
  const still = await fetch(`${second.url}/api/v1/whoami`, {
    headers: { 'x-exosite-token': firstToken ?? '' },
  });
  assert.equal(still.status, 200);
  await second.close();
  const third = await startPlatform({
    ...options,
    dataFolder: folderFor(t),
    presetToken: 'a-preset-token-of-ours',
  });
  assert.equal((await third.serving).firstToken, undefined);
  await third.close();
});

test('all that was kept is there after a restart: keys, values, content', async (t) => {
  const dataFolder = folderFor(t);
  const one = await platformFor(t, { folder: dataFolder });
  const cik = await one.gateway('P', 'S');
  await one.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], 'device_info=kept');
  await one.operate('PUT', '/api/v1/products/P/content/file', 'bytes');
  await one.close();
  const two = await platformFor(t, { folder: dataFolder });
  const read = await two.call('GET', '/onep:v1/stack/alias?device_info', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(read.body.toString(), 'device_info=kept');
  const bytes = await two.call('GET', '/provision/download?id=file', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(bytes.body.toString(), 'bytes');
});

test('a second platform on the same folder is refused, and says who has it', async (t) => {
  const dataFolder = folderFor(t);
  const options = {
    dataFolder,
    host: '127.0.0.1',
    port: 0,
    vendor: 'v',
    log: createLog('CRITICAL'),
    clock: clockAt(0),
  };
  // Process 1 runs on every machine, and it is not this one.
  const birth = readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19];
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  writeFileSync(join(dataFolder, 'lock'), `1 ${boot}/${birth}\n`);
  await assert.rejects(startPlatform(options), (error) => {
    assert.ok(error instanceof GweError);
    assert.equal(error.code, 'locked');
    assert.match(error.message, /another platform \(process 1\)/);
    return true;
  });
});
