import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header, platformFor } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';
const cikOf = (cik: string) => [`X-Exosite-CIK: ${cik}`];

test('a write is 204, and a read gives the values back url-encoded, without a line end', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const written = await platform.call('POST', ALIAS, cikOf(cik), 'device_info=a+b%20%26&fetch_status=%C3%A9');
  assert.equal(written.status, 'HTTP/1.1 204 No Content');
  const read = await platform.call('GET', `${ALIAS}?device_info&fetch_status`, cikOf(cik));
  assert.equal(read.status, 'HTTP/1.1 200 OK');
  assert.equal(read.body.toString(), 'device_info=a%20b%20%26&fetch_status=%C3%A9');
});

test('a read may name its aliases with an equals sign', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, cikOf(cik), 'device_info=1&usage_report=2');
  const read = await platform.call('GET', `${ALIAS}?device_info=&usage_report=`, cikOf(cik));
  assert.equal(read.body.toString(), 'device_info=1&usage_report=2');
});

test('without a CIK, or with a wrong one, the answer is 401', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const wrong = 'X-Exosite-CIK: 0000000000000000000000000000000000000000';
  for (const headers of [[], [wrong], ['X-Exosite-CIK: '], ['X-Exosite-CIK: short']]) {
    assert.equal((await platform.call('GET', `${ALIAS}?a`, headers)).status, 'HTTP/1.1 401 Unauthorized');
    assert.equal((await platform.call('POST', ALIAS, headers, 'a=1')).status, 'HTTP/1.1 401 Unauthorized');
  }
});

test('the CIK header is found whatever the case of its name and the blanks around it', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const answer = await platform.ask(
    `POST ${ALIAS} HTTP/1.1\r\nHost: m2.exosite.com\r\nX-EXOSITE-CIK:${cik}\r\ncontent-length:13\r\nConnection: Close \r\n\r\ndevice_info=1`,
  );
  assert.equal(answer.status, 'HTTP/1.1 204 No Content');
});

test('X-Exosite-VMS beside a CIK is ignored', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const headers = [...cikOf(cik), 'X-Exosite-VMS: P1 P1 another'];
  assert.equal(
    (await platform.call('POST', ALIAS, headers, 'device_info=1')).status,
    'HTTP/1.1 204 No Content',
  );
});

test('a hybrid call makes every write before every read', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const answer = await platform.call(
    'POST',
    `${ALIAS}?device_info&engine_fetch`,
    cikOf(cik),
    'device_info=new',
  );
  assert.equal(answer.status, 'HTTP/1.1 200 OK');
  assert.equal(answer.body.toString(), 'device_info=new');
  const none = await platform.call('POST', `${ALIAS}?engine_fetch`, cikOf(cik), 'device_info=x');
  assert.equal(none.status, 'HTTP/1.1 204 No Content');
});

test('unknown aliases are dropped on write and left out on read', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const written = await platform.call('POST', ALIAS, cikOf(cik), 'nobody_knows=1&device_info=2');
  assert.equal(written.status, 'HTTP/1.1 204 No Content');
  const read = await platform.call('GET', `${ALIAS}?nobody_knows&device_info`, cikOf(cik));
  assert.equal(read.body.toString(), 'device_info=2');
  const unknown = await platform.call('GET', `${ALIAS}?nobody_knows`, cikOf(cik));
  assert.equal(unknown.status, 'HTTP/1.1 204 No Content');
});

test('a dataport that the operator made, for one gateway or the product, can be written by the device', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.operate('PUT', '/api/v1/gateways/P1/SN1/dataports/temp', '{"value":""}');
  await platform.operate('PUT', '/api/v1/products/P1/dataports/hum');
  await platform.call('POST', ALIAS, cikOf(cik), 'temp=21&hum=40');
  const read = await platform.call('GET', `${ALIAS}?temp&hum`, cikOf(cik));
  assert.equal(read.body.toString(), 'temp=21&hum=40');
});

test('after an empty write the old value never comes again', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, cikOf(cik), 'engine_fetch=command');
  assert.equal(
    (await platform.call('POST', ALIAS, cikOf(cik), 'engine_fetch=')).status,
    'HTTP/1.1 204 No Content',
  );
  const read = await platform.call('GET', `${ALIAS}?engine_fetch`, cikOf(cik));
  assert.equal(read.status, 'HTTP/1.1 204 No Content');
});

