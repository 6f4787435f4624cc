import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gateway } from '../../src/cli/answers.ts';
import { timed } from '../../src/cli/deploy.ts';
import {
  exitOfDeploy,
  nextCheckInWords,
  standingsAfter,
  startStandings,
  unended,
} from '../../src/cli/deploy-outcome.ts';
import { quoted, setUpLines } from '../../src/cli/gateway.ts';
import { gatewayTable } from '../../src/cli/gateways.ts';
import { parseListen, storeFrom } from '../../src/cli/platform.ts';
import { progressLine, startProgress } from '../../src/cli/progress.ts';
import { agoInWords, harmless, table } from '../../src/cli/words.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

test('a gateway that was never seen is never seen, and a clock that runs ahead makes no negative time', () => {
  assert.equal(agoInWords(0, HOUR_MS), 'never');
  assert.equal(agoInWords(HOUR_MS, HOUR_MS + 500), 'just now');
  assert.equal(agoInWords(HOUR_MS + 5000, HOUR_MS), 'just now');
  assert.equal(agoInWords(1, 1 + 3 * MINUTE_MS), '3 min ago');
});

test('a table is aligned and no line ends in blanks', () => {
  assert.equal(
    table([
      ['A', 'LONG'],
      ['wide cell', ''],
      ['b', 'c'],
    ]),
    'A          LONG\nwide cell\nb          c\n',
  );
});

test('what a gateway says cannot drive the operator terminal', () => {
  assert.equal(harmless('a\u001b[2Jb\rc\r\nd\u009b1m'), 'a^[[2Jb\\x0dc\nd\\x9b1m');
  assert.equal(timed(1234, 'one\n\u001b]0;x\u0007two\n'), '    1.2 s  one\n           ^[]0;x\\x07two\n');
});

test('the gateways table shows names, states, times and versions', () => {
  const gateways: Gateway[] = [
    {
      product: 'p',
      serial: 'gw-1',
      status: 'activated',
      lastSeen_ms: 1,
      apps: { gwe: '1.0', hello: '2' },
      state: 'late',
      tags: ['lab'],
    },
    {
      product: 'p',
      serial: 'gw-2',
      status: 'notactivated',
      lastSeen_ms: 0,
      apps: {},
      state: 'never',
      tags: [],
    },
  ];
  assert.equal(
    gatewayTable(gateways, 1 + 120_000),
    'SERIAL  PRODUCT  STATUS           LAST SEEN  APPLICATIONS      TAGS\n' +
      'gw-1    p        activated, late  2 min ago  gwe 1.0, hello 2  lab\n' +
      'gw-2    p        not activated    never      -\n',
  );
});

test('an upload shows its part, its rate and the time that is left', () => {
  assert.equal(
    progressLine('a.tar.gz', 25_000_000, 100_000_000, 2000),
    'a.tar.gz [######------------------]  25 %  13 MB/s  ETA 6.0 s',
  );
  assert.match(progressLine('a', 10, 10, 5), /100 % .*being checked$/);
  assert.match(progressLine('empty', 0, 0, 0), /100 %/);
});

test('progress draws in place on a terminal, at most ten times a second, and is one line elsewhere', () => {
  let now_ms = 0;
  const clock = { now: () => now_ms, monotonic: () => now_ms, sleep: async () => {} };
  const drawn = (onTerminal: boolean) => {
    const written: string[] = [];
    now_ms = 0;
    const progress = startProgress('f', 1000, {
      onTerminal,
      clock,
      write: (text) => void written.push(text),
    });
    for (; now_ms < 1000; now_ms += 10) progress.update(now_ms);
    progress.end('uploaded');
    return written;
  };
  assert.equal(drawn(true).filter((text) => text.includes('%')).length, 10);
  assert.deepEqual(drawn(false), ['f: uploaded (1 kB in 1.0 s, 1 kB/s)\n']);
});

