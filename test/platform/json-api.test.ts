import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clockAt, header, platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';

const body = (answer: RawAnswer) => JSON.parse(answer.body.toString());
const ports = '/api/v1/gateways/P1/SN1/dataports';

async function upload(platform: RunningTestPlatform, id: string, bytes: Buffer | string, query = '') {
  return platform.operate('PUT', `/api/v1/products/P1/content/${id}${query}`, bytes, [
    'Content-Type: application/gzip',
  ]);
}

/** A tarball as a person would pack it. */
function tarball(folder: string, files: Record<string, { text: string; mode: number }>): Buffer {
  const root = join(folder, 'packed');
  mkdirSync(root, { recursive: true });
  for (const [name, { text, mode }] of Object.entries(files)) writeFileSync(join(root, name), text, { mode });
  execFileSync('tar', ['czf', join(folder, 'packed.tar.gz'), '-C', root, ...Object.keys(files)]);
  return readFileSync(join(folder, 'packed.tar.gz'));
}

test('whoami tells who the token belongs to and what is served', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.operate('GET', '/api/v1/whoami');
  const { name, role, vendor, version } = body(answer);
  assert.deepEqual([name, role, vendor, typeof version], ['preset', 'admin', 'acme', 'string']);
  assert.equal(header(answer, 'Content-Length'), String(answer.body.length));
});

test('a refusal is JSON with code, message and hint, under the right status', async (t) => {
  const platform = await platformFor(t);
  const refused = await platform.call('GET', '/api/v1/products');
  assert.equal(refused.status, 'HTTP/1.1 401 Unauthorized');
  assert.equal(body(refused).error.code, 'unauthorized');
  assert.ok(body(refused).error.hint.length > 0);
  const cases: Array<[string, string, string, string, string]> = [
    ['POST', '/api/v1/products', 'no json', '400 Bad Request', 'malformed'],
    ['POST', '/api/v1/products', '{"id":"a/b"}', '400 Bad Request', 'malformed'],
    ['POST', '/api/v1/gateways', '{"product":"none","serial":"x"}', '404 Not Found', 'not-found'],
    ['GET', '/api/v1/gateways/none/x', '', '404 Not Found', 'not-found'],
    ['GET', '/api/v1/nothing', '', '404 Not Found', 'not-found'],
    ['PUT', '/api/v1/whoami', '{}', '405 Method Not Allowed', 'refused'],
    ['GET', '/api/v1/gateways?limit=many', '', '400 Bad Request', 'malformed'],
  ];
  for (const [method, path, sent, status, code] of cases) {
    const answer = await platform.operate(method, path, sent);
    assert.equal(answer.status, `HTTP/1.1 ${status}`, path);
    assert.equal(body(answer).error.code, code, path);
  }
});

test('products and gateways are made once, listed page by page, and taken away', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_000) });
  const made = await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  assert.equal(made.status, 'HTTP/1.1 201 Created');
  assert.deepEqual(body(made), { id: 'P1', created: 1_700_000_000_000, gateways: 0 });
  assert.equal(
    (await platform.operate('POST', '/api/v1/products', '{"id":"P1"}')).status,
    'HTTP/1.1 409 Conflict',
  );
  for (const serial of ['a', 'b', 'c']) {
    const added = await platform.operate(
      'POST',
      '/api/v1/gateways',
      JSON.stringify({ product: 'P1', serial }),
    );
    assert.equal(added.status, 'HTTP/1.1 201 Created');
  }
  const first = body(await platform.operate('GET', '/api/v1/gateways?product=P1&limit=2'));
  assert.deepEqual(
    first.gateways.map((gateway: { serial: string }) => gateway.serial),
    ['a', 'b'],
  );
  const rest = body(await platform.operate('GET', `/api/v1/gateways?product=P1&limit=2&after=${first.next}`));
  assert.deepEqual(rest, {
    gateways: [
      {
        product: 'P1',
        serial: 'c',
        status: 'notactivated',
        state: 'never',
        created: 1_700_000_000_000,
        lastSeen: 0,
        apps: {},
        tags: [],
      },
    ],
    total: 3,
  });
  assert.equal(body(await platform.operate('GET', '/api/v1/gateways?serial=b')).gateways.length, 1);
  assert.equal((await platform.operate('DELETE', '/api/v1/gateways/P1/a')).status, 'HTTP/1.1 204 No Content');
  assert.equal((await platform.operate('DELETE', '/api/v1/gateways/P1/a')).status, 'HTTP/1.1 404 Not Found');
  assert.equal(body(await platform.operate('GET', '/api/v1/products')).products[0].gateways, 2);
  assert.equal((await platform.operate('DELETE', '/api/v1/products/P1')).status, 'HTTP/1.1 204 No Content');
  assert.deepEqual(body(await platform.operate('GET', '/api/v1/gateways')), { gateways: [], total: 0 });
});

