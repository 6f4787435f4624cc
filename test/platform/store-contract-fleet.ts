/** What any store promises about the fleet as a whole, about operators and about rollouts; see store-contract.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHAIN_START } from '../../src/platform/audit-chain.ts';
import type { AuditEntry } from '../../src/platform/fleet-store.ts';
import type { Member } from '../../src/platform/rollout-types.ts';
import type { Store } from '../../src/platform/store.ts';
import { memberOf, rolloutOf } from './rollout-fixture.ts';
import { NOW_MS, type OpenStore, storeWithGateway, writing } from './store-contract.ts';

const who = { product: 'P', serial: 'S' };

/** Registers the tests; `engine` names it in their titles. */
export function keepsTheFleetContract(engine: string, open: OpenStore): void {
  holdsFleet(engine, open);
  holdsOperators(engine, open);
  holdsRollouts(engine, open);
}

function holdsFleet(engine: string, open: OpenStore): void {
  test(`${engine}: pages of the fleet, in any order, show each gateway once`, async (t) => {
    const store = await storeWithGateway(t, open);
    const serials = Array.from({ length: 24 }, (_, i) => `G${String((i * 7) % 24).padStart(2, '0')}`);
    await store.addGateways(
      'P',
      serials.map((serial) => ({ serial, extra: '' })),
      'enabled',
      NOW_MS,
    );
    for (const sort of ['added', 'serial', 'lastSeen'] as const) {
      for (const descending of [false, true]) {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = {
            sort,
            descending,
            limit: 7,
            now_ms: NOW_MS,
            ...(after === undefined ? {} : { after }),
          };
          const result = await store.fleet({ serialPrefix: 'G' }, page);
          assert.equal(result.total, 24);
          seen.push(...result.gateways.map(({ serial }) => serial));
          after = result.next;
        } while (after !== undefined);
        const expected = sort === 'serial' ? serials.toSorted() : serials;
        if (sort !== 'lastSeen') assert.deepEqual(seen, descending ? expected.toReversed() : expected);
        assert.deepEqual(seen.toSorted(), serials.toSorted());
      }
    }
  });

  test(`${engine}: what a gateway reports is found by filters, groups and counts once it was looked at`, async (t) => {
    const store = await storeWithGateway(t, open);
    const report = JSON.stringify({ apps: [{ app: { version: '2' } }] });
    const end = await store.exchange({ ...writing('engine_report', report), seen: true });
    const gateway = end.end === 'done' ? end.gateway : 0;
    assert.deepEqual(await store.undigested(0, 10), [gateway]);
    const written = { gateway, aliases: ['engine_report'], checkIns: 1, time_ms: NOW_MS };
    const [digest] = await store.digest([written]);
    assert.deepEqual(digest?.apps, { app: '2' });
    assert.deepEqual(await store.undigested(gateway, 10), []);
    assert.equal(await store.setTags(who, ['blue']), true);
    const total = async (filter: Parameters<Store['fleet']>[0]) =>
      (await store.fleet(filter, { limit: 1, now_ms: NOW_MS })).total;
    assert.equal(await total({ application: { name: 'app', version: '2' }, tags: ['blue'] }), 1);
    assert.equal(await total({ application: { name: 'app', version: '1' } }), 0);
    assert.equal(await total({ serialContains: 's', conditions: ['on-time'] }), 1);
    await store.putGroup('P', 'g', { criteria: { tags: ['blue'] } }, NOW_MS);
    assert.deepEqual(await store.groupsOf('P', 'S', NOW_MS), ['g']);
    assert.deepEqual(await store.putGroup('P', 'h', { add: ['nobody'] }, NOW_MS), {
      end: 'unknown',
      serials: ['nobody'],
    });
    assert.deepEqual(await store.versions('P'), [{ app: 'app', version: '2', gateways: 1 }]);
    assert.equal((await store.overview(undefined, 0, NOW_MS)).conditions['on-time'], 1);
  });
}

function holdsOperators(engine: string, open: OpenStore): void {
  test(`${engine}: the last token that can make tokens stays`, async (t) => {
    const store = await open(t);
    await store.putToken({ name: 'root', role: 'admin', hash: 'h1', now_ms: NOW_MS });
    const other = { name: 'view', role: 'viewer', products: ['P'], hash: 'h2', now_ms: NOW_MS } as const;
    assert.equal(await store.addToken(other), 'added');
    assert.equal(await store.addToken({ ...other, hash: 'h3' }), 'exists');
    assert.equal(await store.removeToken('root', NOW_MS), 'last');
    assert.equal(await store.removeToken('view', NOW_MS), 'removed');
    assert.equal(await store.removeToken('view', NOW_MS), 'unknown');
    assert.equal((await store.token('h1'))?.name, 'root');
    assert.equal(await store.token('h2'), undefined);
    assert.equal(await store.countTokens(), 1);
  });

  test(`${engine}: records of the audit trail that come at once make one chain without gaps`, async (t) => {
    const store = await open(t);
    const entry: AuditEntry = {
      time_ms: NOW_MS,
      who: 'w',
      role: 'admin',
      address: '::1',
      action: 'POST /',
      status: 200,
      details: '',
    };
    const made = await Promise.all(
      Array.from({ length: 25 }, (_, i) => store.appendAudit({ ...entry, details: `${i}` })),
    );
    const kept = await store.audit({ oldestFirst: true, limit: 100 });
    assert.deepEqual(
      kept,
      made.toSorted((a, b) => a.seq - b.seq),
    );
    assert.deepEqual(
      kept.map(({ previous }) => previous),
      [CHAIN_START, ...kept.slice(0, -1).map(({ hash }) => hash)],
    );
  });
}

function holdsRollouts(engine: string, open: OpenStore): void {
  test(`${engine}: a command and its note come together, never over another command, and are taken back only while newest`, async (t) => {
    const store = await storeWithGateway(t, open);
    const gateway = (await store.gateway(who))?.id ?? 0;
    assert.ok((await store.lease.hold()) > 0);
    const rollout = await store.addRollout({ ...rolloutOf({ product: 'P' }), state: 'running' }, [
      { gateway, serial: 'S' },
    ]);
    assert.ok(rollout !== 'unknown');
    const told = await store.tellMember(
      rollout.id,
      memberOf(0, { gateway, serial: 'S', state: 'told' }),
      'command',
      NOW_MS,
    );
    assert.ok(typeof told !== 'string');
    assert.equal((await store.rolloutMembers(rollout.id))[0]?.point, told.point);
    assert.equal(await store.tellMember(rollout.id, told, 'again', NOW_MS), 'occupied');
    const cancelled: Member = { ...told, state: 'cancelled' };
    const back = await store.withdrawMember(rollout.id, cancelled, NOW_MS);
    assert.ok(typeof back !== 'string' && back.point > told.point);
    assert.equal(await store.withdrawMember(rollout.id, cancelled, NOW_MS), 'changed');
    assert.deepEqual(await store.rolloutCounts(rollout.id), { cancelled: 1 });
    await store.removeGateways('P', ['S']);
    assert.equal(await store.tellMember(rollout.id, told, 'x', NOW_MS), 'gone');
    assert.deepEqual(await store.observe([{ gateway, point: 0, statusPoint: 0 }]), []);
  });
}
