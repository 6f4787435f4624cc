/**
 * What any store promises, whatever engine is under it: a test file opens a kind of store and hands it in. Nothing here
 * looks into a file or a table. What is promised about the fleet and about operators: store-contract-fleet.ts.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HISTORY_MAX_POINTS, HISTORY_SLACK_POINTS } from '../../src/platform/limits.ts';
import type { Dataport, Exchange, ExchangeEnd, LogEntry, Store } from '../../src/platform/store.ts';
import { eventually } from '../e2e/machine.ts';

/** Opens an empty store, whose clock stands at NOW_MS; it goes with the test. */
export type OpenStore = (t: TestContext) => Promise<Store>;

export const NOW_MS = 1_700_000_000_000;
const who = { product: 'P', serial: 'S' };
const LOG: LogEntry = { time_ms: NOW_MS, connection: 'c', entry: 'e' };

/** A store with the product P and its gateway S, which may be activated. */
export async function storeWithGateway(t: TestContext, open: OpenStore): Promise<Store> {
  const store = await open(t);
  await store.addProduct({ name: 'P', rid: 'r', template: '', now_ms: NOW_MS });
  await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
  return store;
}

export function writing(alias: string, value: string, now_ms = NOW_MS): Exchange {
  return { who, writes: [[alias, value]], reads: [], create: true, seen: false, now_ms };
}

function portsOf(end: ExchangeEnd): Dataport[] {
  assert.equal(end.end, 'done');
  return end.end === 'done' ? end.ports : [];
}

const valuesOf = async (store: Store, alias: string, limit = 10_000) =>
  ((await store.points(who, alias, { limit })) ?? []).map((point) => point.value);

/** Registers the tests; `engine` names it in their titles. */
export function keepsTheContract(engine: string, open: OpenStore): void {
  holdsHistory(engine, open);
  holdsExchanges(engine, open);
  holdsGateways(engine, open);
  holdsContent(engine, open);
}

function holdsHistory(engine: string, open: OpenStore): void {
  test(`${engine}: history keeps the newest points, bounded by count, each with its text`, async (t) => {
    const store = await storeWithGateway(t, open);
    const writes = HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 5;
    for (let i = 0; i < writes; i += 1)
      await store.exchange(writing('a', `v${Math.floor(i / 7)}`, NOW_MS + i));
    const values = await valuesOf(store, 'a');
    assert.ok(values.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS);
    assert.ok(values.length >= HISTORY_MAX_POINTS);
    assert.deepEqual(
      values,
      values.map((_, i) => `v${Math.floor((writes - values.length + i) / 7)}`),
    );
  });

  test(`${engine}: a value that never changes keeps its text however often it is written`, async (t) => {
    const store = await storeWithGateway(t, open);
    for (let i = 0; i < 3 * HISTORY_MAX_POINTS; i += 1) await store.exchange(writing('a', 'constant'));
    const values = await valuesOf(store, 'a');
    assert.ok(values.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS);
    assert.ok(values.every((value) => value === 'constant'));
    const ports = portsOf(await store.exchange({ ...writing('b', ''), reads: ['a'] }));
    assert.equal(ports[0]?.value, 'constant');
  });

  test(`${engine}: recorded points that are older than the newest value neither hide it nor borrow its text`, async (t) => {
    const store = await storeWithGateway(t, open);
    await store.exchange(writing('a', 'now'));
    const points = [{ alias: 'a', time_ms: NOW_MS - 5000, value: 'then' }];
    assert.equal(await store.record({ who, points, now_ms: NOW_MS }), 'done');
    await store.exchange(writing('a', 'now'));
    await store.exchange(writing('a', 'now'));
    assert.deepEqual(await valuesOf(store, 'a'), ['now', 'then', 'now', 'now']);
  });

  test(`${engine}: recorded points stay bounded even if the device only records old ones`, async (t) => {
    const store = await storeWithGateway(t, open);
    await store.exchange(writing('a', 'now'));
    const points = Array.from({ length: 1000 }, (_, i) => ({
      alias: 'a',
      time_ms: NOW_MS - i * 1000,
      value: `r${i}`,
    }));
    await store.record({ who, points, now_ms: NOW_MS });
    const kept = await valuesOf(store, 'a');
    assert.ok(kept.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 2, `${kept.length}`);
  });

  test(`${engine}: points are read on from one that is known, in the order of writing`, async (t) => {
    const store = await storeWithGateway(t, open);
    for (const value of ['1', '2', '3', '4']) await store.exchange(writing('a', value));
    const all = (await store.points(who, 'a', { limit: 10 })) ?? [];
    const rest = (await store.points(who, 'a', { since: all[1]?.id ?? 0, limit: 10 })) ?? [];
    assert.deepEqual(rest, all.slice(2));
    assert.deepEqual(await valuesOf(store, 'a', 2), ['3', '4']);
    assert.equal(await store.points(who, 'never', { limit: 1 }), undefined);
    assert.deepEqual(await store.points(who, 'engine_fetch', { limit: 1 }), []);
  });
}

