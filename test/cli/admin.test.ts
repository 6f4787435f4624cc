import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { scratchMachine } from './call.ts';
import { startOperated } from './operator-fixture.ts';

test('a token is made with a role, works, is listed without its secret, and is revoked', async (t) => {
  const { gwe } = await startOperated(t);
  await gwe(['product', 'create', 'P1']);
  const made = await gwe(['token', 'create', 'ci', '--role', 'viewer', '--only', 'P1', '--days', '30']);
  assert.equal(made.status, 0, made.err);
  assert.match(made.out, /^[0-9a-f]{40}\n$/);
  const env = { GWE_PLATFORM_TOKEN: made.out.trim() };
  assert.equal((await gwe(['product', 'list'], { env })).status, 0);
  const refused = await gwe(['product', 'create', 'P2'], { env });
  assert.equal(refused.status, 1);
  assert.match(refused.err, /needs the role admin/);
  const listed = await gwe(['token', 'list']);
  assert.match(listed.out, /^ci +viewer +P1 +just now +just now +20\d\d-\d\d-\d\d$/m);
  assert.equal(listed.out.includes(made.out.trim()), false);
  assert.equal((await gwe(['token', 'rm', 'ci'])).out, 'token ci revoked\n');
  assert.equal((await gwe(['product', 'list'], { env })).status, 1);
});

test('the audit trail is listed and verified from outside, and shows when it was tampered with', async (t) => {
  const operated = await startOperated(t);
  const { gwe } = operated;
  for (const id of ['P1', 'P2', 'P3']) await gwe(['product', 'create', id]);
  const listed = await gwe(['audit', 'list', '-n', '2']);
  assert.match(listed.out, /^2 .*preset \(admin\) .*POST \/api\/v1\/products .*\{"id":"P2"\}\n3 .*"P3"\}\n$/);
  const verified = await gwe(['audit', 'verify']);
  assert.equal(verified.status, 0, verified.err);
  const head = verified.out.match(/^3 records, unbroken; the newest hash is ([0-9a-f]{64})\n$/)?.[1] ?? '';
  assert.equal((await gwe(['audit', 'verify', '--head', head])).status, 0);
  const tamper = (sql: string) =>
    operated.outage(async () => {
      const db = new DatabaseSync(join(operated.folder, 'data', 'platform.db'));
      db.exec(sql);
      db.close();
    });
  await tamper("UPDATE audit SET details = '{}' WHERE seq = 3");
  const changed = await gwe(['audit', 'verify']);
  assert.deepEqual([changed.status, changed.err], [1, 'the audit trail is broken: record 3 was changed\n']);
  await tamper('DELETE FROM audit WHERE seq = 3');
  assert.equal((await gwe(['audit', 'verify'])).status, 0, 'a cut end alone does not show');
  const cut = await gwe(['audit', 'verify', '--head', head]);
  assert.equal(cut.status, 1);
  assert.match(cut.err, /its end was cut off/);
});

test('a gateway tells its metrics, and replaces a file for the collector as a whole', async (t) => {
  const { places, folder, call } = scratchMachine(t);
  mkdirSync(places.config, { recursive: true });
  mkdirSync(places.state, { recursive: true });
  writeFileSync(places.gatewayCfg, '[device]\nmodel = P1\nvendor = P1\nuuid = a"b\n');
  const state = {
    layout: 1,
    version: '1',
    serial: 'a"b',
    platform: 'x',
    started_ms: 1,
    updateInterval_s: 60,
    consecutiveFailures: 2,
    lastCheckIn: { time_ms: 1_700_000_000_500, ok: false },
    lastComplete_ms: 1_700_000_000_000,
  };
  writeFileSync(places.engine, JSON.stringify(state));
  const count = { tot_rx: 10, max_rx: 10, tot_tx: 20, max_tx: 20, num: 1 };
  const window = { start_ms: 0, interfaces: { eth0: { http_write: count } } };
  writeFileSync(places.usage, JSON.stringify({ hour: window, day: window }));
  const { status, out } = await call(['metrics']);
  assert.equal(status, 0);
  for (const line of [
    'gwe_agent_last_check_in_timestamp_seconds 1700000000.5',
    'gwe_agent_last_complete_check_in_timestamp_seconds 1700000000',
    'gwe_agent_check_in_failures 2',
    'gwe_agent_running 0',
    'gwe_agent_update_interval_seconds 43200',
    'gwe_agent_day_bytes{iface="eth0",method="http_write",direction="sent"} 20',
  ]) {
    assert.ok(out.split('\n').includes(line), `${line} in ${out}`);
  }
  assert.match(out, /gwe_agent_info\{version="[^"]+",product="P1",serial="a\\"b"\} 1\n/);
  const file = join(folder, 'gwe.prom');
  assert.equal((await call(['metrics', '--output', file])).out, '');
  assert.equal(readFileSync(file, 'utf8'), out);
  assert.equal(statSync(file).mode & 0o777, 0o644, 'the collector runs as somebody else');
  assert.equal(existsSync(join(folder, `.gwe.prom.${process.pid}.new`)), false);
});
