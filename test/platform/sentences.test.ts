import assert from 'node:assert/strict';
import { test } from 'node:test';
import { platformFor, type RunningTestPlatform, request, TOKEN } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';
const MANAGE = '/provision/manage';

/** Status and body of an answer as one text. */
function asker(platform: RunningTestPlatform) {
  return async (method: string, path: string, headers: string[] = [], body: string | Buffer = '') => {
    const answer = await platform.call(method, path, headers, body);
    return `${answer.status.split(' ')[1]} ${answer.body.toString()}`;
  };
}

/** Each is a sentence on what some client in the field does, and what it must get. */
test('small habits of clients: a bare question mark, an offer of gzip, more than one alias in a poll', async (t) => {
  const platform = await platformFor(t);
  const key = [`X-Exosite-CIK: ${await platform.gateway('P1', 'SN1')}`];
  const ask = asker(platform);
  assert.equal(await ask('POST', `${ALIAS}?`, key, 'device_info=1'), '204 ', 'Arduino sends a bare ?');
  assert.equal(await ask('GET', `${ALIAS}?device_info=&nothing=`, key), '200 device_info=1');
  assert.equal(
    await ask('GET', `${ALIAS}?device_info`, [...key, 'Accept-Encoding: gzip, deflate']),
    '200 device_info=1',
  );
  const poll = await ask('GET', `${ALIAS}?device_info&engine_fetch`, [...key, 'Request-Timeout: 300']);
  assert.equal(poll, '400 HTTP/1.1 400 Bad Request\r\n', 'a long poll is for one alias');
  assert.match(await ask('GET', `${ALIAS}?device_info`, [...key, 'Request-Timeout: soon']), /^400 /);
  assert.match(await ask('POST', '/provision/activate', [], 'vendor=acme&model=P1'), /^400 /);
  assert.match(await ask('POST', '/timestamp', [], 'x=1'), /^405 /, 'clients take 405 as a bad method');
  assert.equal(await ask('GET', '/ip'), '200 127.0.0.1');
});

test('a connection is good for well over a hundred requests, as the documents allow', async (t) => {
  const platform = await platformFor(t);
  const connection = platform.connect();
  for (let n = 0; n < 120; n += 1) {
    connection.send(request('GET', '/timestamp'));
    assert.equal((await connection.answer()).status, 'HTTP/1.1 200 OK');
  }
});

test('older libraries: description in place of meta, a question mark behind each path, uploads of any type', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const answer = asker(platform);
  const ask = (method: string, path: string, body: string | Buffer = '', headers: string[] = []) =>
    answer(method, `${MANAGE}${path}`, [`X-Exosite-Token: ${TOKEN}`, ...headers], body);
  assert.equal(await ask('GET', '/model/?'), '200 P1\r\n');
  assert.match(
    await ask('GET', '/content/P1/fw?'),
    /^404 HTTP\/1\.1 404 Not Found\r\n$/,
    'so it knows to create it',
  );
  assert.equal(await ask('POST', '/content/P1/', 'id=fw&description=the+first'), '205 ');
  assert.match(await ask('POST', '/content/P1/', 'id=fw'), /^409 /);
  assert.equal(await ask('POST', '/content/P1/fw', '{"half', ['Content-Type: application/json']), '205 ');
  assert.match(await ask('GET', '/content/P1/fw?'), /^200 application\/json,6,\d+,the first,false$/);
  assert.equal(await ask('POST', '/content/P1/', 'id=own&meta=&protected=true'), '205 ');
  assert.match(await ask('GET', '/content/P1/own'), /^200 .*,true$/);
  assert.equal(await ask('GET', '/content/P1/?sn=SN1'), '200 fw\r\nown\r\n');
  assert.match(await ask('GET', '/content/P1/?sn=nobody'), /^400 /);
  assert.equal(await ask('POST', '/content/P1/', 'delete=true&id=own'), '205 ');
  assert.match(await ask('POST', '/content/P1/own', 'bytes'), /^404 /, 'what is not there is not uploaded');
});

test('protected content, like all content, is for activated gateways of its product alone', async (t) => {
  const platform = await platformFor(t);
  const own = await platform.gateway('P1', 'SN1');
  const other = await platform.gateway('P2', 'SN1');
  await platform.operate('POST', `${MANAGE}/content/P1/`, 'id=fw&meta=&protected=true');
  await platform.operate('POST', `${MANAGE}/content/P1/fw`, 'bytes');
  const ask = asker(platform);
  const path = '/provision/download?vendor=acme&model=P1&id=fw';
  assert.equal(await ask('GET', path, [`X-Exosite-CIK: ${own}`]), '200 bytes');
  assert.match(await ask('GET', path, [`X-Exosite-CIK: ${other}`]), /^403 /);
  assert.match(await ask('GET', path), /^401 /);
  await platform.operate('POST', `${MANAGE}/model/P1/SN1`, 'disable=true');
  assert.match(await ask('GET', path, [`X-Exosite-CIK: ${own}`]), /^401 /);
});