test('a gateway shows when it was seen, what it runs, and whether it is activated', async (t) => {
  const clock = clockAt(1_700_000_000_000);
  const platform = await platformFor(t, { clock });
  const cik = await platform.gateway('P1', 'SN1');
  clock.set(1_700_000_005_000);
  const report =
    '{"apps":[{"gwe":{"version":"1.3.0","status":"RUNNING"}},{"app":{"version":2}}],"update_interval":60}';
  await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], `engine_report=${report}`);
  assert.deepEqual(body(await platform.operate('GET', '/api/v1/gateways/P1/SN1')), {
    product: 'P1',
    serial: 'SN1',
    status: 'activated',
    state: 'on-time',
    created: 1_700_000_000_000,
    lastSeen: 1_700_000_005_000,
    expected: 1_700_000_065_000,
    apps: { gwe: '1.3.0', app: '2' },
    tags: [],
    groups: [],
    updateInterval: 60,
    reports: { engine_report: { value: report, updated: 1_700_000_005_000 } },
    pending: {},
    waitsFor: [],
  });
  const again = await platform.operate('POST', '/api/v1/gateways/P1/SN1/enable');
  assert.equal(body(again).status, 'notactivated');
  const dead = await platform.call('GET', '/onep:v1/stack/alias?a', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(dead.status, 'HTTP/1.1 401 Unauthorized');
});

test('a dataport is written with an ETag, read with its points, and listed', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_000) });
  await platform.gateway('P1', 'SN1');
  const unknown = await platform.operate('GET', `${ports}/temp`);
  assert.equal(unknown.status, 'HTTP/1.1 404 Not Found');
  const known = body(await platform.operate('GET', `${ports}/fetch_status`));
  assert.deepEqual(known, { alias: 'fetch_status', value: '', updated: 0, etag: '"0"', points: [] });
  const tags: string[] = [];
  for (const value of ['1', '1', '2']) {
    tags.push(body(await platform.operate('PUT', `${ports}/temp`, JSON.stringify({ value }))).etag);
  }
  assert.equal(new Set(tags).size, 3, 'the same text written again is a new value');
  const read = body(await platform.operate('GET', `${ports}/temp?points=2`));
  assert.equal(read.value, '2');
  assert.equal(read.etag, tags[2]);
  assert.deepEqual(
    read.points.map((point: { value: string }) => point.value),
    ['1', '2'],
  );
  const [first] = body(await platform.operate('GET', `${ports}/temp?points=9`)).points;
  const later = body(await platform.operate('GET', `${ports}/temp?since=${first.id}`));
  assert.deepEqual(
    later.points.map((point: { value: string }) => point.value),
    ['1', '2'],
  );
  const list = body(await platform.operate('GET', ports));
  assert.deepEqual(list, { dataports: [{ alias: 'temp', value: '2', updated: 1_700_000_000_000 }] });
  const stale = await platform.operate('PUT', `${ports}/temp`, '{"value":"x"}', [`If-Match: ${tags[0]}`]);
  assert.equal(stale.status, 'HTTP/1.1 412 Precondition Failed');
});

test('waiting for a point returns at the write, at once when there is one already, and empty at the end', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const key = [`X-Exosite-CIK: ${cik}`];
  const waiting = platform.operate('GET', `${ports}/fetch_status?since=0&wait=60`);
  for (let i = 0; i < 3; i += 1) await platform.call('GET', '/timestamp');
  await platform.call('POST', '/onep:v1/stack/alias', key, 'fetch_status=done');
  const { points } = body(await waiting);
  assert.equal(points[0].value, 'done');
  const there = body(await platform.operate('GET', `${ports}/fetch_status?since=0&wait=60`));
  assert.deepEqual(there.points, points);
  const connection = platform.connect();
  connection.close();
});

