import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { df, free, freeTable, humanSize, machineFacts, parseMounts, uname } from '../../src/host/machine.ts';
import {
  addressLines,
  interfaceCounters,
  interfaceOfAddress,
  macAddress,
  parseNetDev,
} from '../../src/host/network.ts';

/** What the real program says; `undefined` on a machine that does not have it. */
function real(command: string, ...args: string[]): string | undefined {
  const { error, stdout } = spawnSync(command, args, { env: { ...process.env, LC_ALL: 'C' } });
  return error === undefined ? String(stdout) : undefined;
}
const words = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

test('uname is what uname -a says', () => {
  assert.equal(uname(), real('uname', '-a')?.trim());
});

test('df tells the file systems that df -h tells, with its figures', () => {
  const rows = (text: string) => words(text).map((row) => `${row[0]} ${row[1]} on ${row[5]}`);
  const ours = rows(df());
  const theirs = rows(real('df', '-h') ?? df());
  assert.deepEqual(
    ours.filter((row) => !theirs.includes(row)),
    [],
  );
  assert.ok(ours.some((row) => row.endsWith(' on /')));
  assert.equal(df().split('\n')[0]?.replace(/ +/g, ' '), 'Filesystem Size Used Avail Use% Mounted on');
});

test('free tells what free -m says, give or take what moves meanwhile', () => {
  const [ours, theirs] = [words(free()), words(real('free', '-m') ?? free())];
  assert.deepEqual(ours[0], theirs[0]);
  assert.equal(ours[1]?.[1], theirs[1]?.[1]);
  const apart = Math.abs(Number(ours[1]?.[6]) - Number(theirs[1]?.[6]));
  assert.ok(apart < 500, `available differs by ${apart} MiB`);
  assert.deepEqual(ours[2]?.slice(0, 2), theirs[2]?.slice(0, 2));
});

test('the table of free is right for a small gateway, with and without MemAvailable', () => {
  const meminfo = (available: string) => `MemTotal: 65536 kB
MemFree: 10240 kB
${available}Buffers: 1024 kB
Cached: 20480 kB
Shmem: 512 kB
SReclaimable: 2048 kB
SwapTotal: 4096 kB
SwapFree: 1024 kB
`;
  assert.equal(
    freeTable(meminfo('MemAvailable: 30720 kB\n')),
    `               total        used        free      shared  buff/cache   available
Mem:              64          34          10           0          23          30
Swap:              4           3           1
`,
  );
  assert.match(freeTable(meminfo('')), /^Mem: +64 +31 +10 +0 +23 +33$/m);
});

test('sizes are rounded as df -h rounds them', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [1023, '1023'],
    [1024, '1.0K'],
    [1025, '1.1K'],
    [9.9 * 1024, '9.9K'],
    [9.95 * 1024, '10K'],
    [10.1 * 1024, '11K'],
    [1023.5 * 1024, '1.0M'],
    [52_000_000, '50M'],
    [3e12, '2.8T'],
  ];
  for (const [bytes, text] of cases) assert.equal(humanSize(bytes), text, String(bytes));
});

test('mount points with blanks in their names are read', () => {
  assert.deepEqual(parseMounts('/dev/sda1 /mnt/my\\040disk ext4 rw 0 0\nnonsense\n'), [
    { source: '/dev/sda1', target: '/mnt/my disk', type: 'ext4' },
  ]);
});

test('all four facts are found out in far less than a tenth of a second', () => {
  const before = process.cpuUsage();
  const facts = machineFacts();
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < 50);
  for (const fact of Object.values(facts)) assert.doesNotMatch(fact, /^unavailable/);
});

test('addresses are one line an interface, with what ip addr says', () => {
  const theirs = real('ip', '-o', 'addr');
  const lines = addressLines().split('\n');
  assert.ok(lines.length > 0);
  for (const line of lines) {
    const [, name, list] = line.match(/^(\S+): (.+)$/) ?? [];
    for (const address of (list ?? '').split(', ')) {
      if (theirs !== undefined)
        assert.match(theirs, new RegExp(`\\s${name}\\s+inet6? ${address.replaceAll('.', '\\.')}/`));
    }
  }
});

test('the MAC address is in upper case with colons; loopback and nonsense have none', () => {
  assert.equal(macAddress('lo'), undefined);
  for (const name of ['none0', '', '.', '..', '../lo', 'a b', 'x'.repeat(300)])
    assert.equal(macAddress(name), undefined);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const mac = addresses?.[0]?.mac.toUpperCase();
    if (mac !== '00:00:00:00:00:00') assert.equal(macAddress(name), mac);
  }
});

test('the interface of a connection is found by its local address, however that is written', () => {
  assert.equal(interfaceOfAddress('127.0.0.1'), 'lo');
  assert.equal(interfaceOfAddress('127.9.9.9'), 'lo');
  assert.equal(interfaceOfAddress('::ffff:127.0.0.1'), 'lo');
  assert.equal(interfaceOfAddress('203.0.113.77'), undefined);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) assert.equal(interfaceOfAddress(address), name);
  }
});

test('byte counters of an interface come from the kernel', () => {
  const counters = interfaceCounters('lo');
  assert.ok(counters !== undefined && counters.rx_bytes >= 0);
  assert.equal(interfaceCounters('none0'), undefined);
  const old = 'Inter-|   Receive\n face |bytes\n  eth0:1234  1 0 0 0 0 0 0 5678 9 0 0 0 0 0 0\n  bad: x\n';
  assert.deepEqual(parseNetDev(old), new Map([['eth0', { rx_bytes: 1234, tx_bytes: 5678 }]]));
});
