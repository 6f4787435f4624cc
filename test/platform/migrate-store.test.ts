/** An embedded platform brought to PostgreSQL: the same answers from there, however often and wherever it was cut. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { createChainCheck } from '../../src/platform/audit-chain.ts';
import { moveStore } from '../../src/platform/migrate.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import { lacks } from '../debian.ts';
import { platformFor, type RunningTestPlatform } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres();
});
after(() => server?.stop());

const ALIAS = '/onep:v1/stack/alias';
const A = '/api/v1';
const move = (from: string, store: string, signal = new AbortController().signal) =>
  moveStore({ from, store, clock: systemClock, signal, onProgress: () => {} });

/** In a process of its own, which kills itself after that step. */
const moveElsewhere = (from: string, store: string, last = '') =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'migrate-child.ts'), from, store, last], {
    encoding: 'utf8',
  });

/** What operators and gateways ask; nothing of it changes by being asked. */
const ASKED = [
  `${A}/products`,
  `${A}/gateways?product=P1`,
  `${A}/gateways?tag=north`,
  `${A}/gateways/P1/SN1`,
  `${A}/gateways/P1/SN1/dataports/device_info?points=200`,
  `${A}/gateways/P1/SN1/dataports/fetch_status?points=200`,
  `${A}/products/P1/groups/g`,
  `${A}/products/P1/content`,
  `${A}/rollouts`,
  `${A}/rollouts/1`,
  `${A}/rollouts/1/gateways`,
  `${A}/gateways/P1/SN1/activations`,
];

async function answers(platform: RunningTestPlatform): Promise<string[]> {
  const texts: string[] = [];
  for (const path of ASKED) {
    const { status, body } = await platform.operate('GET', path);
    assert.match(status, / 200 /, `${path}: ${body}`);
    texts.push(`${path}\n${body}`);
  }
  return texts;
}

/** A platform with one of everything. */
async function inhabited(t: TestContext): Promise<{ platform: RunningTestPlatform; cik: string }> {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const operate = async (method: string, path: string, body: unknown) => {
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await platform.operate(method, path, sent);
    assert.match(answer.status, / 20\d /, `${method} ${path}: ${answer.body}`);
  };
  await operate('POST', `${A}/gateways`, { product: 'P1', serial: 'SN2' });
  const report = '{"apps":[{"name":"hello","version":"1"}],"update_interval":60}';
  const statuses = ['hello.v1.tar.gz: installed in 1.2 s (attempt 1, exit 0)\nwith\0zero and 😀'];
  for (const info of ['same', 'same', 'other \u{10FFFE}', 'same', 'same']) {
    const form = new URLSearchParams({
      device_info: info,
      engine_report: report,
      fetch_status: statuses[0] ?? '',
    });
    await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], String(form));
  }
  await operate('PUT', `${A}/gateways/P1/SN1/tags`, { tags: ['north'] });
  await operate('PUT', `${A}/products/P1/groups/g`, { members: ['SN1'], criteria: { serialPrefix: 'SN' } });
  await operate('PUT', `${A}/products/P1/content/hello.v2.tar.gz?force=true`, 'bytes');
  const plan = { product: 'P1', names: ['hello.v2.tar.gz'], filter: { serialPrefix: 'SN' } };
  await operate('POST', `${A}/rollouts`, { ...plan, stages: [{ percent: 100 }] });
  await operate('POST', `${A}/rollouts/1/pause`, '');
  return { platform, cik };
}

test(
  'a platform moved to PostgreSQL answers as before, keys and audit included, and moving again changes nothing',
  needs,
  async (t) => {
    const { platform, cik } = await inhabited(t);
    const before = await answers(platform);
    const store = server.database();
    assert.match(moveElsewhere(platform.folder, store).stderr, /a platform .process \d+. has it/);
    await platform.close();

    const moved = await move(platform.folder, store);
    assert.equal(moved.wasThere, false);
    const rows = (name: string) => moved.kinds.find((kind) => kind.name === name)?.rows;
    assert.deepEqual([rows('products'), rows('gateways'), rows('tags'), rows('rollouts')], [1, 2, 1, 1]);
    const again = await move(platform.folder, store);
    assert.deepEqual(again, { ...moved, wasThere: true });

    const there = await platformFor(t, { folder: platform.folder, store });
    assert.deepEqual(await answers(there), before);
    const wrote = await there.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'device_info=same');
    assert.match(wrote.status, / 204 /);
    const { body } = await there.operate('GET', `${A}/gateways/P1/SN1/dataports/device_info?points=200`);
    const values = JSON.parse(body.toString()).points.map(({ value }: { value: string }) => value);
    assert.deepEqual(values, ['same', 'same', 'other \u{10FFFE}', 'same', 'same', 'same']);
    await there.operate('POST', `${A}/gateways`, '{"product":"P1","serial":"SN3"}');
    await there.close();
    await assert.rejects(move(platform.folder, store), { code: 'conflict', message: /holds other/ });

    const opened = await openPostgresStore(
      store,
      systemClock,
      createLog('CRITICAL', Date.now, () => {}),
    );
    t.after(() => opened.close());
    const chain = createChainCheck();
    for (const record of await opened.audit({ oldestFirst: true, limit: 1_000 }))
      assert.equal(chain.next(record), undefined);
    assert.ok(chain.count > 5);
  },
);

test(
  'a move that is killed, or told to end, leaves nothing, and goes through when it is repeated',
  needs,
  async (t) => {
    const { platform } = await inhabited(t);
    const before = await answers(platform);
    await platform.close();
    // More than one batch of points, so that it is cut in the middle of one kind.
    const db = new DatabaseSync(join(platform.folder, 'platform.db'));
    db.exec(`INSERT INTO point (dataport_id, time_ms, value)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    SELECT (SELECT id FROM dataport WHERE alias = 'usage_report' OR alias = 'device_info' LIMIT 1) + 1000, i, 'x' || i FROM n;
    INSERT INTO past SELECT dataport_id, id, time_ms FROM point WHERE dataport_id > 1000`);
    db.close();
    const store = server.database();
    for (const last of ['gateways sent', 'points of history sent', 'points of history read back']) {
      const child = moveElsewhere(platform.folder, store, last);
      assert.equal(child.signal, 'SIGKILL', `${last}: ${child.stderr}`);
    }
    await assert.rejects(move(platform.folder, store, AbortSignal.abort()), { code: 'stopped' });
    const { kinds, wasThere } = await move(platform.folder, store);
    assert.equal(wasThere, false);
    assert.ok(kinds.some(({ name, rows }) => name === 'points of history' && rows > 5_000));
    const there = await platformFor(t, { folder: platform.folder, store });
    assert.deepEqual(await answers(there), before);
  },
);

test('a database that holds another platform is left alone', needs, async (t) => {
  const { platform } = await inhabited(t);
  await platform.close();
  const store = server.database();
  const other = await platformFor(t, { store });
  await other.gateway('Other', 'S');
  await assert.rejects(move(platform.folder, store), { code: 'conflict', message: /holds other/ });
  assert.match((await other.operate('GET', `${A}/products`)).body.toString(), /Other/);
});