test('install writes the instruction, and names what is missing from the Content Area', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], 'fetch_status=before');
  const names = JSON.stringify({ names: ['app.v1.tar.gz', 'other.v2.tar.gz'] });
  const missing = await platform.operate('POST', '/api/v1/gateways/P1/SN1/install', names);
  assert.equal(missing.status, 'HTTP/1.1 404 Not Found');
  assert.match(body(missing).error.message, /app\.v1\.tar\.gz, other\.v2\.tar\.gz/);
  await upload(platform, 'app.v1.tar.gz', 'x', '?force=true');
  await upload(platform, 'other.v2.tar.gz', 'y', '?force=true');
  const done = body(await platform.operate('POST', '/api/v1/gateways/P1/SN1/install', names));
  const text = '{"install":[{"name":"app.v1.tar.gz"},{"name":"other.v2.tar.gz"}]}';
  assert.equal(done.text, text);
  assert.ok(done.since > 0);
  const read = await platform.call('GET', '/onep:v1/stack/alias?engine_fetch', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(read.body.toString(), `engine_fetch=${encodeURIComponent(text)}`);
  assert.equal(header(read, 'ETag'), done.etag);
  const status = body(await platform.operate('GET', `${ports}/fetch_status?since=${done.since}`));
  assert.deepEqual(status.points, []);
});

test('a good tarball is taken with its facts; a bad one is refused with the reason, unless forced', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const good = tarball(platform.folder, { 'install.sh': { text: '#!/bin/sh\nexit 0\n', mode: 0o755 } });
  const taken = await upload(platform, 'app.v1.tar.gz', good);
  assert.equal(taken.status, 'HTTP/1.1 201 Created');
  assert.deepEqual(
    [body(taken).size, body(taken).facts.app, body(taken).facts.version],
    [good.length, 'app', '1'],
  );
  assert.equal((await upload(platform, 'app.v1.tar.gz', good)).status, 'HTTP/1.1 200 OK');
  const bad = await upload(platform, 'app.v2.tar.gz', good.subarray(0, good.length - 4));
  assert.equal(bad.status, 'HTTP/1.1 422 Unprocessable Entity');
  assert.equal(body(bad).error.code, 'check');
  assert.equal(
    (await upload(platform, 'noversion.tar.gz', good)).status,
    'HTTP/1.1 422 Unprocessable Entity',
  );
  const list = body(await platform.operate('GET', '/api/v1/products/P1/content'));
  assert.deepEqual(
    list.content.map((each: { id: string }) => each.id),
    ['app.v1.tar.gz'],
  );
  assert.equal(
    (await upload(platform, 'app.v2.tar.gz', 'junk', '?force=true')).status,
    'HTTP/1.1 201 Created',
  );
  assert.equal((await upload(platform, 'notes.txt', 'any text')).status, 'HTTP/1.1 201 Created');
  const path = '/provision/download?vendor=acme&model=P1&id=app.v1.tar.gz';
  const back = await platform.call('GET', path, [`X-Exosite-CIK: ${cik}`]);
  assert.deepEqual(back.body, good);
});

test('content that nobody has any more leaves the disk; what another product has stays', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  await platform.gateway('P2', 'SN1');
  const files = () =>
    execFileSync('ls', [join(platform.folder, 'content')])
      .toString()
      .split('\n')
      .filter(Boolean);
  await upload(platform, 'a', 'shared');
  await platform.operate('PUT', '/api/v1/products/P2/content/b', 'shared');
  assert.equal(files().length, 1);
  assert.equal(
    (await platform.operate('DELETE', '/api/v1/products/P1/content/a')).status,
    'HTTP/1.1 204 No Content',
  );
  assert.equal(files().length, 1);
  assert.equal((await platform.operate('GET', '/api/v1/products/P2/content/b')).body.toString(), 'shared');
  await platform.operate('PUT', '/api/v1/products/P2/content/b', 'another');
  assert.equal(files().length, 1);
  await platform.operate('DELETE', '/api/v1/products/P2');
  assert.deepEqual(files(), []);
});

test('the same bytes uploaded and removed by many at once are there whenever their name is', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const one = async (i: number) => {
    const path = `/api/v1/products/P1/content/file${i}`;
    for (let round = 0; round < 10; round += 1) {
      await platform.operate('PUT', path, 'the same bytes');
      assert.equal((await platform.operate('GET', path)).body.toString(), 'the same bytes');
      assert.equal((await platform.operate('DELETE', path)).status, 'HTTP/1.1 204 No Content');
    }
  };
  await Promise.all(Array.from({ length: 6 }, (_, i) => one(i)));
});

test('of two uploads under one name at once, one whole one stays and the other leaves the disk', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const all = Array.from({ length: 8 }, (_, i) => `contents ${i} `.repeat(1000));
  await Promise.all(all.map((text) => platform.operate('PUT', '/api/v1/products/P1/content/x', text)));
  const kept = (await platform.operate('GET', '/api/v1/products/P1/content/x')).body.toString();
  assert.ok(all.includes(kept));
  assert.equal(
    execFileSync('ls', [join(platform.folder, 'content')])
      .toString()
      .trim()
      .split('\n').length,
    1,
  );
});
