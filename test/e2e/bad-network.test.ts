/** The built file on a bad line: cut, stalled, reset, refused, lied to. Nothing is lost, nothing done twice, and the engine goes on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Fleet, fleetOf } from './fleet.ts';
import {
  eventually,
  type Gateway,
  makeGateway,
  makeTarball,
  type Platform,
  start,
  startPlatform,
  tempFolder,
} from './machine.ts';
import { startTap, type Tap, type TappedRequest } from './tap.ts';

const MIB = 1024 * 1024;
const CHECK_IN = /alias\?engine_fetch/;

interface Line {
  platform: Platform;
  fleet: Fleet;
  tap: Tap;
  gateway: Gateway;
  folder: string;
}

/** A platform, a tap on the line to it, and a gateway at the end of the line that has checked in once. */
async function line(t: TestContext, settings: Record<string, string> = {}): Promise<Line> {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const gateway = makeGateway(t, { server: tap.url, product: platform.product, settings });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  tap.requests.length = 0;
  return { platform, fleet, tap, gateway, folder: tempFolder(t) };
}

const ends = ({ platform, gateway }: Line) => platform.points(gateway.serial, 'fetch_status');
const stateOf = (gateway: Gateway) => JSON.parse(readFileSync(join(gateway.state, 'engine.json'), 'utf8'));
const appends = (gateway: Gateway, word: string) => `#!/bin/sh\necho ${word} >>${gateway.folder}/done\n`;
const done = (gateway: Gateway) => readFileSync(join(gateway.folder, 'done'), 'utf8').trim().split('\n');
const isInfo = ({ url }: TappedRequest) => url.includes('info=true');
const isDownload = (request: TappedRequest) => request.url.includes('/download') && !isInfo(request);

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

const HTML = '<!DOCTYPE html><html><body>Sign in to &lt;Guest=WiFi&gt; engine_fetch=</body></html>';
const flood = (outgoing: ServerResponse) => {
  outgoing.writeHead(200, { 'Content-Type': 'text/plain' });
  const more = () => {
    while (!outgoing.destroyed && outgoing.write(Buffer.alloc(MIB, 'x')));
  };
  outgoing.on('drain', more);
  more();
};
const raw = (text: string) => (outgoing: ServerResponse) => void outgoing.socket?.end(text);

/** What may stand in the platform's place, and which requests it answers. */
const NONSENSE: Readonly<
  Record<string, { at: (request: TappedRequest) => boolean; answer: (outgoing: ServerResponse) => void }>
> = {
  'a page of HTML instead of the aliases': {
    at: () => true,
    answer: (outgoing) => void outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(HTML),
  },
  'a page of HTML that calls itself a form': {
    at: () => true,
    answer: (outgoing) =>
      void outgoing.writeHead(200, { 'Content-Type': 'application/x-www-form-urlencoded' }).end(HTML),
  },
  'a redirect': {
    at: () => true,
    answer: (outgoing) => void outgoing.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
  },
  'a body without end': { at: ({ url }) => CHECK_IN.test(url), answer: flood },
  'another protocol': { at: () => true, answer: raw('SSH-2.0-OpenSSH_9.2\r\n') },
  'half of a header': { at: () => true, answer: raw('HTTP/1.1 200 OK\r\nContent-Le') },
  'a header without end': { at: () => true, answer: raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(MIB)}`) },
  'a page of HTML instead of the facts of a tarball': {
    at: isInfo,
    answer: (outgoing) => void outgoing.writeHead(200).end(HTML),
  },
  'a range that was not asked for': {
    at: isDownload,
    answer: (outgoing) =>
      void outgoing.writeHead(206, { 'Content-Range': 'bytes 7-9/10', 'Content-Length': 3 }).end('abc'),
  },
};

test('a platform that answers nonsense neither stops the engine nor loses or doubles a command', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  for (const [index, [what, { at, answer }]] of Object.entries(NONSENSE).entries()) {
    const name = `app.v${index}.tar.gz`;
    await fleet.upload(makeTarball(folder, name, { 'install.sh': appends(gateway, String(index)) }));
    await fleet.install(gateway.serial, name);
    let answered = 0;
    tap.judge = (request) => {
      if (!at(request)) return undefined;
      answered += 1;
      return { answer };
    };
    const once = await gateway.gweAsync('--once');
    assert.notEqual(once.status, 0, what);
    assert.ok(answered > 0, what);
    assert.doesNotMatch(once.stderr, /\n {4}at /, `${what}: no stack trace`);
    tap.judge = () => undefined;
    const again = await gateway.gweAsync('--once');
    assert.ok(again.status === 0 || again.status === 3, `${what}: ${again.stderr}`);
    const end = (await ends(here)).at(-1) ?? '';
    assert.equal((await ends(here)).length, index + 1, `${what}: answered once`);
    assert.ok(end.startsWith(`${name}: installed`), `${what}: ${end}`);
  }
  assert.equal(done(gateway).length, Object.keys(NONSENSE).length);
});

test('a page of HTML where the clearing or a report should be acknowledged acknowledges nothing', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  const name = await fleet.upload(
    makeTarball(folder, 'app.v1.tar.gz', { 'install.sh': appends(gateway, 'run') }),
  );
  await fleet.install(gateway.serial, name);
  const page = { status: 200, body: HTML, headers: { 'Content-Type': 'text/html' } };
  tap.judge = ({ body }) =>
    body.startsWith('engine_fetch=') || body.startsWith('fetch_status=') ? page : undefined;
  for (let turn = 0; turn < 2; turn += 1) await gateway.gweAsync('--once');
  // The whole line is a portal now: neither does its answer to a check-in say that nothing stands in engine_fetch.
  tap.judge = () => page;
  await gateway.gweAsync('--once');
  tap.judge = () => undefined;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.deepEqual(done(gateway), ['run']);
  assert.equal((await ends(here)).length, 1);
  assert.equal(await fleet.read(gateway.serial, 'engine_fetch'), '');
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
