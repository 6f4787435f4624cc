/** reports.detail = changed: what is left out, when digests are told, and what counts as a change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseReports, digestOf, forgetSent, type SentReports } from '../../src/engine/report-detail.ts';
import { essenceOfDevice, essenceOfEngine, essenceOfUsage } from '../../src/reports/essence.ts';
import { addTraffic, emptyUsage } from '../../src/reports/usage.ts';

const TEXTS = { usage_report: 'u1', device_info: 'd1', engine_report: 'e1' };
const HOW = { to: 'platform', every: 3 };

/** Check-ins one after the other with these essences; returns what each wrote. */
function checkIns(essences: readonly (typeof TEXTS)[], how = HOW) {
  let before: SentReports | undefined;
  return essences.map((essence, n) => {
    const texts = { ...TEXTS, engine_report: `e${n}` };
    const { values, after } = chooseReports(texts, essence, before, how);
    before = after;
    return values;
  });
}

test('the first check-in tells all; then nothing until something changes, and each third time the digests of what stands there', () => {
  const changed = { ...TEXTS, device_info: 'other' };
  const [first, second, third, fourth, fifth] = checkIns([TEXTS, TEXTS, TEXTS, TEXTS, changed]);
  assert.deepEqual(Object.keys(first ?? {}), ['usage_report', 'device_info', 'engine_report']);
  assert.deepEqual([second, third], [{}, {}]);
  const digests = {
    usage_report: digestOf('u1'),
    device_info: digestOf('d1'),
    engine_report: digestOf('e0'),
  };
  assert.deepEqual(
    JSON.parse(fourth?.['report_digest'] ?? ''),
    digests,
    'of the texts that went out in full',
  );
  assert.deepEqual(fifth, { device_info: 'd1' });
});

test('another platform, key or start of the machine is told everything anew; so is what was forgotten', () => {
  const { after } = chooseReports(TEXTS, TEXTS, undefined, HOW);
  assert.equal(Object.keys(chooseReports(TEXTS, TEXTS, after, { ...HOW, to: 'new' }).values).length, 3);
  const again = chooseReports(TEXTS, TEXTS, forgetSent(after, 'engine_report'), HOW);
  assert.deepEqual(again.values, { engine_report: 'e1' });
});

test('time that goes by is no change of engine_report; a program that was started again, or is down, is one', () => {
  const row = { app: 'app', status: 'RUNNING', exitStatus: 0, uptime_s: 5, version: '1' };
  const process = { name: 'app', group: 'app', state: 'RUNNING', start_s: 100, now_s: 105, exitStatus: 0 };
  const of = (changes: Partial<typeof row>, started: Partial<typeof process> = {}) =>
    essenceOfEngine([{ ...row, ...changes }], [{ ...process, ...started }], [], 60);
  assert.equal(of({ uptime_s: 999 }, { now_s: 1099 }), of({}));
  assert.notEqual(of({}, { start_s: 101 }), of({}));
  assert.notEqual(of({ status: 'FATAL' }), of({}));
  assert.notEqual(of({ version: '2' }), of({}));
});

test('memory is no change of device_info; an address, or a disk that fills by a percent, is one', () => {
  const df = 'Filesystem Size Used Avail Use% Mounted on\n/dev/sda1 10G 3.0G 7.0G 30% /\n';
  const facts = { uname: 'Linux', ipaddrs: 'eth0: 192.0.2.1', df, free: 'Mem: 1' };
  const essence = essenceOfDevice(facts);
  const later = { ...facts, free: 'Mem: 2', df: df.replace('3.0G 7.0G', '3.1G 6.9G') };
  assert.equal(essenceOfDevice(later), essence);
  assert.notEqual(essenceOfDevice({ ...facts, df: df.replace('30%', '31%') }), essence);
  assert.notEqual(essenceOfDevice({ ...facts, ipaddrs: 'eth0: 192.0.2.2' }), essence);
});

test('what the check-ins themselves move is no change of usage_report; a download is one', () => {
  const at_ms = Date.parse('2026-03-10T12:00:00Z');
  const moved = { iface: 'eth0', rx_bytes: 10, tx_bytes: 20 };
  const idle = addTraffic(emptyUsage(), { ...moved, method: 'http_write_read' }, at_ms);
  assert.equal(essenceOfUsage(idle), essenceOfUsage(emptyUsage()));
  assert.notEqual(
    essenceOfUsage(addTraffic(idle, { ...moved, method: 'http_download' }, at_ms)),
    essenceOfUsage(idle),
  );
});
