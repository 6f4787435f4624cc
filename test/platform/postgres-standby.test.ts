/** A PostgreSQL that follows another one, one that takes no writes for a while, and one whose follower is gone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPool } from '../../src/platform/postgres-client.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { type PostgresPair, startPair } from './postgres-pair.ts';
import { header, platformFor } from './raw.ts';
import { startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
let pair: PostgresPair;
before(async () => {
  if (needs.skip !== false) return;
  pair = await startPair();
  await pair.standBy();
});
after(() => pair?.stop());

test(
  'a commit that no standby confirmed is not acknowledged, though PostgreSQL lets it go well',
  needs,
  async (t) => {
    const db = openPool(pair.database(), () => {}, 500);
    t.after(() => db.close());
    await db.script('CREATE TABLE kept (n BIGINT)');
    await pair.loseStandby();
    const insert = () => db.transaction((session) => session.run('INSERT INTO kept VALUES (1)'));
    await assert.rejects(insert(), { code: 'busy', message: /no standby of PostgreSQL confirmed it/ });
    await pair.standBy();
    await insert();
  },
);

test(
  'a server that only follows answers nothing: the platform waits until it takes over',
  needs,
  async (t) => {
    const store = pair.database();
    await eventually('the follower to have the database', () => pair.isCaughtUp());
    pair.leadToStandby();
    const db = openPool(store, () => {});
    t.after(() => db.close());
    await assert.rejects(db.get('SELECT 1 AS n'), { code: 'busy', message: /the server is a standby/ });
    const platform = await platformFor(t, { store });
    const ready = await platform.call('GET', '/readyz');
    assert.match(ready.status, / 503 /);
    assert.match(ready.body.toString(), /^not ready: Cannot use PostgreSQL: /);
    pair.promote();
    await eventually('it is ready', async () =>
      (await platform.call('GET', '/readyz')).status.includes(' 200 '),
    );
    assert.match(await platform.gateway('P', 'S'), /^[0-9a-f]{40}$/);
  },
);

test(
  'while PostgreSQL takes no writes check-ins get 503 with Retry-After, and go on by themselves',
  needs,
  async (t) => {
    const server = await startPostgres({ isDurable: false });
    t.after(() => server.stop());
    const platform = await platformFor(t, { store: server.database() });
    const cik = await platform.gateway('P', 'S');
    const check = () =>
      platform.call(
        'POST',
        '/onep:v1/stack/alias',
        [`X-Exosite-CIK: ${cik}`],
        `device_info=${performance.now()}`,
      );
    const only = (how: 'read' | 'write') => {
      server.ask(`ALTER SYSTEM SET default_transaction_read_only = ${how === 'read' ? 'on' : 'off'}`);
      server.ask('SELECT pg_reload_conf()');
    };
    only('read');
    const answer = await eventually('a refusal', async () => {
      const each = await check();
      return !/ 204 /.test(each.status) && each;
    });
    assert.match(answer.status, / 503 /);
    assert.match(header(answer, 'Retry-After') ?? '', /^\d+$/);
    only('write');
    await eventually('check-ins go on', async () => / 204 /.test((await check()).status));
  },
);
