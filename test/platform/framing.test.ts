import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, platformFor, request, TOKEN } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';

test('each 200 and 206 has Content-Length in that very spelling, and nothing is chunked or compressed', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const key = [`X-Exosite-CIK: ${cik}`, 'Accept-Encoding: gzip, deflate'];
  await platform.operate('POST', '/provision/manage/content/P1/', 'id=x&meta=');
  await platform.operate('POST', '/provision/manage/content/P1/x', 'x'.repeat(100_000));
  await platform.call('POST', ALIAS, key, `device_info=${'y'.repeat(50_000)}`);
  const answers = await Promise.all([
    platform.call('GET', `${ALIAS}?device_info`, key),
    platform.call('GET', '/provision/download?vendor=acme&model=P1', key),
    platform.call('GET', '/provision/download?vendor=acme&model=P1&id=x', key),
    platform.call('GET', '/provision/download?vendor=acme&model=P1&id=x', [...key, 'Range: bytes=0-9']),
    platform.call('GET', '/timestamp'),
    platform.operate('GET', '/provision/manage/model/'),
    platform.operate('GET', '/api/v1/products'),
    platform.call('GET', '/'),
  ]);
  for (const answer of answers) {
    assert.match(answer.status, /^HTTP\/1\.1 20[06] (OK|Partial Content)$/);
    assert.equal(header(answer, 'Content-Length'), String(answer.body.length));
    assert.ok(answer.body.length > 0);
    for (const line of answer.headers)
      assert.doesNotMatch(line, /^(transfer-encoding|content-encoding|keep-alive):/i);
  }
});

test('head and body of a short answer come in one segment of fewer than 199 bytes', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN1"}');
  const activation = await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=P1&sn=SN1');
  const key = [`X-Exosite-CIK: ${activation.body}`];
  const written = await platform.call('POST', ALIAS, key, 'update_interval=60');
  const read = await platform.call('GET', `${ALIAS}?update_interval`, key);
  const clock = await platform.call('GET', '/timestamp');
  for (const answer of [activation, written, read, clock]) {
    assert.equal(answer.segments, 1);
    assert.ok(answer.size_bytes < 199, `${answer.size_bytes} bytes`);
  }
});

test('answers have a Date with GMT, and texts say that they are UTF-8', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'device_info=1');
  const answer = await platform.call('GET', `${ALIAS}?device_info`, [`X-Exosite-CIK: ${cik}`]);
  assert.match(header(answer, 'Date') ?? '', /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.match(header(answer, 'Content-Type') ?? '', /; charset=utf-8$/);
});

test('an error carries its status line as its body', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const answers = [
    await platform.call('GET', `${ALIAS}?a`),
    await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=P1&sn=SN1'),
    await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=P1'),
    await platform.operate('GET', '/provision/manage/model/none'),
    await platform.call('GET', '/nowhere'),
    await platform.call('DELETE', ALIAS),
  ];
  const statuses = answers.map((answer) => answer.status.slice('HTTP/1.1 '.length));
  assert.deepEqual(statuses, [
    '401 Unauthorized',
    '409 Conflict',
    '400 Bad Request',
    '404 Not Found',
    '404 Not Found',
    '405 Method Not Allowed',
  ]);
  for (const answer of answers) assert.equal(answer.body.toString(), `${answer.status}\r\n`);
});

test('204 and 205 say that their body is empty', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const written = await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'device_info=1');
  const created = await platform.operate('POST', '/provision/manage/model/', 'model=M&rid=1');
  for (const answer of [written, created]) assert.equal(header(answer, 'Content-Length'), '0');
});

test('a connection is kept, and an uncounted CR LF after a body does not hurt the next request', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const connection = platform.connect();
  const write = request(
    'POST',
    `${ALIAS}?`,
    [`X-Exosite-CIK: ${cik}`, 'Connection: Keep-Alive'],
    'device_info=7',
  );
  for (let i = 0; i < 3; i += 1) {
    connection.send(Buffer.concat([write, Buffer.from('\r\n')]));
    assert.equal((await connection.answer()).status, 'HTTP/1.1 204 No Content');
  }
  connection.send(request('GET', `${ALIAS}?device_info`, [`X-Exosite-CIK: ${cik}`]));
  assert.equal((await connection.answer()).body.toString(), 'device_info=7');
});

