/** What gateways report, as the page reads it: the output of real df, free and ip of several makes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  readAddresses,
  readApps,
  readDf,
  readFetchStatus,
  readFree,
  readMachine,
  readUsage,
  shortUptime,
} from '../../src/ui/reports.ts';

const MB = 1024 ** 2;

test('disks are read from df of coreutils and BusyBox, also where a long name takes a line of its own', () => {
  const text = `Filesystem           1K-blocks      Used Available Use% Mounted on
/dev/mmcblk0p2         3711032   1650000   1882224  47% /
/dev/mapper/a-very-long-name-of-a-volume
                        100000     50000     50000  50% /data with blank
tmpfs                        0         0         0   -  /run`;
  assert.deepEqual(
    readDf(text).map(({ mounted, size_bytes, used_bytes }) => [mounted, size_bytes, used_bytes]),
    [
      ['/', 3_711_032 * 1024, 1_650_000 * 1024],
      ['/data with blank', 102_400_000, 51_200_000],
    ],
  );
  const [human] = readDf('Filesystem Size Used Avail Use% Mounted on\n/dev/root 1.5G 512M 1G 34% /');
  assert.deepEqual([human?.size_bytes, human?.used_bytes], [1.5 * 1024 ** 3, 512 * 1024 ** 2]);
});

test('memory that applications could still have does not count as used, told in MB as gwe does or in KB', () => {
  const now =
    '              total  used  free  shared  buff/cache  available\nMem:  500  300  50  1  150  350\nSwap: 0 0 0';
  assert.deepEqual(readFree(now), { total_bytes: 500 * MB, used_bytes: 150 * MB });
  const older =
    '             total       used       free     shared    buffers\nMem:        500        300        200          0          10';
  assert.deepEqual(readFree(older), { total_bytes: 500 * MB, used_bytes: 300 * MB });
  const inKilobytes =
    '        total   used   free  shared  buff/cache  available\nMem:   58000  30000  10000       1       18000      20000';
  assert.deepEqual(readFree(inKilobytes), { total_bytes: 58_000 * 1024, used_bytes: 38_000 * 1024 });
});

test('addresses are read from lines of names, from ip and from ifconfig', () => {
  assert.deepEqual(readAddresses('lo 127.0.0.1/8\neth0 192.168.7.2/24 fe80::1/64'), [
    { name: 'lo', addresses: ['127.0.0.1/8'] },
    { name: 'eth0', addresses: ['192.168.7.2/24', 'fe80::1/64'] },
  ]);
  const ip = '2: eth0@if3: <UP> mtu 1500\n    inet 10.0.0.5/24 scope global\n    inet6 fe80::a/64';
  assert.deepEqual(readAddresses(ip), [{ name: 'eth0', addresses: ['10.0.0.5/24', 'fe80::a/64'] }]);
});

test('applications come with how they run and how their last install ended', () => {
  const text = JSON.stringify({
    apps: [{ hello: { exitstatus: 1, status: 'FATAL', uptime: '0:00:00', version: '2' } }],
    installed: { hello: { version: '2', digest: 'ab', time: 10, outcome: 'failed', why: 'exit 1' } },
  });
  const installed = { time_ms: 10_000, outcome: 'failed', why: 'exit 1', digest: 'ab' };
  assert.deepEqual(readApps(text), [
    { name: 'hello', version: '2', status: 'FATAL', uptime: '0:00:00', exitStatus: 1, installed },
  ]);
});

test('a report that is cut off or of a foreign make shows nothing rather than breaking the view', () => {
  for (const text of ['', '{"apps":[{"a"', 'null', '[]', '{"apps":7,"df":[],"free":3}']) {
    assert.deepEqual(readApps(text), []);
    assert.deepEqual(readMachine(text).disks, []);
    assert.equal(readMachine(text).memory, undefined);
    assert.equal(readUsage(text), undefined);
  }
});

test('traffic of all interfaces is added up', () => {
  const hour = { http_write: { tot_rx: 10, tot_tx: 20 }, http_read: { tot_rx: 1, tot_tx: 2 } };
  assert.deepEqual(readUsage(JSON.stringify({ eth0: { hour }, wwan0: { hour } })), {
    rx_bytes: 22,
    tx_bytes: 44,
  });
});

test('the first line of a fetch status tells name and outcome; anything else is shown as it is', () => {
  const end = readFetchStatus('a.v1.tar.gz: failed: install.sh ended with 1; back at v0\nline 1\nline 2');
  assert.deepEqual([end.name, end.outcome, end.output], ['a.v1.tar.gz', 'failed', 'line 1\nline 2']);
  const foreign = readFetchStatus('updating: please wait');
  assert.deepEqual([foreign.name, foreign.outcome, foreign.head], ['', '', 'updating: please wait']);
});

test('a time of running is told in its largest unit', () => {
  assert.deepEqual(
    ['7 days, 3:12:16', '1 day, 0:00:01', '3:12:16', '0:12:16', '0:00:05', 'long'].map(shortUptime),
    ['7 d', '1 d', '3 h', '12 min', '5 s', 'long'],
  );
});
