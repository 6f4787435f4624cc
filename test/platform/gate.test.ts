import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createGate, type Gate } from '../../src/platform/gate.ts';
import { inTurn, roomFor } from '../../src/platform/turns.ts';
import { header, platformFor } from './raw.ts';

test('of those who wait, whoever was served longest ago is first', () => {
  const waiting = [{ served: 30 }, { served: 10 }, { served: 20 }];
  assert.deepEqual(
    inTurn(waiting).map((each) => each.served),
    [10, 20, 30],
  );
});

test('callers that were never served, and may be invented, have every second place as they came', () => {
  const waiting = ['a', 'b', 'c', 'd'].map((name) => ({ name, served: undefined }));
  const turns = inTurn<{ name: string; served: number | undefined }>([
    ...waiting,
    { name: 'later', served: 9 },
    { name: 'earlier', served: 5 },
  ]);
  assert.deepEqual(
    turns.map(({ name }) => name),
    ['a', 'earlier', 'b', 'later', 'c', 'd'],
  );
});

test('as many may wait as can be served in time', () => {
  assert.equal(roomFor(300, 100, 2_000), 6_000);
  assert.equal(roomFor(64, 10_000, 2_000), 12);
  assert.equal(roomFor(64, 0, 2_000), Number.POSITIVE_INFINITY);
});

/** A gate for one at a time, work that takes `work_ms` of a clock which nothing else moves, and how each call ended. */
function stage(work_ms: number) {
  let now_ms = 1_000_000;
  const gate = createGate(() => now_ms, 1);
  const served: string[] = [];
  const refused: string[] = [];
  const call = async (name: string, isKnown = true) => {
    try {
      await gate.pass(
        keyOf(name),
        async () => {
          now_ms += work_ms;
          served.push(name);
        },
        () => isKnown,
      );
    } catch {
      refused.push(name);
    }
  };
  const pass = (duration_ms: number) => {
    now_ms += duration_ms;
  };
  return { gate, served, refused, call, pass };
}

/** A digest as keys have it: hexadecimal. */
const keyOf = (name: string) => Buffer.from(name).toString('hex').padStart(12, '0');
const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(4, '0')}`);

test('nobody is turned away, or served out of turn, while all can be served in time', async () => {
  const { gate, served, refused, call } = stage(0.1);
  const all = names('g', 2_000);
  await Promise.all(all.map((name) => call(name)));
  assert.deepEqual([served, refused], [all, []]);
  assert.deepEqual(gate.counts(), { waiting: 0, shed: 0 });
});

test('with more load than can be carried, those who were turned away are served the next time, and nobody starves', async () => {
  const { served, refused, call, pass } = stage(5);
  const all = names('g', 1_500);
  const rounds = new Map(all.map((name) => [name, 0]));
  for (let round = 0; round < 8; round += 1) {
    served.length = 0;
    refused.length = 0;
    await Promise.all(all.map((name) => call(name)));
    assert.ok(refused.length > 0, 'the load of this trial is too much for the gate');
    for (const name of served) rounds.set(name, 0);
    for (const name of refused) rounds.set(name, (rounds.get(name) ?? 0) + 1);
    pass(10_000);
  }
  const longest = Math.max(...rounds.values());
  assert.ok(longest <= 3, `a gateway was turned away ${longest} times in a row`);
});

test('a flood of invented keys takes half of the places, not all', async () => {
  const { served, refused, call } = stage(5);
  const fleet = names('g', 200);
  for (const name of fleet) await call(name);
  served.length = 0;
  await Promise.all([
    ...names('x', 3_000).map((name) => call(name, false)),
    ...fleet.map((name) => call(name)),
  ]);
  const gateways = served.filter((name) => name.startsWith('g'));
  assert.ok(refused.length > 1_000, 'the flood is more than can be served');
  assert.deepEqual(gateways.sort(), fleet);
});

test('when nothing ends any more, who comes is told so at once', async () => {
  let now_ms = 0;
  const gate: Gate = createGate(() => now_ms, 1);
  const ends: Array<() => void> = [];
  const call = (name: string) =>
    gate.pass(
      keyOf(name),
      () => new Promise<void>((resolve) => ends.push(resolve)),
      () => true,
    );
  const first = call('a');
  const second = call('b');
  gate.mayCome(() => keyOf('c'));
  now_ms += 2_001;
  assert.throws(() => gate.mayCome(() => keyOf('c')), { code: 'busy', message: /more gateways call/ });
  assert.deepEqual(gate.counts(), { waiting: 1, shed: 1 });
  ends.shift()?.();
  await first;
  await new Promise(setImmediate);
  ends.shift()?.();
  await second;
  gate.mayCome(() => keyOf('c'));
});

test('on the wire a gateway that is turned away gets 503 with Retry-After, and operators go on', async (t) => {
  let now_ms = 0;
  const clock = { ...systemClock, monotonic: () => (now_ms += 100) };
  const platform = await platformFor(t, { clock, callsAtOnce: 1 });
  const key = await platform.gateway('P1', 'SN1');
  const call = () =>
    platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${key}`], 'engine_report=%7B%7D');
  assert.equal((await call()).status, 'HTTP/1.1 204 No Content');
  const answers = await Promise.all(Array.from({ length: 700 }, call));
  const refused = answers.filter((each) => each.status.includes(' 503 '));
  assert.ok(refused.length > 0 && refused.length < 700, `${refused.length} of 700 were turned away`);
  for (const each of refused) assert.match(header(each, 'Retry-After') ?? '', /^\d+$/);
  const metrics = (await platform.operate('GET', '/metrics')).body.toString();
  assert.equal(Number(/^gwe_shed_total (\d+)$/m.exec(metrics)?.[1]), refused.length);
  assert.match(metrics, /^gwe_waiting_calls 0$/m);
});