test('where to listen is read with and without host, in brackets for IPv6, and refused with an example', () => {
  assert.deepEqual(parseListen('0.0.0.0:443'), { host: '0.0.0.0', port: 443 });
  assert.deepEqual(parseListen('[::1]:0'), { host: '::1', port: 0 });
  assert.deepEqual(parseListen(':9000'), { host: '127.0.0.1', port: 9000 });
  assert.deepEqual(parseListen('9000'), { host: '127.0.0.1', port: 9000 });
  for (const bad of ['', 'host', 'host:', 'host:65536', '::1', 'a:b:1', 'host:1x']) {
    assert.throws(() => parseListen(bad), { code: 'usage' }, bad);
  }
});

test('what to run on a gateway names server, product and serial, quoted for the shell, and what else it needs', () => {
  assert.deepEqual(setUpLines({ url: new URL('http://127.0.0.1:8080/') }, 'demo', "O'Hara 7"), [
    "gwe --set-server http://127.0.0.1:8080 --set-product-id demo --set-uuid 'O'\\''Hara 7'",
  ]);
  const lines = setUpLines({ url: new URL('http://10.0.0.5'), ca: '/ca.pem' }, 'p', 's');
  assert.match(lines.join('\n'), /engine\.allow_http on\n.*security\.ca/);
  assert.equal(quoted('$(reboot)'), "'$(reboot)'");
});

test('only the first line of a fetch_status tells how a tarball ended; its output may say anything', () => {
  const names = ['a.v1.tar.gz', 'b.v1.tar.gz'];
  let standings = startStandings(names);
  standings = standingsAfter(standings, 'a.v1.tar.gz: waiting: needs 52 MB of disk, 11 MB are free');
  assert.deepEqual(unended(standings), names);
  standings = standingsAfter(standings, 'half way\na.v1.tar.gz: failed: just a joke of install.sh');
  assert.deepEqual(unended(standings), names);
  standings = standingsAfter(
    standings,
    'a.v1.tar.gz: installed in 1.2 s (attempt 1, exit 0)\nb.v1.tar.gz: discarded: name: x',
  );
  assert.deepEqual(unended(standings), ['b.v1.tar.gz']);
  standings = standingsAfter(standings, 'a.v1.tar.gz: failed: late');
  assert.equal(standings.get('a.v1.tar.gz'), 'installed');
  standings = standingsAfter(standings, 'b.v1.tar.gz: gone: not in the Content Area');
  assert.deepEqual(unended(standings), []);
  assert.equal(exitOfDeploy(standings), 3);
  assert.equal(exitOfDeploy(new Map([['a.v1.tar.gz', 'installed']])), 0);
});

test('the operator is told when a gateway will look for its command, or that it is late', () => {
  const gateway = { product: 'p', serial: 'gw', status: 'activated', apps: {}, state: '', tags: [] };
  const now_ms = 1_000 * HOUR_MS;
  const words = (ago_ms: number, updateInterval_s?: number) =>
    nextCheckInWords(
      {
        ...gateway,
        lastSeen_ms: now_ms - ago_ms,
        ...(updateInterval_s === undefined ? {} : { updateInterval_s }),
      },
      now_ms,
    );
  assert.equal(words(5 * HOUR_MS, 43_200), 'next check-in of gw in about 7 h (last seen 5 h ago)');
  assert.match(words(61_000, 60), /is about to check in/);
  assert.match(words(48 * HOUR_MS, 3600), /should have checked in 1 d 23 h ago .*is it on/);
  assert.match(words(HOUR_MS), /waiting for the next check-in of gw \(last seen 1 h ago\)/);
  assert.match(nextCheckInWords({ ...gateway, lastSeen_ms: 0 }, now_ms), /never seen/);
});

test('the store is an address of a PostgreSQL, over the network or a socket, and never holds a password', () => {
  for (const address of ['postgres://a@h:5432/x', 'postgres://a@/x?host=%2Frun', 'postgresql:///x?host=/run'])
    assert.equal(storeFrom(address), address);
  for (const address of [
    'http://h/x',
    'nonsense',
    'postgres://a:secret@h/x',
    'postgres://a@h/x?password=secret',
  ])
    assert.throws(
      () => storeFrom(address),
      (error) => !String(error).includes('secret'),
    );
});
