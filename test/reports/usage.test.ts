import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addTraffic, emptyUsage, readUsage, type Usage, usageReport } from '../../src/reports/usage.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 4, 10, 12, 30);
const write = { iface: 'eth0', method: 'http_write', rx_bytes: 300, tx_bytes: 2100 };

const report = (usage: Usage, now_ms = NOON_MS) => JSON.parse(usageReport(usage, now_ms));

test('exchanges of one hour are summed, and the largest is told', () => {
  let usage = addTraffic(emptyUsage(), write, NOON_MS);
  usage = addTraffic(usage, { ...write, rx_bytes: 900, tx_bytes: 3300 }, NOON_MS + 60_000);
  const expected = { http_write: { tot_rx: 1200, max_rx: 900, tot_tx: 5400, max_tx: 3300, num: 2 } };
  assert.deepEqual(report(usage).eth0.hour, expected);
  assert.deepEqual(report(usage).eth0.day, expected);
});

test('the next hour counts from nothing, the day goes on; so does the next day', () => {
  let usage = addTraffic(emptyUsage(), write, NOON_MS);
  usage = addTraffic(usage, write, NOON_MS + HOUR_MS);
  assert.equal(report(usage, NOON_MS + HOUR_MS).eth0.hour.http_write.num, 1);
  assert.equal(report(usage, NOON_MS + HOUR_MS).eth0.day.http_write.num, 2);
  usage = addTraffic(usage, write, NOON_MS + 12 * HOUR_MS);
  assert.equal(report(usage, NOON_MS + 12 * HOUR_MS).eth0.day.http_write.num, 1);
});

test('a gateway that checks in twice a day still reports the hour of its last check-in, and says which', () => {
  const usage = addTraffic(emptyUsage(), write, NOON_MS);
  const later = report(usage, NOON_MS + 12 * HOUR_MS).eth0;
  assert.equal(later.hour.http_write.num, 1);
  assert.equal(later.counted, 'hour from 2026-05-10T12:00Z, day from 2026-05-10T00:00Z');
});

test('a clock that was set back starts new windows instead of adding to the future', () => {
  const usage = addTraffic(emptyUsage(), write, NOON_MS);
  assert.deepEqual(report(usage, 1000), {});
  const since1970 = addTraffic(usage, write, 1000);
  assert.equal(report(since1970, 2000).eth0.day.http_write.num, 1);
});

test('no number or text stands inside a window, and what stands beside windows is a short text', () => {
  let usage = addTraffic(emptyUsage(), write, NOON_MS);
  usage = addTraffic(usage, { ...write, iface: 'wlan0', method: 'http_download', rx_bytes: 1e9 }, NOON_MS);
  for (const iface of Object.values<Record<string, unknown>>(report(usage))) {
    for (const [name, value] of Object.entries(iface)) {
      if (name === 'hour' || name === 'day') {
        for (const [method, numbers] of Object.entries(value as object)) {
          assert.ok(method.length > 2);
          assert.deepEqual(Object.keys(numbers), ['tot_rx', 'max_rx', 'tot_tx', 'max_tx', 'num']);
        }
      } else assert.ok(typeof value === 'string' && value.length < 101);
    }
  }
});

test('the top consumer is what moved most bytes on that interface', () => {
  let usage = addTraffic(emptyUsage(), write, NOON_MS);
  usage = addTraffic(usage, { ...write, method: 'http_download', rx_bytes: 50_000 }, NOON_MS);
  usage = addTraffic(usage, { ...write, iface: 'wlan0' }, NOON_MS);
  assert.equal(report(usage).eth0.top_consumer, 'http_download');
  assert.equal(report(usage).wlan0.top_consumer, 'http_write');
});

test('an interface without traffic in this hour has an empty hour, not a missing one', () => {
  let usage = addTraffic(emptyUsage(), { ...write, iface: 'wlan0' }, NOON_MS);
  usage = addTraffic(usage, write, NOON_MS + HOUR_MS);
  assert.deepEqual(report(usage, NOON_MS + HOUR_MS).wlan0.hour, {});
});

test('names that the pages drop, names that are none and too many of them are counted together', () => {
  let usage = emptyUsage();
  for (const iface of ['__proto__', 'a b', ''])
    usage = addTraffic(usage, { ...write, iface, method: 'up' }, NOON_MS);
  assert.equal(report(usage).other.hour.other.num, 3);
  for (let n = 0; n < 100; n++)
    usage = addTraffic(usage, { ...write, iface: `veth${n}`, method: `method${n}` }, NOON_MS);
  assert.ok(Object.keys(report(usage)).length <= 16);
  for (let n = 0; n < 100; n++) usage = addTraffic(usage, { ...write, method: `method${n}` }, NOON_MS);
  assert.ok(Object.keys(report(usage).eth0?.hour ?? report(usage).other.hour).length <= 32);
});

test('the state survives being written and read, and nonsense in its place starts a new one', () => {
  const usage = addTraffic(emptyUsage(), write, NOON_MS);
  assert.deepEqual(readUsage(JSON.stringify(usage)), usage);
  for (const text of [
    undefined,
    '',
    'null',
    '[]',
    '{"hour":1}',
    '{"hour":{"start_ms":-1,"interfaces":{}}}',
    '{"day":',
  ]) {
    assert.equal(readUsage(text), undefined);
  }
});

test('the report is compact JSON, and nothing counted is an empty object', () => {
  assert.equal(usageReport(emptyUsage(), NOON_MS), '{}');
  assert.doesNotMatch(usageReport(addTraffic(emptyUsage(), write, NOON_MS), NOON_MS), /[\n]|: |", "/);
});
