/** Replicas whose clocks are hours apart: what they have in common is the time of their database. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { aheadBy, shareClock } from '../../src/platform/postgres-clock.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { header, platformFor, type RawAnswer, request } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
const HOUR_MS = 3_600_000;
/** As much as this machine may take for a call. */
const NEAR_MS = 60_000;
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

const wrongBy = (by_ms: number): Clock => ({ ...systemClock, now: () => Date.now() + by_ms });
const isNear = (time_ms: number) => Math.abs(time_ms - Date.now()) < NEAR_MS;
const json = (answer: RawAnswer) => JSON.parse(answer.body.toString());

async function wrongReplicas(t: TestContext) {
  const store = server.database();
  const ahead = await platformFor(t, { store, clock: wrongBy(5 * HOUR_MS), hasDatabaseTime: true });
  const behind = await platformFor(t, { store, clock: wrongBy(-3 * HOUR_MS), hasDatabaseTime: true });
  return { ahead, behind, cik: `X-Exosite-CIK: ${await ahead.gateway('P', 'S')}` };
}

test('when a gateway was seen, and what it wrote, has the same time wherever it called', needs, async (t) => {
  const { ahead, behind, cik } = await wrongReplicas(t);
  for (const replica of [ahead, behind]) {
    const stamp = await replica.call('GET', '/timestamp');
    assert.ok(isNear(Number(stamp.body.toString()) * 1000), 'the time that gateways are told');
    await replica.call('POST', '/onep:v1/stack/alias', [cik], 'engine_report=%7B%7D');
    for (const asked of [ahead, behind]) {
      const gateway = await eventually('it was seen', async () => {
        const found = json(await asked.operate('GET', '/api/v1/gateways/P/S'));
        return found.lastSeen > 0 && found;
      });
      assert.ok(isNear(gateway.lastSeen));
      assert.equal(gateway.state, 'on-time');
    }
  }
  const path = '/api/v1/gateways/P/S/dataports/engine_report?points=10';
  const { points } = json(await behind.operate('GET', path));
  assert.equal(points.length, 2);
  for (const { time } of points) assert.ok(isNear(time));
});

test(
  'a gateway that asks for what is newer than it knows hears a command that the other replica took',
  needs,
  async (t) => {
    const { ahead, behind, cik } = await wrongReplicas(t);
    const tell = '/api/v1/gateways/P/S/dataports/engine_fetch';
    await ahead.operate('PUT', tell, '{"value":"first"}');
    const read = () => ahead.call('GET', '/onep:v1/stack/alias?engine_fetch', [cik]);
    const known = Date.parse(header(await read(), 'Last-Modified') ?? '');
    const waiting = behind.connect();
    // As clients in the field do: a second after the one that is known.
    const since = `If-Modified-Since: ${new Date(known + 1000).toUTCString()}`;
    const poll = request('GET', '/onep:v1/stack/alias?engine_fetch', [cik, 'Request-Timeout: 60000', since]);
    waiting.send(poll);
    await behind.held(1);
    await behind.operate('PUT', tell, '{"value":"second"}');
    assert.equal((await waiting.answer()).body.toString(), 'engine_fetch=second');
  },
);

test('a token and a session are good, and end, at the same time everywhere', needs, async (t) => {
  const { ahead, behind } = await wrongReplicas(t);
  const inTime = { name: 'hour', role: 'viewer', expires: Date.now() + HOUR_MS };
  const { token } = json(await behind.operate('POST', '/api/v1/tokens', JSON.stringify(inTime)));
  const bearer = `Authorization: Bearer ${token}`;
  assert.match((await ahead.call('GET', '/api/v1/whoami', [bearer])).status, / 200 /);
  const login = await behind.call('POST', '/api/v1/session', ['X-Gwe-CSRF: 1'], JSON.stringify({ token }));
  const cookie = `Cookie: ${header(login, 'Set-Cookie')?.split(';')[0]}`;
  assert.match((await ahead.call('GET', '/api/v1/whoami', [cookie])).status, / 200 /);
});

test('the time of the database goes on by the monotonic clock, and a slow answer does not move it', () => {
  const first = aheadBy({ database_ms: 1_000_000, asked_ms: 100, came_ms: 110 }, undefined);
  assert.equal(first, 999_895);
  const slow = { database_ms: 1_001_000, asked_ms: 1_000, came_ms: 1_400 };
  assert.equal(aheadBy(slow, first), first, 'it may well be right');
  const moved = { database_ms: 2_001_000, asked_ms: 1_000, came_ms: 1_010 };
  assert.equal(aheadBy(moved, first), 1_999_995, 'another server, or somebody set its clock');
  let [now_ms, monotonic_ms] = [5_000, 100];
  const clock = shareClock({ ...systemClock, now: () => now_ms, monotonic: () => monotonic_ms });
  assert.equal(clock.now(), 5_000, 'its own until the first answer');
  clock.hear({ database_ms: 1_000_000, asked_ms: 100, came_ms: 100 });
  [now_ms, monotonic_ms] = [9_999_999, 350];
  assert.equal(clock.now(), 1_000_250, 'whatever somebody sets this machine to');
});