test('Connection: close is honoured, the CR LF after the body notwithstanding', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const connection = platform.connect();
  const write = request(
    'POST',
    `${ALIAS}?`,
    [`X-Exosite-CIK: ${cik}`, 'Connection: Close '],
    'device_info=7',
  );
  connection.send(Buffer.concat([write, Buffer.from('\r\n')]));
  const answer = await connection.answer();
  assert.equal(answer.status, 'HTTP/1.1 204 No Content');
  assert.equal(header(answer, 'Connection'), 'close');
  await connection.ended;
  assert.equal(connection.rest(), '');
});

test('requests that were sent ahead are answered in their order', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const connection = platform.connect();
  const key = [`X-Exosite-CIK: ${cik}`];
  connection.send(
    Buffer.concat([
      request('POST', ALIAS, key, 'device_info=1'),
      request('GET', `${ALIAS}?device_info`, key),
      request('POST', `${ALIAS}?device_info`, key, 'device_info=2'),
      request('GET', '/timestamp'),
    ]),
  );
  assert.equal((await connection.answer()).status, 'HTTP/1.1 204 No Content');
  assert.equal((await connection.answer()).status, 'HTTP/1.1 200 OK');
  assert.equal((await connection.answer()).body.toString(), 'device_info=2');
  assert.match((await connection.answer()).body.toString(), /^\d+$/);
});

test('a request that comes byte by byte, as from a slow modem, is answered', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const connection = platform.connect();
  connection.socket.setNoDelay(true);
  for (const byte of request('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'device_info=1')) {
    connection.send(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  assert.equal((await connection.answer()).status, 'HTTP/1.1 204 No Content');
});

test('HTTP/1.0, and no Host at all, are served', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const older = await platform.ask(
    `POST ${ALIAS} HTTP/1.0\r\nX-Exosite-CIK: ${cik}\r\nContent-Length: 13\r\n\r\ndevice_info=1`,
  );
  assert.equal(older.status, 'HTTP/1.1 204 No Content');
  const hostless = await platform.ask(`GET ${ALIAS}?device_info HTTP/1.1\r\nX-Exosite-CIK: ${cik}\r\n\r\n`);
  assert.equal(hostless.body.toString(), 'device_info=1');
});

test('Expect: 100-continue is answered before the body comes, and a refusal spares it', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', '/provision/manage/model/', 'model=M&rid=1');
  await platform.operate('POST', '/provision/manage/content/M/', 'id=x&meta=');
  const head = (token: string) =>
    `POST /provision/manage/content/M/x HTTP/1.1\r\nHost: h\r\nX-Exosite-Token: ${token}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
  const connection = platform.connect();
  connection.send(head(TOKEN));
  assert.equal((await connection.answer()).status, 'HTTP/1.1 100 Continue');
  connection.send('bytes');
  assert.equal((await connection.answer()).status, 'HTTP/1.1 205 Reset Content');
  const refused = platform.connect();
  refused.send(head('wrong'));
  assert.equal((await refused.answer()).status, 'HTTP/1.1 401 Unauthorized');
  await refused.ended;
});

test('HEAD has the head of the GET and no body', async (t) => {
  const platform = await platformFor(t);
  const connection = platform.connect();
  connection.send(request('HEAD', '/timestamp', ['Connection: close']));
  await connection.ended;
  assert.match(connection.rest(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 10\r\n[\s\S]*\r\n\r\n$/);
});

test('a GET that announces a body and sends none is answered all the same', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.call('GET', '/timestamp', ['Content-Length: 10']);
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
});

test('a large upload that is refused is read to its end, so that the client sees why', async (t) => {
  const platform = await platformFor(t);
  const upload = Buffer.alloc(20 * 1024 ** 2, 'x');
  const answer = await platform.call(
    'POST',
    '/provision/manage/content/M/x',
    ['X-Exosite-Token: wrong'],
    upload,
  );
  assert.equal(answer.status, 'HTTP/1.1 401 Unauthorized');
});
