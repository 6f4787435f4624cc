import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { clockAt, header, platformFor, type RunningTestPlatform, request } from './raw.ts';

const ACTIVATE = '/provision/activate';
const DAY_MS = 86_400_000;
const keyOf = (cik: string) => [`X-Exosite-CIK: ${cik}`];

async function added(platform: RunningTestPlatform, product: string, serial: string): Promise<void> {
  await platform.operate('POST', '/provision/manage/model/', `model=${product}&rid=abc`);
  await platform.operate('POST', `/provision/manage/model/${product}/`, `sn=${serial}`);
}

test('activation answers 200 with the key: 40 lower-case hex digits and nothing after', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"00:0C:29:AB"}');
  const answer = await platform.call('POST', ACTIVATE, [], 'sn=00%3A0C%3A29%3AAB&model=P1&vendor=acme');
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
  assert.equal(header(answer, 'Content-Type'), 'text/plain; charset=utf-8');
  assert.match(answer.body.toString(), /^[0-9a-f]{40}$/);
});

test('a second activation is 409, an unknown vendor, model or serial number 404', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const again = await platform.call('POST', ACTIVATE, [], 'vendor=acme&model=P1&sn=SN1');
  assert.equal(again.status, 'HTTP/1.1 409 Conflict');
  for (const body of [
    'vendor=other&model=P1&sn=SN1',
    'vendor=acme&model=P2&sn=SN1',
    'vendor=acme&model=P1&sn=X',
  ]) {
    const answer = await platform.call('POST', ACTIVATE, [], body);
    assert.equal(answer.status, 'HTTP/1.1 404 Not Found', body);
  }
});

test('the model is taken for the vendor too, as gateways send it', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN1"}');
  assert.equal(
    (await platform.call('POST', ACTIVATE, [], 'vendor=P1&model=P1&sn=SN1')).status,
    'HTTP/1.1 200 OK',
  );
});

test('with only an id the product comes from the host name, in whatever case', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/api/v1/products', '{"id":"Abc1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"Abc1","serial":"SN1"}');
  const answer = await platform.ask(
    `POST ${ACTIVATE} HTTP/1.1\r\nHost: abc1.m2.exosite.io:443\r\nContent-Length: 6\r\n\r\nid=SN1`,
  );
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
  const elsewhere = await platform.call('POST', ACTIVATE, [], 'id=SN1');
  assert.equal(elsewhere.status, 'HTTP/1.1 404 Not Found');
});

test('an empty key header on activation does not lead to 401', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN1"}');
  const headers = ['X-Exosite-CIK: ', 'X-Exosite-Token: '];
  const answer = await platform.call('POST', ACTIVATE, headers, 'vendor=acme&model=P1&sn=SN1');
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
});

test('a serial number must be enabled first, and enabling it again kills the key and allows one activation', async (t) => {
  const platform = await platformFor(t);
  await added(platform, 'P1', 'SN1');
  const serial = '/provision/manage/model/P1/SN1';
  const activate = () => platform.call('POST', ACTIVATE, [], 'vendor=acme&model=P1&sn=SN1');
  assert.equal((await activate()).status, 'HTTP/1.1 409 Conflict');
  const rid = await platform.operate('POST', serial, 'enable=true&owner=1234');
  assert.equal(rid.status, 'HTTP/1.1 200 OK');
  assert.match(rid.body.toString(), /^[0-9a-f]{40}$/);
  const first = (await activate()).body.toString();
  assert.equal((await platform.operate('POST', serial, 'enable=true')).status, 'HTTP/1.1 205 Reset Content');
  const dead = await platform.call('GET', '/onep:v1/stack/alias?a', keyOf(first));
  assert.equal(dead.status, 'HTTP/1.1 401 Unauthorized');
  const second = await activate();
  assert.equal(second.status, 'HTTP/1.1 200 OK');
  assert.notEqual(second.body.toString(), first);
  assert.equal((await activate()).status, 'HTTP/1.1 409 Conflict');
});

test('a serial number that was enabled can be activated for a day', async (t) => {
  const clock = clockAt(1_700_000_000_000);
  const platform = await platformFor(t, { clock });
  await added(platform, 'P1', 'SN1');
  const activate = () => platform.call('POST', ACTIVATE, [], 'vendor=acme&model=P1&sn=SN1');
  await platform.operate('POST', '/provision/manage/model/P1/SN1', 'enable=true&owner=1');
  clock.set(1_700_000_000_000 + DAY_MS + 1);
  assert.equal((await activate()).status, 'HTTP/1.1 409 Conflict');
  await platform.operate('POST', '/provision/manage/model/P1/SN1', 'enable=true');
  clock.set(1_700_000_000_000 + 2 * DAY_MS);
  assert.equal((await activate()).status, 'HTTP/1.1 200 OK');
});

test('a gateway that was added by name may be activated whenever it is unpacked', async (t) => {
  const clock = clockAt(1_700_000_000_000);
  const platform = await platformFor(t, { clock });
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN1"}');
  clock.set(1_700_000_000_000 + 400 * DAY_MS);
  assert.equal(
    (await platform.call('POST', ACTIVATE, [], 'vendor=acme&model=P1&sn=SN1')).status,
    'HTTP/1.1 200 OK',
  );
});

async function withContent(platform: RunningTestPlatform, id: string, bytes: Buffer): Promise<void> {
  await platform.operate('POST', '/provision/manage/content/P1/', `id=${encodeURIComponent(id)}&meta=a+meta`);
  await platform.operate('POST', `/provision/manage/content/P1/${encodeURIComponent(id)}`, bytes, [
    'Content-Type: application/gzip',
  ]);
}

