import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { withReader } from '../../src/platform/reader.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';

test('what is asked of the fleet on the second thread shows all that was acknowledged, "last seen" too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-reader-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'platform.db');
  const store = withReader(openSqliteStore(file, systemClock), file);
  const now_ms = Date.now();
  await store.addProduct({ name: 'P', rid: 'r', template: '', now_ms });
  for (let i = 1; i <= 20; i += 1) {
    const serial = `S${i}`;
    await store.addGateways('P', [{ serial, extra: '' }], 'enabled', now_ms);
    const who = { product: 'P', serial };
    await store.exchange({
      who,
      writes: [['a', 'b']],
      reads: [],
      create: true,
      seen: true,
      now_ms: now_ms + i,
    });
    const { gateways, total } = await store.fleet({ product: 'P' }, { limit: 50, now_ms });
    assert.equal(total, i);
    assert.equal(gateways.at(-1)?.lastSeen_ms, now_ms + i);
  }
  assert.equal((await store.gateways({ product: 'P', limit: 50 })).length, 20);
  assert.equal((await store.overview(undefined, now_ms, now_ms)).conditions['on-time'], 20);
  assert.ok((await store.sizes()).database_bytes > 0);
  await store.close();
  await assert.rejects(store.fleet({}, { limit: 1, now_ms }));
});