function holdsExchanges(engine: string, open: OpenStore): void {
  test(`${engine}: a call reads what it wrote itself, the last of several writes to one alias, in the order asked for`, async (t) => {
    const store = await storeWithGateway(t, open);
    const writes = [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ] as const;
    const call = { ...writing('a', ''), writes, reads: ['b', 'nowhere', 'a', 'engine_fetch'] };
    const ports = portsOf(await store.exchange(call));
    assert.deepEqual(
      ports.map(({ alias, value }) => [alias, value]),
      [
        ['b', '2'],
        ['a', '3'],
        ['engine_fetch', ''],
      ],
    );
    assert.equal(ports[2]?.point, 0);
    assert.deepEqual(await valuesOf(store, 'a'), ['1', '3']);
  });

  test(`${engine}: each write makes a greater point, also of the same text, and a conditional one is made only on the point it names`, async (t) => {
    const store = await storeWithGateway(t, open);
    const point = async () =>
      portsOf(await store.exchange({ ...writing('a', 'same'), reads: ['a'] }))[0]?.point ?? 0;
    const first = await point();
    const second = await point();
    assert.ok(second > first);
    assert.equal((await store.exchange({ ...writing('a', 'late'), ifMatch: [first] })).end, 'changed');
    assert.equal((await store.exchange({ ...writing('a', 'next'), ifMatch: [first, second] })).end, 'done');
    assert.equal((await valuesOf(store, 'a')).at(-1), 'next');
  });

  test(`${engine}: of many conditional writes on one point at once, exactly one is made`, async (t) => {
    const store = await storeWithGateway(t, open);
    const ends = await Promise.all(
      Array.from({ length: 30 }, (_, i) => store.exchange({ ...writing('a', `v${i}`), ifMatch: [0] })),
    );
    assert.equal(ends.filter(({ end }) => end === 'done').length, 1);
    assert.equal((await valuesOf(store, 'a')).length, 1);
  });

  test(`${engine}: a device's write makes no dataport but those that the protocol or the product names`, async (t) => {
    const store = await storeWithGateway(t, open);
    const device = (alias: string) => store.exchange({ ...writing(alias, 'x'), create: false });
    for (const alias of ['stray', 'device_info', 'extra']) await device(alias);
    assert.equal(await store.addProductAlias('P', 'extra'), true);
    assert.equal(await store.addProductAlias('none', 'extra'), false);
    await device('extra');
    assert.deepEqual(
      (await store.dataports(who))?.map(({ alias }) => alias),
      ['device_info', 'extra'],
    );
    const nobody = { product: 'P', serial: 'nobody' };
    assert.equal((await store.exchange({ ...writing('a', ''), who: nobody })).end, 'unknown');
    assert.equal(await store.record({ who: nobody, points: [], now_ms: NOW_MS }), 'unknown');
  });

  test(`${engine}: whoever listens is told of each write that is committed, and can read it then`, async (t) => {
    const store = await storeWithGateway(t, open);
    const told = new Promise<readonly string[]>((resolve) => {
      store.onWrite((_, aliases) => resolve(aliases));
    });
    await store.exchange(writing('engine_fetch', 'x'));
    assert.deepEqual(await told, ['engine_fetch']);
  });

  test(`${engine}: one call that fails among many fails alone`, async (t) => {
    const store = await storeWithGateway(t, open);
    const good = Array.from({ length: 20 }, (_, i) => store.exchange(writing('a', `v${i}`)));
    const tokens = ['n', 'm'].map((name) => store.putToken({ name, role: 'admin', hash: 'same', now_ms: 0 }));
    const more = Array.from({ length: 20 }, (_, i) => store.exchange(writing('b', `v${i}`)));
    const made = await Promise.allSettled(tokens);
    assert.deepEqual(made.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    for (const end of await Promise.all([...good, ...more])) assert.equal(end.end, 'done');
    const expected = Array.from({ length: 20 }, (_, i) => `v${i}`).sort();
    assert.deepEqual((await valuesOf(store, 'a')).sort(), expected);
    assert.deepEqual((await valuesOf(store, 'b')).sort(), expected);
  });
}

function holdsGateways(engine: string, open: OpenStore): void {
  test(`${engine}: gateways are added all or none, and pages of them miss and repeat none`, async (t) => {
    const store = await storeWithGateway(t, open);
    const named = (...serials: string[]) => serials.map((serial) => ({ serial, extra: '' }));
    assert.equal(await store.addGateways('P', named('A', 'S'), 'unused', NOW_MS), 'exists');
    assert.equal(await store.addGateways('none', named('A'), 'unused', NOW_MS), 'unknown');
    assert.equal(await store.addGateways('P', named('A', 'B', 'C'), 'unused', NOW_MS), 'added');
    const first = await store.gateways({ product: 'P', limit: 2 });
    const rest = await store.gateways({ product: 'P', after: first.at(-1)?.id ?? 0, limit: 10 });
    assert.deepEqual(
      [...first, ...rest].map(({ serial, state }) => `${serial} ${state}`),
      ['S enabled', 'A unused', 'B unused', 'C unused'],
    );
    assert.equal(await store.removeGateways('P', ['A', 'nobody']), 1);
    assert.equal((await store.product('P'))?.gateways, 3);
  });

  test(`${engine}: a key is given once, calls by it reach its gateway, and disabling takes it away`, async (t) => {
    const store = await storeWithGateway(t, open);
    const ends = await Promise.all(['k1', 'k2', 'k3'].map((key) => store.activate(who, key, LOG)));
    assert.deepEqual(ends.toSorted(), ['activated', 'conflict', 'conflict']);
    const key = `k${ends.indexOf('activated') + 1}`;
    assert.equal((await store.gateway({ key }))?.serial, 'S');
    assert.equal((await store.gateway(who))?.state, 'activated');
    await store.exchange({ ...writing('a', 'kept'), who: { key }, seen: true });
    await eventually('it was seen', async () => (await store.gateway(who))?.lastSeen_ms === NOW_MS);
    assert.equal(await store.setState(who, 'disabled', undefined, LOG), true);
    assert.equal(await store.gateway({ key }), undefined);
    assert.equal((await store.exchange({ ...writing('a', ''), who: { key } })).end, 'unknown');
    assert.deepEqual(await valuesOf(store, 'a'), ['kept']);
  });

  test(`${engine}: a product goes with all that belongs to it, and comes back empty`, async (t) => {
    const store = await storeWithGateway(t, open);
    await store.exchange(writing('a', 'x'));
    assert.equal(await store.addRanges('P', ['1-9']), true);
    assert.deepEqual(await store.ranges('P'), ['1-9']);
    assert.equal(await store.productOfHost('p'), 'P');
    assert.equal(await store.addProduct({ name: 'P', rid: 's', template: '', now_ms: 0 }), 'exists');
    assert.equal(await store.removeProduct('P'), true);
    assert.equal(await store.removeProduct('P'), false);
    assert.equal(await store.ranges('P'), undefined);
    await store.addProduct({ name: 'P', rid: 's', template: '', now_ms: NOW_MS });
    assert.deepEqual(await store.gateways({ product: 'P', limit: 9 }), []);
    assert.equal(await store.dataports(who), undefined);
  });
}

function holdsContent(engine: string, open: OpenStore): void {
  test(`${engine}: content is known by name, and its digest is used as long as some name has it`, async (t) => {
    const store = await storeWithGateway(t, open);
    const put = (name: string, sha256: string) =>
      store.putContent('P', { name, type: 't', size_bytes: 3, sha256, now_ms: NOW_MS });
    assert.deepEqual(await put('one', 'd1'), { previous: undefined });
    assert.deepEqual(await put('two', 'd1'), { previous: undefined });
    assert.deepEqual(await put('one', 'd2'), { previous: 'd1' });
    assert.deepEqual(await store.digests(), new Set(['d1', 'd2']));
    assert.equal(await store.setMeta('P', 'two', 'said'), true);
    assert.equal((await store.content('P', 'two'))?.meta, 'said');
    assert.equal(await store.removeContent('P', 'two'), true);
    assert.equal(await store.digestIsUsed('d1'), false);
    assert.equal(await store.removeContent('P', 'two'), false);
    assert.deepEqual(
      (await store.contents('P'))?.map(({ name }) => name),
      ['one'],
    );
  });
}
