/** What every store must do about the fleet as a whole, operators and rollouts: run on each engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetFilter } from '../../src/platform/fleet-store.ts';
import { NOW_MS, type Open, seeded, writing } from './store-contract.ts';

const REPORT = JSON.stringify({ gateway_engine: {} });

export function fleetContract(engine: string, open: Open, options: { skip?: string | false } = {}): void {
  test(`${engine}: the fleet is filtered, sorted and turned page by page`, options, async (t) => {
    const store = await seeded(await open(t));
    await store.addGateways(
      'P',
      ['a-1', 'a-2', 'B-3'].map((serial) => ({ serial, extra: '' })),
      'unused',
      NOW_MS,
    );
    await store.setTags({ product: 'P', serial: 'a-2' }, ['b', 'a']);
    await store.exchange({ ...writing('engine_report', REPORT), seen: true });
    const serials = async (filter: FleetFilter) => {
      const { gateways, total } = await store.fleet(filter, { sort: 'serial', limit: 10, now_ms: NOW_MS });
      assert.equal(total, gateways.length);
      return gateways.map(({ serial }) => serial).join(' ');
    };
    assert.equal(await serials({}), 'B-3 S a-1 a-2');
    assert.equal(await serials({ serialPrefix: 'a-' }), 'a-1 a-2');
    assert.equal(await serials({ serialContains: 'b-' }), 'B-3');
    assert.equal(await serials({ tags: ['a', 'b'] }), 'a-2');
    assert.equal(await serials({ conditions: ['on-time'] }), 'S');
    assert.equal(await serials({ conditions: ['never'], activated: false }), 'B-3 a-1 a-2');
    assert.equal(await serials({ products: [] }), '');
    const page = await store.fleet({}, { sort: 'lastSeen', descending: true, limit: 1, now_ms: NOW_MS });
    assert.equal(page.gateways[0]?.serial, 'S');
    const next = await store.fleet(
      {},
      {
        sort: 'lastSeen',
        descending: true,
        limit: 9,
        now_ms: NOW_MS,
        ...(page.next && { after: page.next }),
      },
    );
    assert.equal(next.gateways.map(({ serial }) => serial).join(' '), 'B-3 a-2 a-1');
    await store.close();
  });

  test(
    `${engine}: a group has those that are listed and those that fit, and refuses serials that are not there`,
    options,
    async (t) => {
      const store = await seeded(await open(t));
      await store.addGateways('P', [{ serial: 'T1', extra: '' }], 'unused', NOW_MS);
      const unknown = await store.putGroup('P', 'g', { members: ['S', 'none'] }, NOW_MS);
      assert.deepEqual(unknown, { end: 'unknown', serials: ['none'] });
      assert.deepEqual(await store.putGroup('P', 'g', { members: ['S'] }, NOW_MS), { end: 'made' });
      const change = { criteria: { serialPrefix: 'T' }, meta: 'm' };
      assert.deepEqual(await store.putGroup('P', 'g', change, NOW_MS), { end: 'changed' });
      const group = await store.group('P', 'g', NOW_MS);
      assert.deepEqual([group?.gateways, group?.meta], [2, 'm']);
      assert.deepEqual(await store.groupsOf('P', 'T1', NOW_MS), ['g']);
      assert.deepEqual(await store.groupMembers('P', 'g'), ['S']);
      assert.equal(await store.removeGroup('P', 'g'), true);
      await store.close();
    },
  );
}

export function operatorContract(engine: string, open: Open, options: { skip?: string | false } = {}): void {
  test(
    `${engine}: of operators who change something at once, each record names the one before it`,
    options,
    async (t) => {
      const store = await open(t);
      const entry = {
        time_ms: NOW_MS,
        who: 'w',
        role: 'admin',
        address: '',
        action: 'a',
        status: 200,
        details: '',
      };
      await Promise.all(Array.from({ length: 12 }, () => store.appendAudit(entry)));
      const records = await store.audit({ oldestFirst: true, limit: 100 });
      assert.equal(records.length, 12);
      for (const [at, { previous }] of records.slice(1).entries()) assert.equal(previous, records[at]?.hash);
      await store.close();
    },
  );

  test(`${engine}: the last token that can make tokens stays`, options, async (t) => {
    const store = await open(t);
    const token = { role: 'admin' as const, now_ms: NOW_MS };
    assert.equal(await store.addToken({ ...token, name: 'a', hash: '1' }), 'added');
    assert.equal(await store.addToken({ ...token, name: 'b', hash: '2', products: ['P'] }), 'added');
    assert.equal(await store.addToken({ ...token, name: 'a', hash: '3' }), 'exists');
    assert.equal(await store.removeToken('a', NOW_MS), 'last');
    assert.equal(await store.removeToken('b', NOW_MS), 'removed');
    assert.deepEqual(
      (await store.tokens()).map(({ name }) => name),
      ['a'],
    );
    await store.close();
  });
}
