import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceInfo, FACT_MAX_CHARACTERS } from '../../src/reports/device-info.ts';
import {
  appRows,
  engineReport,
  type InstalledRow,
  type ProcessRow,
  uptimeText,
} from '../../src/reports/engine-report.ts';
import { formatDuration, formatSize } from '../../src/reports/sizes.ts';

const own = { version: '1.3.0', uptime_s: 631 };
const pump: InstalledRow = {
  app: 'pump',
  version: '2',
  digest: 'ab'.repeat(32),
  time_ms: 1_700_000_000_900,
  outcome: 'installed',
};
const running = (group: string, name = group): ProcessRow => ({
  name,
  group,
  state: 'RUNNING',
  start_s: 1000,
  now_s: 1000 + 86_400 + 7384,
  exitStatus: 0,
});

test('apps is a list of objects with one key and the four columns in their order', () => {
  const text = engineReport({ apps: appRows(own, [], []), installed: [] });
  assert.equal(
    text,
    '{"apps":[{"gwe":{"exitstatus":0,"status":"RUNNING","uptime":"0:10:31","version":"1.3.0"}}],"installed":{}}',
  );
});

test('gwe comes first, then what is installed, then what else supervisord runs', () => {
  const rows = appRows(
    own,
    [running('backup'), running('pump'), running('gwe')],
    [pump, { ...pump, app: 'script-only' }],
  );
  assert.deepEqual(
    rows.map(({ app, status, version }) => [app, status, version]),
    [
      ['gwe', 'RUNNING', '1.3.0'],
      ['pump', 'RUNNING', '2'],
      ['script-only', 'INSTALLED', '2'],
      ['backup', 'RUNNING', ''],
    ],
  );
  assert.equal(uptimeText(rows[0]?.uptime_s ?? 0), '1 day, 2:03:04');
});

test('every process of a program has its row, and one that does not run has no uptime', () => {
  const stopped = { ...running('pump', 'pump_1'), state: 'EXITED', exitStatus: 7 };
  const rows = appRows(own, [running('pump', 'pump_0'), stopped], [pump]);
  assert.deepEqual(rows[2], {
    app: 'pump:pump_1',
    status: 'EXITED',
    exitStatus: 7,
    uptime_s: 0,
    version: '2',
  });
});

test('beside apps stands how each install ended', () => {
  const failed: InstalledRow = {
    app: 'fan',
    version: '1',
    time_ms: 5_000,
    outcome: 'failed',
    why: 'install.sh ended with 1',
  };
  const { installed } = JSON.parse(engineReport({ apps: [], installed: [pump, failed] }));
  assert.deepEqual(installed, {
    pump: { version: '2', digest: pump.digest, time: 1_700_000_000, outcome: 'installed' },
    fan: { version: '1', time: 5, outcome: 'failed', why: 'install.sh ended with 1' },
  });
});

test('an application called gwe does not take the place of gwe itself', () => {
  const rows = appRows(own, [], [{ ...pump, app: 'gwe', version: '9' }]);
  assert.deepEqual(
    rows.map(({ app, version }) => [app, version]),
    [['gwe', '1.3.0']],
  );
});

test('uptime is written as Python writes a timedelta', () => {
  const cases: [number, string][] = [
    [0, '0:00:00'],
    [9.9, '0:00:09'],
    [3600, '1:00:00'],
    [86_399, '23:59:59'],
    [86_400, '1 day, 0:00:00'],
    [200_000, '2 days, 7:33:20'],
    [-5, '0:00:00'],
  ];
  for (const [seconds, text] of cases) assert.equal(uptimeText(seconds), text);
});

test('device_info is four strings in compact JSON, none of them without end', () => {
  const facts = { ipaddrs: 'eth0: 192.168.1.20', free: 'Mem:', df: 'x'.repeat(100_000), uname: 'Linux' };
  const text = deviceInfo(facts);
  const read = JSON.parse(text);
  assert.deepEqual(Object.keys(read), ['uname', 'df', 'free', 'ipaddrs']);
  assert.ok(Object.values(read).every((value) => typeof value === 'string'));
  assert.equal(read.df.length, FACT_MAX_CHARACTERS + 1);
});

test('sizes and durations read as a person would say them', () => {
  const sizes: [number, string][] = [
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1234, '1.2 kB'],
    [9_960, '10 kB'],
    [999_600, '1 MB'],
    [52_400_000, '52 MB'],
    [1_100_000_000, '1.1 GB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatSize(bytes), text);
  const durations: [number, string][] = [
    [0, '0.0 s'],
    [1234, '1.2 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_700, '1 h'],
    [7_500_000, '2 h 5 min'],
    [100 * 3_600_000, '4 d 4 h'],
  ];
  for (const [ms, text] of durations) assert.equal(formatDuration(ms), text);
});
