/** A platform that is started while its PostgreSQL is away, and one that is told to use a PostgreSQL which will never let it in. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import pg from 'pg';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { header, platformFor } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

test(
  'started while PostgreSQL is away: alive, not ready, says why, and serves by itself as soon as it is there',
  needs,
  async (t) => {
    const store = server.database();
    await server.kill();
    const said: string[] = [];
    const platform = await platformFor(t, { store, log: (line) => said.push(line) });
    const [alive, ready, check, list] = await Promise.all([
      platform.call('GET', '/healthz'),
      platform.call('GET', '/readyz'),
      platform.call('POST', '/onep:v1/stack/alias?engine_fetch', ['X-Exosite-CIK: k'], 'usage_report=x'),
      platform.operate('GET', '/api/v1/gateways'),
    ]);
    assert.match(alive.status, / 200 /);
    assert.match(ready.body.toString(), /^not ready: Cannot use PostgreSQL: connect /);
    for (const answer of [ready, check, list]) {
      assert.match(answer.status, / 503 /);
      assert.match(header(answer, 'Retry-After') ?? '', /^\d+$/);
    }
    assert.equal(JSON.parse(list.body.toString()).error.code, 'busy');
    await server.start();
    await eventually('it is ready', async () =>
      (await platform.call('GET', '/readyz')).status.includes(' 200 '),
    );
    assert.match(await platform.gateway('P', 'S'), /^[0-9a-f]{40}$/);
    const lines = said.filter((line) => line.includes('PostgreSQL'));
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.equal(said.filter((line) => line.includes('Content lies in')).length, 1);
    assert.match(lines[0] ?? '', /Cannot serve before PostgreSQL is there/);
    assert.match(lines[1] ?? '', /PostgreSQL is there: the platform serves/);
  },
);

test(
  'what was reported just before PostgreSQL went away is looked at and counted when it is back',
  needs,
  async (t) => {
    const said: string[] = [];
    const platform = await platformFor(t, { store: server.database(), log: (line) => said.push(line) });
    const cik = await platform.gateway('P', 'S');
    const apps = [{ hello: { version: 'v2', status: 'RUNNING', exitstatus: 0 } }];
    const report = new URLSearchParams({
      engine_report: JSON.stringify({ apps, update_interval: 60 }),
      fetch_status: 'hello.v2.tar.gz: installed in 1 s',
    });
    const headers = [`X-Exosite-CIK: ${cik}`];
    const wrote = await platform.call('POST', '/onep:v1/stack/alias', headers, report.toString());
    assert.match(wrote.status, / 204 /);
    await server.kill();
    await eventually('a look in vain', () =>
      said.some((line) => line.includes('Cannot look at what was reported')),
    );
    await server.start();
    await eventually('it is looked at and counted', async () => {
      const answer = await platform.operate('GET', '/api/v1/overview');
      if (!answer.status.includes(' 200 ')) return false;
      const { hours } = JSON.parse(answer.body.toString());
      return hours.some(
        (hour: { installs: number; checkIns: number }) => hour.installs === 1 && hour.checkIns === 1,
      );
    });
    const gateway = await platform.operate('GET', '/api/v1/gateways/P/S');
    assert.equal(JSON.parse(gateway.body.toString()).apps.hello, 'v2');
  },
);

const newer = 'CREATE TABLE layout (version BIGINT, reads BIGINT); INSERT INTO layout VALUES (999, 999)';

test('what waiting does not mend ends the platform at once, with what it is', needs, async (t) => {
  const url = server.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(newer);
  await client.end();
  const other = url.replace(/\/t\d+\?/, '/nothing?');
  await assert.rejects(start(t, url), /its layout 999 is newer/);
  await assert.rejects(start(t, other), /database "nothing" does not exist/);
  await assert.rejects(start(t, url.replace('gwe@', 'nobody@')), /role "nobody" does not exist/);
});

test('what shows only when PostgreSQL is there ends the platform then', needs, async (t) => {
  const url = server.database().replace(/\/t\d+\?/, '/nothing?');
  await server.kill();
  const running = await start(t, url);
  const end = assert.rejects(running.serving, /database "nothing" does not exist/);
  await server.start();
  await end;
  await running.close();
});

function start(t: TestContext, store: string) {
  const dataFolder = mkdtempSync(join(tmpdir(), 'gwe-away-'));
  t.after(() => rmSync(dataFolder, { recursive: true, force: true }));
  const log = createLog('CRITICAL', Date.now, () => {});
  const where = { dataFolder, host: '127.0.0.1', port: 0, vendor: 'acme' };
  return startPlatform({ ...where, store, log, clock: systemClock });
}
