/** Two equal replicas over one PostgreSQL: what is done at one is there at the other, and reaches who waits there. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { clockAt, platformFor, request } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { keepsTheContract, NOW_MS } from './store-contract.ts';
import { keepsTheFleetContract } from './store-contract-fleet.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres();
});
after(() => server?.stop());

const openAt = (url: string): Promise<Store> =>
  openPostgresStore(
    url,
    clockAt(NOW_MS),
    createLog('CRITICAL', Date.now, () => {}),
  );

async function twoStores(t: TestContext): Promise<[Store, Store]> {
  const url = server.database();
  const [a, b] = await Promise.all([openAt(url), openAt(url)]);
  t.after(async () => {
    await a.close();
    await b.close();
  });
  return [a, b];
}

/** Calls go to one and the other in turn, but for those of the driver, who is at one of them. */
async function alternating(t: TestContext): Promise<Store> {
  const [a, b] = await twoStores(t);
  const driver = new Set<PropertyKey>(['lease', 'saveRollout', 'tellMember', 'withdrawMember']);
  let calls = 0;
  return new Proxy(a, {
    get(_, name) {
      calls += driver.has(name) ? 0 : 1;
      return Reflect.get(calls % 2 === 0 || driver.has(name) ? a : b, name);
    },
  });
}

if (needs.skip === false) {
  keepsTheContract('two replicas in turn', alternating);
  keepsTheFleetContract('two replicas in turn', alternating);
}

async function twoPlatforms(t: TestContext) {
  const store = server.database();
  const a = await platformFor(t, { store });
  const b = await platformFor(t, { store });
  return { a, b, cik: await a.gateway('P', 'S') };
}

const TELL = '/api/v1/gateways/P/S/dataports/engine_fetch';

test('a gateway that waits at one replica hears what an operator tells it at the other', needs, async (t) => {
  const { a, b, cik } = await twoPlatforms(t);
  const took_ms: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    const poll = b.connect();
    poll.send(
      request('GET', '/onep:v1/stack/alias?engine_fetch', [
        `X-Exosite-CIK: ${cik}`,
        'Request-Timeout: 60000',
      ]),
    );
    await eventually('the poll is held', async () => {
      const metrics = await b.operate('GET', '/metrics');
      return /^gwe_parked_polls 1$/m.test(metrics.body.toString());
    });
    const begun_ms = performance.now();
    const value = `value ${round}`;
    await a.operate('PUT', TELL, JSON.stringify({ value }));
    const answer = await poll.answer();
    took_ms.push(performance.now() - begun_ms);
    assert.match(answer.body.toString(), new RegExp(`engine_fetch=value.*${round}$`));
    poll.close();
  }
  took_ms.sort((x, y) => x - y);
  console.log(took_ms.map((x) => x.toFixed(1)).join(' '));
});