test('the content list has one id a line, CR LF after each, and is 204 when there is none', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const path = '/provision/download?vendor=acme&model=P1';
  assert.equal((await platform.call('GET', path, keyOf(cik))).status, 'HTTP/1.1 204 No Content');
  await withContent(platform, 'b.bin', Buffer.from('b'));
  await withContent(platform, 'a.bin', Buffer.from('a'));
  const list = await platform.call('GET', path, keyOf(cik));
  assert.equal(header(list, 'Content-Type'), 'text/csv; charset=utf-8');
  assert.equal(list.body.toString(), 'a.bin\r\nb.bin\r\n');
});

test('content info is type, size, time and meta; the bytes come with the type of the upload', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_500) });
  const cik = await platform.gateway('P1', 'SN1');
  const bytes = randomBytes(1000);
  await withContent(platform, 'x', bytes);
  const info = await platform.call(
    'GET',
    '/provision/download?vendor=P1&model=P1&id=x&info=true',
    keyOf(cik),
  );
  assert.equal(info.body.toString(), 'application/gzip,1000,1700000000,a meta');
  const answer = await platform.call('GET', '/provision/download?vendor=P1&model=P1&id=x', keyOf(cik));
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
  assert.equal(header(answer, 'Content-Type'), 'application/gzip');
  assert.deepEqual(answer.body, bytes);
});

test('ranges are inclusive, clamped at the end, and counted from the end; beyond it the answer is 416', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await withContent(platform, 'x', Buffer.from('0123456789'));
  const ask = (range: string) =>
    platform.call('GET', '/provision/download?vendor=acme&model=P1&id=x', [...keyOf(cik), `Range: ${range}`]);
  const cases: Array<[range: string, body: string, contentRange: string]> = [
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=8-263', '89', 'bytes 8-9/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-300', '0123456789', 'bytes 0-9/10'],
  ];
  for (const [range, body, contentRange] of cases) {
    const answer = await ask(range);
    assert.equal(answer.status, 'HTTP/1.1 206 Partial Content', range);
    assert.equal(answer.body.toString(), body, range);
    assert.equal(header(answer, 'Content-Range'), contentRange, range);
    assert.equal(header(answer, 'Content-Length'), String(body.length), range);
  }
  const beyond = await ask('bytes=10-20');
  assert.equal(beyond.status, 'HTTP/1.1 416 Range Not Satisfiable');
  assert.equal(header(beyond, 'Content-Range'), 'bytes */10');
  for (const whole of ['bytes=5-2', 'lines=1-2', 'bytes=0-1,4-5', 'bytes=-']) {
    assert.equal((await ask(whole)).status, 'HTTP/1.1 200 OK', whole);
  }
});

test('download is 401 without a good key, 403 for another product or vendor, 404 for an unknown id', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.gateway('P2', 'SN1');
  await withContent(platform, 'x', Buffer.from('x'));
  const status = async (query: string, headers: string[]) =>
    (await platform.call('GET', `/provision/download?${query}`, headers)).status;
  assert.equal(await status('vendor=acme&model=P1&id=x', []), 'HTTP/1.1 401 Unauthorized');
  assert.equal(await status('vendor=acme&model=P1&id=x', keyOf('0'.repeat(40))), 'HTTP/1.1 401 Unauthorized');
  assert.equal(await status('vendor=acme&model=P2&id=x', keyOf(cik)), 'HTTP/1.1 403 Forbidden');
  assert.equal(await status('vendor=acme&model=P2', keyOf(cik)), 'HTTP/1.1 403 Forbidden');
  assert.equal(await status('vendor=else&model=P1&id=x&info=true', keyOf(cik)), 'HTTP/1.1 403 Forbidden');
  assert.equal(await status('vendor=acme&model=P1&id=y', keyOf(cik)), 'HTTP/1.1 404 Not Found');
  assert.equal(await status('vendor=acme&model=P1&id=y&info=true', keyOf(cik)), 'HTTP/1.1 404 Not Found');
});

test('an upload over existing content replaces it, and 20 MB travel whole', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await withContent(platform, 'x', Buffer.from('old'));
  const bytes = randomBytes(20 * 1024 ** 2);
  const again = await platform.operate('POST', '/provision/manage/content/P1/x', bytes, [
    'Content-Type: application/x-www-form-urlencoded',
  ]);
  assert.equal(again.status, 'HTTP/1.1 205 Reset Content');
  const answer = await platform.call('GET', '/provision/download?vendor=acme&model=P1&id=x', keyOf(cik));
  assert.equal(header(answer, 'Content-Length'), String(bytes.length));
  assert.ok(answer.body.equals(bytes));
});

test('an interrupted upload leaves the old content in place', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await withContent(platform, 'x', Buffer.from('old'));
  const connection = platform.connect();
  const head = request('POST', '/provision/manage/content/P1/x', [
    'X-Exosite-Token: a-token-for-the-tests-of-the-platform',
  ]);
  connection.send(head.toString().replace('Content-Length: 0', 'Content-Length: 1000'));
  connection.send('half of it');
  connection.socket.end();
  await connection.ended;
  const answer = await platform.call('GET', '/provision/download?vendor=acme&model=P1&id=x', keyOf(cik));
  assert.equal(answer.body.toString(), 'old');
});
