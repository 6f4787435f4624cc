import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import { clockAt } from './raw.ts';

const NOW_MS = 1_700_000_010_000;
const digest = (secret: string) => createHash('sha256').update(secret).digest('hex');

test('a database of the first layout is brought forward with all that it holds, and works', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-layout-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'platform.db');
  const old = new DatabaseSync(file);
  old.exec(readFileSync(join(import.meta.dirname, 'layout-1.sql'), 'utf8'));
  old.close();

  const store = openSqliteStore(file, clockAt(NOW_MS));
  const who = { key: digest('0'.repeat(40)) };
  const points = await store.points(who, 'device_info', { limit: 10 });
  assert.deepEqual(
    points?.map(({ value }) => value),
    ['same', 'same', 'same'],
  );
  const writes = [
    ['device_info', 'same'],
    ['own', 'x'],
  ] as const;
  const end = await store.exchange({
    who,
    writes,
    reads: ['device_info'],
    create: false,
    seen: true,
    now_ms: NOW_MS,
  });
  assert.equal(end.end === 'done' ? end.written.length : 0, 2);
  assert.equal((await store.content('P', 'app.v1.tar.gz'))?.meta, 'meta');
  const token = await store.token(digest('an-old-token'));
  assert.deepEqual([token?.name, token?.role, token?.products], ['first', 'admin', undefined]);
  const { gateways, total } = await store.fleet({}, { limit: 10, now_ms: NOW_MS });
  assert.equal(total, 2);
  assert.equal(gateways[0]?.lastSeen_ms, NOW_MS);
  await store.close();

  const db = new DatabaseSync(file);
  t.after(() => db.close());
  assert.deepEqual(db.prepare('PRAGMA foreign_key_check').all(), []);
  assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
});
