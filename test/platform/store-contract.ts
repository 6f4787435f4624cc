/** What every store must do, whatever engine it stands on: run on each of them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HISTORY_MAX_POINTS, HISTORY_SLACK_POINTS } from '../../src/platform/limits.ts';
import type { Exchange, Store } from '../../src/platform/store.ts';

export const NOW_MS = 1_700_000_000_000;
export const who = { product: 'P', serial: 'S' };

/** Opens an empty store. */
export type Open = (t: TestContext) => Promise<Store>;

export function writing(alias: string, value: string, now_ms = NOW_MS): Exchange {
  return { who, writes: [[alias, value]], reads: [], create: true, seen: false, now_ms };
}

/** With product P and its gateway S. */
export async function seeded(store: Store): Promise<Store> {
  await store.addProduct({ name: 'P', rid: 'r', template: '', now_ms: NOW_MS });
  await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
  return store;
}

const LOG = { time_ms: NOW_MS, connection: '', entry: '' };

export function historyContract(engine: string, open: Open, options: { skip?: string | false } = {}): void {
  const openStore = async (t: TestContext) => seeded(await open(t));

  test(
    `${engine}: history keeps the newest points, bounded by count, each with its text`,
    options,
    async (t) => {
      const store = await openStore(t);
      const writes = HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 5;
      for (let i = 0; i < writes; i += 1)
        await store.exchange(writing('a', `v${Math.floor(i / 7)}`, NOW_MS + i));
      const points = (await store.points(who, 'a', { limit: 10_000 })) ?? [];
      assert.ok(points.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS);
      assert.ok(points.length >= HISTORY_MAX_POINTS);
      const expected = points.map((_, i) => `v${Math.floor((writes - points.length + i) / 7)}`);
      assert.deepEqual(
        points.map((point) => point.value),
        expected,
      );
      await store.close();
    },
  );

  test(
    `${engine}: a value that never changes keeps its text however often it is written`,
    options,
    async (t) => {
      const store = await openStore(t);
      for (let i = 0; i < 3 * HISTORY_MAX_POINTS; i += 1) await store.exchange(writing('a', 'constant'));
      const points = (await store.points(who, 'a', { limit: 10_000 })) ?? [];
      assert.ok(points.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS);
      assert.ok(points.every((point) => point.value === 'constant'));
      const end = await store.exchange({ ...writing('b', ''), reads: ['a'] });
      assert.equal(end.end === 'done' ? end.ports[0]?.value : undefined, 'constant');
      await store.close();
    },
  );

  test(
    `${engine}: recorded points that are older than the newest value neither hide it nor borrow its text`,
    options,
    async (t) => {
      const store = await openStore(t);
      await store.exchange(writing('a', 'now'));
      await store.record({
        who,
        points: [{ alias: 'a', time_ms: NOW_MS - 5000, value: 'then' }],
        now_ms: NOW_MS,
      });
      await store.exchange(writing('a', 'now'));
      await store.exchange(writing('a', 'now'));
      const points = (await store.points(who, 'a', { limit: 10 })) ?? [];
      assert.deepEqual(
        points.map((point) => point.value),
        ['now', 'then', 'now', 'now'],
      );
      await store.close();
    },
  );

  test(
    `${engine}: recorded points stay bounded even if the device only records old ones`,
    options,
    async (t) => {
      const store = await openStore(t);
      await store.exchange(writing('a', 'now'));
      const points = Array.from({ length: 1000 }, (_, i) => ({
        alias: 'a',
        time_ms: NOW_MS - i * 1000,
        value: `r${i}`,
      }));
      await store.record({ who, points, now_ms: NOW_MS });
      const kept = (await store.points(who, 'a', { limit: 10_000 })) ?? [];
      assert.ok(kept.length <= HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 2, `${kept.length}`);
      await store.close();
    },
  );
}

export function callContract(engine: string, open: Open, options: { skip?: string | false } = {}): void {
  const openStore = async (t: TestContext) => seeded(await open(t));

  test(`${engine}: one call that fails within a commit fails alone`, options, async (t) => {
    const store = await openStore(t);
    const good = Array.from({ length: 20 }, (_, i) => store.exchange(writing('a', `v${i}`)));
    const bad = store.putToken({ name: 'n', role: 'admin', hash: 'same', now_ms: 0 });
    const worse = bad.then(() => store.putToken({ name: 'm', role: 'admin', hash: 'same', now_ms: 0 }));
    const more = Array.from({ length: 20 }, (_, i) => store.exchange(writing('b', `v${i}`)));
    await bad;
    await assert.rejects(worse);
    for (const end of await Promise.all([...good, ...more])) assert.equal(end.end, 'done');
    assert.equal((await store.points(who, 'a', { limit: 100 }))?.length, 20);
    assert.equal((await store.points(who, 'b', { limit: 100 }))?.length, 20);
    await store.close();
  });

  test(
    `${engine}: each write has a point of its own, growing, and a write that expects another one changes nothing`,
    options,
    async (t) => {
      const store = await openStore(t);
      const points: number[] = [];
      for (const value of ['x', 'x', 'y']) {
        const end = await store.exchange(writing('a', value));
        points.push(end.end === 'done' ? (end.written[0]?.point ?? 0) : 0);
      }
      const [first = 0, second = 0, third = 0] = points;
      assert.ok(0 < first && first < second && second < third);
      const late = await store.exchange({ ...writing('a', 'z'), ifMatch: [second] });
      assert.deepEqual(late, { end: 'changed' });
      const end = await store.exchange({ ...writing('a', 'z'), ifMatch: [third] });
      assert.equal(end.end, 'done');
      const since = await store.points(who, 'a', { since: first, limit: 2 });
      assert.deepEqual(
        since?.map(({ value }) => value),
        ['x', 'y'],
      );
      await store.close();
    },
  );

  test(
    `${engine}: of many writes to one dataport at once, all are kept in the order of their points`,
    options,
    async (t) => {
      const store = await openStore(t);
      const ends = await Promise.all(
        Array.from({ length: 60 }, (_, i) => store.exchange(writing('a', `v${i}`))),
      );
      const written = ends.flatMap((end) => (end.end === 'done' ? end.written : []));
      const byPoint = written.toSorted((a, b) => a.point - b.point).map(({ value }) => value);
      const points = (await store.points(who, 'a', { limit: 100 })) ?? [];
      assert.deepEqual(
        points.map(({ value }) => value),
        byPoint,
      );
      const [port] = (await store.dataports(who)) ?? [];
      assert.equal(port?.value, byPoint.at(-1));
      await store.close();
    },
  );

  test(
    `${engine}: a key opens its gateway until it is taken away, and a gateway that is gone takes its values along`,
    options,
    async (t) => {
      const store = await openStore(t);
      const byKey = { ...writing('device_info', 'x'), who: { key: 'k' } };
      assert.equal((await store.exchange(byKey)).end, 'unknown');
      assert.equal(await store.activate(who, 'k', LOG), 'activated');
      assert.equal((await store.exchange(byKey)).end, 'done');
      assert.equal(await store.setState(who, 'disabled', undefined, LOG), true);
      assert.equal((await store.exchange(byKey)).end, 'unknown');
      assert.equal(await store.activate(who, 'k', LOG), 'conflict');
      assert.equal(await store.removeGateways('P', ['S', 'none']), 1);
      await store.addGateways('P', [{ serial: 'S', extra: '' }], 'enabled', NOW_MS);
      assert.deepEqual(await store.dataports(who), []);
      await store.close();
    },
  );
}
