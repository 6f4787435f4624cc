/** What the SQLite store writes behind and keeps in memory: nobody may notice, not after a crash either. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { createBatcher } from '../../src/platform/sqlite-batch.ts';
import { preparePast } from '../../src/platform/sqlite-past.ts';
import { openDatabase } from '../../src/platform/sqlite-schema.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import type { Exchange, Store } from '../../src/platform/store.ts';
import { clockAt } from './raw.ts';

const NOW_MS = 1_700_000_000_000;
const who = { product: 'P', serial: 'S' };

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-behind-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function storeIn(folder: string): Promise<{ store: Store; file: string }> {
  const file = join(folder, 'platform.db');
  const store = openSqliteStore(file, clockAt(NOW_MS));
  await store.addProduct({ name: 'P', rid: 'r', template: '', now_ms: NOW_MS });
  await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
  return { store, file };
}

function writing(alias: string, value: string): Exchange {
  return { who, writes: [[alias, value]], reads: [], create: true, seen: false, now_ms: NOW_MS };
}

async function valuesOf(store: Store, alias: string): Promise<string[]> {
  return ((await store.points(who, alias, { limit: 1000 })) ?? []).map(({ value }) => value);
}

/** The files as a kill leaves them. */
function crashed(t: TestContext, file: string): string {
  const copy = join(folderFor(t), 'platform.db');
  for (const end of ['', '-wal']) copyFileSync(file + end, copy + end);
  return copy;
}

test('a history that was not yet in its index is whole after a crash, in order and with its texts', async (t) => {
  const { store, file } = await storeIn(folderFor(t));
  const values = ['one', 'two', 'two', 'two', 'three'];
  for (const value of values) await store.exchange(writing('a', value));
  assert.deepEqual(await valuesOf(store, 'a'), values);
  const copy = crashed(t, file);
  await store.close();

  const again = openSqliteStore(copy, clockAt(NOW_MS));
  assert.deepEqual(await valuesOf(again, 'a'), values);
  await again.exchange(writing('a', 'four'));
  const since = (await again.points(who, 'a', { since: 2, limit: 3 })) ?? [];
  assert.deepEqual(
    since.map(({ value }) => value),
    ['two', 'two', 'three'],
  );
  await again.close();
  const third = openSqliteStore(copy, clockAt(NOW_MS));
  assert.deepEqual(await valuesOf(third, 'a'), [...values, 'four']);
  await third.close();
});

test('the index is written a share at a time, and a history is the same before, between and after', async (t) => {
  const { store, file } = await storeIn(folderFor(t));
  for (const value of ['x', 'y', 'y'])
    for (const alias of ['a', 'b']) await store.exchange(writing(alias, value));
  const copy = crashed(t, file);
  await store.close();
  const db = openDatabase(copy);
  const past = preparePast(db);
  assert.ok(past.isBehind());
  past.writeSome();
  assert.equal(past.isBehind(), false);
  db.close();
  const again = openSqliteStore(copy, clockAt(NOW_MS));
  for (const alias of ['a', 'b']) assert.deepEqual(await valuesOf(again, alias), ['x', 'y', 'y']);
  await again.close();
});

test('with a gateway all its points go, those that are not yet in the index too, and a new one of its serial has none', async (t) => {
  const { store, file } = await storeIn(folderFor(t));
  for (const value of ['x', 'y']) await store.exchange(writing('a', value));
  assert.equal(await store.removeGateways('P', ['S']), 1);
  await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
  assert.deepEqual(await store.dataports(who), []);
  await store.close();
  const db = new DatabaseSync(file, { readOnly: true });
  for (const table of ['point', 'past', 'dataport'])
    assert.equal(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'], 0, table);
  db.close();
});

test('a key that was taken away opens nothing from that moment on, though it was just used', async (t) => {
  const { store } = await storeIn(folderFor(t));
  const log = { time_ms: NOW_MS, connection: '', entry: '' };
  const key = { ...writing('device_info', 'x'), who: { key: 'k' } };
  await store.activate(who, 'k', log);
  assert.equal((await store.exchange(key)).end, 'done');
  await store.setState(who, 'disabled', undefined, log);
  assert.equal((await store.exchange(key)).end, 'unknown');
  await store.close();
});

test('when the disk fails to sync nothing is acknowledged, and nothing more is taken in', async (t) => {
  const db = openDatabase(join(folderFor(t), 'platform.db'));
  t.after(() => db.close());
  const failing = {
    sync: (done: (error: Error | null) => void) => void setImmediate(done, new Error('EIO')),
    close() {},
  };
  const { run, settled } = createBatcher(db, failing, () => {});
  const first = run(() => 1);
  await assert.rejects(first, { code: 'io', message: /the disk failed: EIO/ });
  await assert.rejects(
    run(() => 2),
    { code: 'io' },
  );
  await assert.rejects(settled(), { code: 'io' });
});

test('what is committed and not yet on the disk is shown to nobody', async (t) => {
  const db = openDatabase(join(folderFor(t), 'platform.db'));
  t.after(() => db.close());
  const syncs: Array<(error: Error | null) => void> = [];
  const { run, settled } = createBatcher(db, { sync: (done) => void syncs.push(done), close() {} }, () => {});
  const order: string[] = [];
  const written = run(() => {}).then(() => order.push('written'));
  await new Promise((resolve) => setImmediate(resolve));
  const read = settled().then(() => order.push('read'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, []);
  syncs.shift()?.(null);
  await Promise.all([written, read]);
  assert.deepEqual(order, ['written', 'read']);
});
