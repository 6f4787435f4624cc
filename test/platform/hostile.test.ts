import assert from 'node:assert/strict';
import { test } from 'node:test';
import { platformFor, request, TOKEN } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';

test('what is no HTTP gets 400 with its status line as body, and the platform lives on', async (t) => {
  const platform = await platformFor(t);
  const broken = [
    'hello\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n',
  ];
  for (const bytes of broken) {
    const answer = await platform.ask(bytes);
    assert.equal(answer.status, 'HTTP/1.1 400 Bad Request', bytes);
    assert.equal(answer.body.toString(), 'HTTP/1.1 400 Bad Request\r\n');
  }
  assert.equal((await platform.call('GET', '/healthz')).status, 'HTTP/1.1 200 OK');
});

test('a head beyond its limit is 431', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.call('GET', '/timestamp', [`X-Long: ${'x'.repeat(20_000)}`]);
  assert.equal(answer.status, 'HTTP/1.1 431 Request Header Fields Too Large');
});

test('a form beyond its limit is 413, whether its length was told or not', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const big = 'x'.repeat(5 * 1024 ** 2);
  const told = await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], `device_info=${big}`);
  assert.equal(told.status, 'HTTP/1.1 413 Payload Too Large');
  const connection = platform.connect();
  const head = `POST ${ALIAS} HTTP/1.1\r\nHost: h\r\nX-Exosite-CIK: ${cik}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  connection.send(`${head}${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`);
  assert.equal((await connection.answer()).status, 'HTTP/1.1 413 Payload Too Large');
  const read = await platform.call('GET', `${ALIAS}?device_info`, [`X-Exosite-CIK: ${cik}`]);
  assert.equal(read.status, 'HTTP/1.1 204 No Content');
});

test('a chunked form is read like any other', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const answer = await platform.ask(
    `POST ${ALIAS}?device_info HTTP/1.1\r\nHost: h\r\nX-Exosite-CIK: ${cik}\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndevice_\r\n6\r\ninfo=1\r\n0\r\n\r\n`,
  );
  assert.equal(answer.body.toString(), 'device_info=1');
});

test('too many aliases, and values too long, are refused without a trace', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const many = Array.from({ length: 300 }, (_, i) => `a${i}`);
  const read = await platform.call('GET', `${ALIAS}?${many.join('&')}`, [`X-Exosite-CIK: ${cik}`]);
  assert.equal(read.status, 'HTTP/1.1 413 Payload Too Large');
  const body = many.map((alias) => `${alias}=1`).join('&');
  const write = await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], body);
  assert.equal(write.status, 'HTTP/1.1 413 Payload Too Large');
});

test('names and values that look like SQL, paths, or control characters are only text', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const evil = `'; DROP TABLE gateway; --\u0000\u0007\u2028 %00 ../../etc/passwd \ud83d\ude00`;
  const body = `device_info=${encodeURIComponent(evil)}`;
  const answer = await platform.call('POST', `${ALIAS}?device_info`, [`X-Exosite-CIK: ${cik}`], body);
  assert.equal(decodeURIComponent(answer.body.toString()), `device_info=${evil}`);
  for (const path of [
    '/../../etc/passwd',
    '/provision/download?id=../../platform.db',
    '/%2e%2e/%2e%2e/etc/passwd',
  ]) {
    const missing = await platform.call('GET', path, [`X-Exosite-CIK: ${cik}`]);
    assert.equal(missing.status, 'HTTP/1.1 404 Not Found', path);
  }
  const header = await platform.operate(
    'POST',
    '/provision/manage/content/P1/',
    'id=a%0D%0AX-Evil%3A+1&meta=',
  );
  assert.equal(header.status, 'HTTP/1.1 400 Bad Request');
});

test('broken percent codes, in a path, a query and a body, are no server error', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const key = [`X-Exosite-CIK: ${cik}`];
  assert.equal((await platform.call('GET', `${ALIAS}?%&%zz=%1`, key)).status, 'HTTP/1.1 204 No Content');
  assert.equal(
    (await platform.call('POST', ALIAS, key, '%=%&&&==&device_info=%E9%')).status,
    'HTTP/1.1 204 No Content',
  );
  assert.equal(
    (await platform.operate('GET', '/provision/manage/model/%E9%')).status,
    'HTTP/1.1 404 Not Found',
  );
  assert.equal((await platform.operate('GET', '/api/v1/gateways/%/%ff')).status, 'HTTP/1.1 404 Not Found');
});

test('a client that goes away in the middle of a request or a poll takes nothing with it', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  for (let i = 0; i < 20; i += 1) {
    const connection = platform.connect();
    const headers = [`X-Exosite-CIK: ${cik}`, 'Request-Timeout: 60000'];
    connection.send(
      i % 2 === 0
        ? request('GET', `${ALIAS}?engine_fetch`, headers)
        : request('POST', ALIAS, headers, 'device_info=1').subarray(0, -5),
    );
    await platform.call('GET', '/timestamp');
    connection.close();
  }
  assert.equal(
    (await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=1')).status,
    'HTTP/1.1 204 No Content',
  );
});

test('neither keys nor tokens reach the log', async (t) => {
  const lines: string[] = [];
  const platform = await platformFor(t, { log: (line) => lines.push(line) });
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('GET', `${ALIAS}?device_info`, [`X-Exosite-CIK: ${cik}`]);
  await platform.operate('GET', '/api/v1/whoami');
  await platform.close();
  assert.ok(lines.length > 0);
  assert.ok(!lines.join('').includes(cik));
  assert.ok(!lines.join('').includes(TOKEN));
});