test('JSON that is sent unencoded is split at the first equals sign, and only then decoded', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, cikOf(cik), 'device_info={"pressure": "6=3", "p": "50%", "z": "%zz"}');
  const read = await platform.call('GET', `${ALIAS}?device_info`, cikOf(cik));
  assert.equal(
    decodeURIComponent(read.body.toString().slice('device_info='.length)),
    '{"pressure": "6=3", "p": "50%", "z": "%zz"}',
  );
});

test('the older name of the path is the same thing', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const written = await platform.call('POST', '/api:v1/stack/alias', cikOf(cik), 'device_info=1');
  assert.equal(written.status, 'HTTP/1.1 204 No Content');
  const read = await platform.call('GET', '/api:v1/stack/alias?device_info', cikOf(cik));
  assert.equal(read.body.toString(), 'device_info=1');
});

test('a read of one alias tells its ETag, and a write with If-Match fails once the value was written again', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const command = '{"value":"{\\"install\\":[]}"}';
  await platform.operate('PUT', '/api/v1/gateways/P1/SN1/dataports/engine_fetch', command);
  const tag = header(await platform.call('GET', `${ALIAS}?engine_fetch`, cikOf(cik)), 'ETag');
  await platform.operate('PUT', '/api/v1/gateways/P1/SN1/dataports/engine_fetch', command);
  const stale = await platform.call('POST', ALIAS, [...cikOf(cik), `If-Match: ${tag}`], 'engine_fetch=');
  assert.equal(
    stale.status,
    'HTTP/1.1 412 Precondition Failed',
    'the same text written again is another value',
  );
  const now = header(await platform.call('GET', `${ALIAS}?engine_fetch`, cikOf(cik)), 'ETag');
  const cleared = await platform.call('POST', ALIAS, [...cikOf(cik), `If-Match: ${now}`], 'engine_fetch=');
  assert.equal(cleared.status, 'HTTP/1.1 204 No Content');
  assert.equal(
    (await platform.call('GET', `${ALIAS}?engine_fetch`, cikOf(cik))).status,
    'HTTP/1.1 204 No Content',
  );
});

test('the clock is digits only and needs no key', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.call('GET', '/timestamp');
  assert.match(answer.body.toString(), /^\d{10}$/);
  assert.equal((await platform.call('GET', '/ip')).body.toString(), '127.0.0.1');
});

test('values are recorded with their own times, and the newest of them is what is read', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const answer = await platform.call(
    'POST',
    '/onep:v1/stack/record',
    cikOf(cik),
    'alias=device_info&1700000010=second&1700000000=first&alias=usage_report&1700000000=u',
  );
  assert.equal(answer.status, 'HTTP/1.1 204 No Content');
  const read = await platform.call('GET', `${ALIAS}?device_info&usage_report`, cikOf(cik));
  assert.equal(read.body.toString(), 'device_info=second&usage_report=u');
  const older = await platform.call(
    'POST',
    `${ALIAS}/device_info`,
    cikOf(cik),
    '1600000000=old&1600000001=older',
  );
  assert.equal(older.status, 'HTTP/1.1 204 No Content');
  const still = await platform.call('GET', `${ALIAS}?device_info`, cikOf(cik));
  assert.equal(still.body.toString(), 'device_info=second');
});

test('points of one alias that are less than a second apart are refused with 409', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  for (const path of ['/onep:v1/stack/record', '/api:v1/stack/record']) {
    const answer = await platform.call(
      'POST',
      path,
      cikOf(cik),
      'alias=device_info&1700000000=a&1700000000=b',
    );
    assert.equal(answer.status, 'HTTP/1.1 409 Conflict');
  }
  const two = await platform.call(
    'POST',
    '/onep:v1/stack/record',
    cikOf(cik),
    'alias=device_info&1700000000=a&alias=usage_report&1700000000=b',
  );
  assert.equal(two.status, 'HTTP/1.1 204 No Content', 'two aliases may share a second');
});

test('a record that names no alias or no time is 400, and one without key 401', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  for (const body of ['1700000000=a', 'alias=device_info&yesterday=a']) {
    const answer = await platform.call('POST', '/onep:v1/stack/record', cikOf(cik), body);
    assert.equal(answer.status, 'HTTP/1.1 400 Bad Request');
  }
  const answer = await platform.call('POST', '/onep:v1/stack/record', [], 'alias=device_info&1700000000=a');
  assert.equal(answer.status, 'HTTP/1.1 401 Unauthorized');
});
