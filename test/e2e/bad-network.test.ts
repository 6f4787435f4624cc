/** The built file on a bad line: cut, stalled, reset, refused. Nothing is lost, nothing done twice, nothing asked in vain. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { appends, done, ends, isDownload, isInfo, line, MIB, stateOf } from './line.ts';
import { eventually, makeTarball, start } from './machine.ts';
import type { TappedRequest } from './tap.ts';

test('a download that is cut every MiB, with a new start after each cut, moves at most 1.05 times its bytes', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  const path = makeTarball(folder, 'big.v1.tar.gz', {
    'install.sh': `#!/bin/sh\ncksum <data >${gateway.folder}/sum\n`,
    data: randomBytes(5 * MIB),
  });
  const name = await fleet.upload(path);
  await fleet.install(gateway.serial, name);
  tap.judge = (request) => (isDownload(request) ? { cutAfter_bytes: MIB } : undefined);
  tap.delivered_bytes = 0;
  let starts = 0;
  for (let status: number | null = 3; status !== 0; starts += 1) {
    assert.ok(starts < 8, `${starts} starts`);
    ({ status } = await gateway.gweAsync('--once'));
  }
  const factor = tap.delivered_bytes / statSync(path).size;
  t.diagnostic(
    `${starts} starts, ${tap.delivered_bytes} bytes delivered: ${factor.toFixed(4)} times the tarball`,
  );
  assert.ok(starts >= 6, `${starts} starts`);
  assert.ok(factor <= 1.05, `${factor} times the bytes`);
  assert.equal((await ends(here)).length, 1);
});

test('content that is replaced under the same name in the middle of its download is never mixed', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  const make = (word: string, size: number) =>
    makeTarball(folder, 'twin.v1.tar.gz', {
      'install.sh': `#!/bin/sh\n[ "$(head -c 1 a)" = "$(tail -c 1 a)" ] && cat b >>${gateway.folder}/done\n`,
      a: Buffer.concat([Buffer.from(word), randomBytes(size), Buffer.from(word)]),
      b: `${word}\n`,
    });
  for (const size of [2 * MIB, 2 * MIB, 3 * MIB]) {
    const first = await fleet.upload(make('A', 2 * MIB));
    await fleet.install(gateway.serial, first);
    tap.judge = (request) => (isDownload(request) ? { cutAfter_bytes: MIB } : undefined);
    assert.equal((await gateway.gweAsync('--once')).status, 3);
    tap.judge = () => undefined;
    await fleet.upload(make('B', size));
    const once = await gateway.gweAsync('--once');
    assert.equal(once.status, 0, once.stderr);
  }
  assert.deepEqual(done(gateway), ['B', 'B', 'B']);
});

const REFUSALS: readonly { status: number; at: 'info' | 'download'; says: RegExp }[] = [
  { status: 404, at: 'info', says: /^gone: not in the Content Area$/ },
  { status: 404, at: 'download', says: /^gone: not in the Content Area$/ },
  { status: 403, at: 'info', says: /^failed: .*403/ },
  { status: 403, at: 'download', says: /^failed: .*403/ },
  { status: 400, at: 'info', says: /^failed: .*400/ },
  { status: 400, at: 'download', says: /^failed: .*400/ },
];

test('what the Content Area refuses is asked for once and reported: 404 as gone, 403 and 400 with the answer', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  const name = await fleet.upload(
    makeTarball(folder, 'app.v1.tar.gz', { 'install.sh': appends(gateway, 'run') }),
  );
  for (const [index, { status, at, says }] of REFUSALS.entries()) {
    const isIt = at === 'info' ? isInfo : isDownload;
    tap.judge = (request) => (isIt(request) ? { status, body: 'no' } : undefined);
    tap.requests.length = 0;
    await fleet.install(gateway.serial, name);
    assert.equal((await gateway.gweAsync('--once')).status, 3, `${status} at ${at}`);
    assert.equal((await gateway.gweAsync('--once')).status, 0, 'it is over');
    assert.equal(tap.requests.filter(isIt).length, 1, `${status} at ${at}: asked for once`);
    const found = await ends(here);
    assert.equal(found.length, index + 1, `${status} at ${at}: reported once`);
    assert.match((found.at(-1) ?? '').replace(`${name}: `, ''), says);
  }
});

test('503 with Retry-After: the next check-in is not before that', async (t) => {
  const { tap, gateway } = await line(t);
  tap.judge = () => ({ status: 503, headers: { 'Retry-After': '4000' } });
  const before_ms = Date.now();
  const engine = start(t, [...gateway.command], gateway.env);
  const next = await eventually('the next check-in to be planned', () => {
    const state = stateOf(gateway);
    return state.next !== undefined && state.consecutiveFailures > 0 && state.next;
  });
  engine.process.kill('SIGTERM');
  await engine.ended;
  assert.equal(next.reason, 'backoff');
  assert.ok(next.time_ms >= before_ms + 4_000_000, `${(next.time_ms - before_ms) / 1000} s`);
});

test('a storm of 503 is met with one request a turn, each turn counted, and one good answer ends it', async (t) => {
  const { tap, gateway } = await line(t);
  tap.judge = () => ({ status: 503 });
  const turns = 6;
  for (let turn = 0; turn < turns; turn += 1) assert.equal((await gateway.gweAsync('--once')).status, 1);
  assert.equal(tap.requests.length, turns);
  assert.equal(stateOf(gateway).consecutiveFailures, turns);
  tap.judge = () => undefined;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(stateOf(gateway).consecutiveFailures, 0);
});

test('an answer that stalls, before its headers or in its middle, ends by engine.request_timeout', async (t) => {
  const here = await line(t, { 'engine.request_timeout': '1' });
  const { fleet, tap, gateway, folder } = here;
  tap.judge = () => ({ answer: () => {} });
  const silent = await gateway.gweAsync('--once');
  assert.equal(silent.status, 1);
  assert.match(silent.stderr, /no answer within 1 s/);
  const path = makeTarball(folder, 'app.v1.tar.gz', {
    'install.sh': appends(gateway, 'run'),
    data: randomBytes(MIB),
  });
  await fleet.install(gateway.serial, await fleet.upload(path));
  const half = (outgoing: ServerResponse) => {
    outgoing.writeHead(200, { 'Content-Length': statSync(path).size });
    outgoing.write(readFileSync(path).subarray(0, MIB / 2));
  };
  tap.judge = (request) => (isDownload(request) ? { answer: half } : undefined);
  const stalled = await gateway.gweAsync('--once');
  assert.equal(stalled.status, 3);
  assert.match(stalled.stderr, /no further byte within 1 s/);
  tap.judge = () => undefined;
  tap.requests.length = 0;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  const range = tap.requests.find(isDownload)?.headers.range;
  assert.equal(range, `bytes=${MIB / 2}-`, 'it goes on at its byte');
});

test('how installs ended is kept through an outage, in order, and arrives exactly once; so is usage', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder, platform } = here;
  const names = ['one', 'two', 'three'].map((app) => `${app}.v1.tar.gz`);
  for (const name of names) {
    await fleet.upload(makeTarball(folder, name, { 'install.sh': appends(gateway, name) }));
  }
  const usageBefore = (await platform.points(gateway.serial, 'usage_report')).length;
  await fleet.install(gateway.serial, ...names);
  const isReport = ({ body }: TappedRequest) => body.startsWith('fetch_status');
  // The first report arrives but its answer is lost; then nothing but the Content Area is reached any more.
  let isDown = false;
  tap.judge = (request) => {
    if (isDown) return request.url.includes('/download') ? undefined : 'cut';
    isDown = isReport(request);
    return isDown ? 'lose-answer' : undefined;
  };
  assert.notEqual((await gateway.gweAsync('--once')).status, 0);
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await gateway.gweAsync('--once')).status, 1);
  const kept = readdirSync(join(gateway.state, 'outbox')).map((name) => name.replace(/^\d+-|\.json$/g, ''));
  assert.deepEqual(kept, ['fetch_status', 'fetch_status', 'fetch_status', 'usage_report']);
  tap.judge = () => undefined;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.deepEqual(
    (await ends(here)).map((end) => end.split(':')[0]),
    names,
  );
  assert.deepEqual(done(gateway), names);
  assert.deepEqual(readdirSync(join(gateway.state, 'outbox')), []);
  const usage = await platform.points(gateway.serial, 'usage_report');
  assert.ok(usage.length >= usageBefore + 2, 'the usage of the outage, and that of the check-in after it');
});

test('a connection that is reset at any one request of an install, before or after it is carried out, costs nothing', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  let version = 0;
  let hits = 0;
  for (const verdict of ['reset', 'reset-answer'] as const) {
    for (let at = 0; ; at += 1) {
      version += 1;
      const name = `app.v${version}.tar.gz`;
      await fleet.upload(makeTarball(folder, name, { 'install.sh': appends(gateway, String(version)) }));
      await fleet.install(gateway.serial, name);
      let count = 0;
      tap.judge = () => (count++ === at ? verdict : undefined);
      for (let run = 0; (await gateway.gweAsync('--once')).status !== 0; run += 1) {
        assert.ok(run < 3, `${verdict} at request ${at}: still not over after ${run} runs`);
      }
      tap.judge = () => undefined;
      assert.equal(done(gateway).length, version, `${verdict} at request ${at}: run once`);
      assert.equal((await ends(here)).length, version, `${verdict} at request ${at}: reported once`);
      if (count <= at) break;
      hits += 1;
    }
  }
  t.diagnostic(`${hits} resets`);
  assert.ok(hits >= 12, `only ${hits} requests were reset`);
});

test('a key that is no longer accepted is replaced in the same turn, once the operator enables the gateway again', async (t) => {
  const { fleet, gateway, tap } = await line(t);
  const keyNow = () => gateway.gwe('--gateway-cik').stdout.trim();
  const before = keyNow();
  await fleet.enableGateway(gateway.serial);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.notEqual(keyNow(), before);
  assert.equal(tap.requests.filter(({ url }) => url.startsWith('/provision/activate')).length, 1);
});

test('401, and 409 to the activation: the key is kept, and accepted again it goes on', async (t) => {
  const { gateway, tap } = await line(t);
  const keyNow = () => gateway.gwe('--gateway-cik').stdout.trim();
  const before = keyNow();
  tap.judge = ({ url }) => ({ status: url.startsWith('/provision/activate') ? 409 : 401 });
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await gateway.gweAsync('--once')).status, 1);
  assert.equal(tap.requests.length, 4, 'each turn asks once with the key and once for another');
  assert.equal(keyNow(), before);
  tap.judge = () => undefined;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
});
