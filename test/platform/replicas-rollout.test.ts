/** Who drives rollouts when there are several replicas: one at a time, and never one whose time is over without its knowing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { clockAt, platformFor, type RawAnswer } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { memberOf, rolloutOf } from './rollout-fixture.ts';
import { NOW_MS, storeWithGateway } from './store-contract.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

const who = { product: 'P', serial: 'S' };
const openAt = (url: string, now_ms = NOW_MS): Promise<Store> =>
  openPostgresStore(
    url,
    clockAt(now_ms),
    createLog('CRITICAL', Date.now, () => {}),
  );

test('a replica that was paused while another took the lease writes nothing any more', needs, async (t) => {
  const url = server.database();
  // Their clocks are a year apart: that of the database counts.
  const paused = await storeWithGateway(t, () => openAt(url));
  const other = await openAt(url, NOW_MS + 365 * 86_400_000);
  t.after(async () => {
    await paused.close();
    await other.close();
  });
  const first = await paused.lease.hold();
  assert.ok(first > 0);
  const gateway = (await paused.gateway(who))?.id ?? 0;
  const rollout = await paused.addRollout({ ...rolloutOf({ product: 'P' }), state: 'running' }, [
    { gateway, serial: 'S' },
  ]);
  assert.ok(rollout !== 'unknown');
  assert.equal(await other.lease.hold(), 0, 'held by one');
  assert.equal(await paused.lease.hold(), first, 'kept');
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  await database.query('UPDATE lease SET until_ms = 0');
  await database.end();
  const second = await other.lease.hold();
  assert.ok(second > first, 'the number grows');
  const refused = { code: 'busy', message: /another replica/ };
  const told = memberOf(0, { gateway, serial: 'S', state: 'told' });
  await assert.rejects(paused.tellMember(rollout.id, told, 'old', NOW_MS), refused);
  await assert.rejects(paused.withdrawMember(rollout.id, told, NOW_MS), refused);
  await assert.rejects(paused.saveRollout({ ...rollout, state: 'aborting' }, []), refused);
  await assert.rejects(paused.addRollout({ ...rolloutOf({ product: 'P' }), state: 'running' }, []), refused);
  assert.equal((await other.rollout(rollout.id))?.state, 'running');
  assert.deepEqual(await other.dataports(who), []);
  const end = await other.tellMember(rollout.id, told, 'new', NOW_MS);
  assert.ok(typeof end !== 'string');
  assert.equal(await paused.lease.hold(), 0, 'nor can it come back while the other has it');
  await other.lease.release();
  assert.ok((await paused.lease.hold()) > second, 'later it may, under a new number');
});

test(
  'a lease from a server whose clock was hours ahead is over when another one took its place',
  needs,
  async (t) => {
    const url = server.database();
    const [dead, other] = [await openAt(url), await openAt(url)];
    t.after(() => other.close());
    assert.ok((await dead.lease.hold()) > 0);
    const database = new pg.Client({ connectionString: url });
    await database.connect();
    assert.equal(await other.lease.hold(), 0, 'held by one');
    await dead.close();
    await database.query('UPDATE lease SET until_ms = until_ms + 5 * 3600000');
    await database.end();
    assert.ok((await other.lease.hold()) > 0);
  },
);

const json = (answer: RawAnswer) => JSON.parse(answer.body.toString());
const NAME = 'hello.v2.tar.gz';
const ALIAS = '/onep:v1/stack/alias';

test(
  'a rollout goes on whichever replica is asked, and when the one that drove it ends',
  needs,
  async (t) => {
    const store = server.database();
    const a = await platformFor(t, { store });
    const b = await platformFor(t, { store });
    const ciks = [await a.gateway('P', 'S1'), await b.gateway('P', 'S2')];
    await a.operate('PUT', `/api/v1/products/P/content/${NAME}?force=true`, 'bytes');
    const report = (installed: boolean) => {
      const apps = installed ? [{ hello: { version: 'v2', status: 'RUNNING', exitstatus: 0 } }] : [];
      return `engine_report=${encodeURIComponent(JSON.stringify({ apps, update_interval: 60 }))}`;
    };
    const [one = '', two = ''] = ciks.map((cik) => `X-Exosite-CIK: ${cik}`);
    await a.call('POST', ALIAS, [one], report(false));
    await b.call('POST', ALIAS, [two], report(false));
    await eventually('the first replica heard that both are there', async () => {
      const seen = ['S1', 'S2'].map(async (serial) =>
        json(await a.operate('GET', `/api/v1/gateways/P/${serial}`)),
      );
      return (await Promise.all(seen)).every(({ lastSeen }) => lastSeen > 0);
    });
    const plan = { product: 'P', names: [NAME], stages: [{ count: 1 }, { percent: 100 }], silentAfter_s: 1 };
    const made = await a.operate('POST', '/api/v1/rollouts', JSON.stringify(plan));
    const { id } = json(made);
    const at = async (replica: typeof a) => json(await replica.operate('GET', `/api/v1/rollouts/${id}`));
    assert.equal(json(made).counts.told, 1, 'the replica that was asked drives it at once');
    assert.equal((await at(b)).counts.told, 1);
    const paused = json(await b.operate('POST', `/api/v1/rollouts/${id}/pause`));
    assert.deepEqual(
      [paused.state, paused.counts.told],
      ['paused', 0],
      'nor does the other leave it to the first',
    );
    assert.equal((await at(a)).why, paused.why);
    assert.equal(json(await a.operate('POST', `/api/v1/rollouts/${id}/resume`)).counts.told, 1);

    // The gateway that was told takes it at the replica that does not drive.
    const fetch = async (cik: string) =>
      (await b.call('GET', `${ALIAS}?engine_fetch`, [cik])).body.toString();
    const install = async (cik: string) => {
      await b.call('POST', ALIAS, [cik], 'engine_fetch=');
      const end = `fetch_status=${encodeURIComponent(`${NAME}: installed`)}&${report(true)}`;
      await b.call('POST', ALIAS, [cik], end);
    };
    const first = (await fetch(one)) === '' ? two : one;
    await install(first);
    await eventually('its success is seen', async () => (await at(b)).counts.watched === 1);
    await a.close();
    const second = first === one ? two : one;
    await eventually('the replica that is left tells the next', async () => {
      await b.call('POST', ALIAS, [first], report(true));
      return (await fetch(second)) !== '';
    });
    await install(second);
    await eventually('the end', async () => {
      for (const cik of [first, second]) await b.call('POST', ALIAS, [cik], report(true));
      return (await at(b)).state === 'complete';
    });
  },
);
