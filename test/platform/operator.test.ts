import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockAt, header, platformFor, TOKEN } from './raw.ts';

const MODEL = '/provision/manage/model/';
const CONTENT = '/provision/manage/content/';
const DONE = 'HTTP/1.1 205 Reset Content';
const CONFLICT = 'HTTP/1.1 409 Conflict';
const MISSING = 'HTTP/1.1 404 Not Found';

test('models: create is 205 and then 409, the list has one a line, info is a form, delete takes all with it', async (t) => {
  const platform = await platformFor(t);
  const form = 'model=M1&rid=0123&options%5B%5D=noaliases&options%5B%5D=nocomments';
  assert.equal((await platform.operate('POST', MODEL, form)).status, DONE);
  assert.equal((await platform.operate('POST', MODEL, form)).status, CONFLICT);
  await platform.operate('POST', MODEL, 'model=M0&code=xyz');
  const list = await platform.operate('GET', MODEL);
  assert.equal(header(list, 'Content-Type'), 'text/csv; charset=utf-8');
  assert.equal(list.body.toString(), 'M0\r\nM1\r\n');
  const info = await platform.operate('GET', `${MODEL}M1`);
  assert.equal(info.body.toString(), 'rid=0123&options%5B%5D=noaliases&options%5B%5D=nocomments');
  assert.equal((await platform.operate('GET', `${MODEL}M2`)).status, MISSING);
  await platform.operate('POST', `${MODEL}M1/`, 'sn=S1');
  assert.equal(
    (await platform.operate('DELETE', `${MODEL}M1`, 'delete=true&model=M1&confirm=true')).status,
    DONE,
  );
  assert.equal((await platform.operate('GET', `${MODEL}M1`)).status, MISSING);
  assert.equal((await platform.operate('GET', `${MODEL}M1/S1`)).status, MISSING);
  assert.equal((await platform.operate('POST', MODEL, 'delete=true&model=M0')).status, DONE);
  assert.equal((await platform.operate('GET', MODEL)).status, 'HTTP/1.1 204 No Content');
});

test('a PUT or DELETE whose body has no Content-Type is taken', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  assert.equal(
    (await platform.operate('PUT', `${MODEL}M1`, 'rid=2&options%5B%5D=nohistorical')).status,
    DONE,
  );
  assert.match((await platform.operate('GET', `${MODEL}M1`)).body.toString(), /^rid=2&/);
});

test('a bad token or none is 401, and the token is also taken where older libraries put it', async (t) => {
  const platform = await platformFor(t);
  for (const headers of [
    [],
    ['X-Exosite-Token: wrong'],
    ['X-Exosite-Token: '],
    [`X-Exosite-CIK: ${'0'.repeat(40)}`],
  ]) {
    assert.equal((await platform.call('GET', MODEL, headers)).status, 'HTTP/1.1 401 Unauthorized');
  }
  for (const headers of [[`X-Exosite-CIK: ${TOKEN}`], [`Authorization: Bearer ${TOKEN}`]]) {
    assert.equal((await platform.call('GET', MODEL, headers)).status, 'HTTP/1.1 204 No Content');
  }
});

test("a gateway's key opens none of the operator's calls", async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  for (const path of [MODEL, '/api/v1/products']) {
    assert.equal(
      (await platform.call('GET', path, [`X-Exosite-CIK: ${cik}`])).status,
      'HTTP/1.1 401 Unauthorized',
    );
  }
});

test('serial numbers: added one by one, as a list and as csv; one that exists is 409 and adds none of them', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  const path = `${MODEL}M1/`;
  assert.equal((await platform.operate('POST', path, 'add=true&sn=S1&extra=an+extra')).status, DONE);
  assert.equal((await platform.operate('POST', path, 'sn[]=S2&sn%5B%5D=S3')).status, DONE);
  const csv = ['Content-Type: text/csv; charset=utf-8'];
  assert.equal((await platform.operate('POST', path, 'S4,four\nS5,"a, b"\r\nS6\r\n', csv)).status, DONE);
  assert.equal((await platform.operate('POST', path, 'sn=S1')).status, CONFLICT);
  assert.equal((await platform.operate('POST', path, 'sn[]=S9&sn[]=S2')).status, CONFLICT);
  const list = await platform.operate('GET', `${path}?offset=0&limit=10`);
  assert.equal(list.body.toString(), 'S1,,an extra\r\nS2,,\r\nS3,,\r\nS4,,four\r\nS5,,"a, b"\r\nS6,,\r\n');
  assert.equal((await platform.operate('POST', `${MODEL}M2/`, 'sn=S1')).status, MISSING);
});

test('the trailing slash decides: the model, or its serial numbers', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  await platform.operate('POST', `${MODEL}M1/`, 'sn=S1');
  assert.equal((await platform.operate('GET', `${MODEL}M1`)).body.toString(), 'rid=1');
  assert.equal((await platform.operate('GET', `${MODEL}M1/`)).body.toString(), 'S1,,\r\n');
  assert.equal(
    (await platform.operate('GET', `${MODEL}M1?`)).body.toString(),
    'rid=1',
    'a bare ? changes nothing',
  );
});

test('pages are cut with offset and limit, the limit held between 5 and 1000', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  const serials = Array.from({ length: 1005 }, (_, i) => `S${String(i).padStart(4, '0')}`);
  await platform.operate('POST', `${MODEL}M1/`, serials.join('\n'), ['Content-Type: text/csv']);
  const rows = async (query: string) =>
    (await platform.operate('GET', `${MODEL}M1/?${query}`)).body.toString().split('\r\n').slice(0, -1);
  assert.equal((await rows('offset=0&limit=1')).length, 5);
  assert.equal((await rows('offset=0&limit=9999')).length, 1000);
  assert.deepEqual(
    await rows('offset=1000&limit=1000'),
    serials.slice(1000).map((serial) => `${serial},,`),
  );
});

test('serial numbers are removed with delete, with remove, and with a DELETE that lists them', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  await platform.operate('POST', `${MODEL}M1/`, 'sn[]=S1&sn[]=S2&sn[]=S3&sn[]=S4&sn[]=S5');
  assert.equal((await platform.operate('POST', `${MODEL}M1/`, 'delete=true&sn=S1')).status, DONE);
  assert.equal((await platform.operate('POST', `${MODEL}M1/`, 'remove=true&sn%5B%5D=S2')).status, DONE);
  const csv = ['Content-Type: text/csv; charset=utf-8'];
  assert.equal((await platform.operate('DELETE', `${MODEL}M1/`, 'S3\r\nS4\r\n', csv)).status, DONE);
  assert.equal((await platform.operate('GET', `${MODEL}M1/`)).body.toString(), 'S5,,\r\n');
  assert.equal((await platform.operate('DELETE', `${MODEL}M1/S5`)).status, DONE);
  assert.equal((await platform.operate('DELETE', `${MODEL}M1/S5`)).status, MISSING);
});

test('one serial number: 204 while unused, then status, rid and extra; disabling it kills its key', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  await platform.operate('POST', `${MODEL}M1/`, 'sn=S1&extra=x');
  const path = `${MODEL}M1/S1`;
  assert.equal((await platform.operate('GET', path)).status, 'HTTP/1.1 204 No Content');
  assert.equal((await platform.operate('GET', `${MODEL}M1/S2`)).status, MISSING);
  const rid = (await platform.operate('POST', path, 'enable=true&owner=77')).body.toString();
  assert.equal((await platform.operate('GET', path)).body.toString(), `notactivated,${rid},x`);
  const cik = (
    await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=M1&sn=S1')
  ).body.toString();
  assert.equal((await platform.operate('GET', path)).body.toString(), `activated,${rid},x`);
  const listed = await platform.operate('GET', `${MODEL}M1/?status=true`);
  assert.equal(listed.body.toString(), `S1,activated,${rid},x\r\n`);
  assert.equal((await platform.operate('POST', path, 'enable=true&owner=77')).status, CONFLICT);
  assert.equal((await platform.operate('POST', path, 'disable=true')).status, DONE);
  const dead = await platform.call('GET', '/onep:v1/stack/alias?a', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(dead.status, 'HTTP/1.1 401 Unauthorized');
  assert.equal((await platform.operate('GET', path)).body.toString(), `notactivated,${rid},x`);
  const activation = await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=M1&sn=S1');
  assert.equal(activation.status, CONFLICT);
});

test('remapping gives the client with its data to the new serial number, which must be activated again', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('M1', 'OLD');
  await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], 'device_info=kept');
  await platform.operate('POST', `${MODEL}M1/`, 'sn=NEW');
  const remap = 'enable=true&oldsn=OLD';
  assert.equal((await platform.operate('POST', `${MODEL}M1/NONE`, remap)).status, MISSING);
  assert.equal((await platform.operate('POST', `${MODEL}M1/NEW`, remap)).status, DONE);
  const dead = await platform.call('GET', '/onep:v1/stack/alias?a', [`X-Exosite-CIK: ${cik}`]);
  assert.equal(dead.status, 'HTTP/1.1 401 Unauthorized');
  const next = await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=M1&sn=NEW');
  const read = await platform.call('GET', '/onep:v1/stack/alias?device_info', [
    `X-Exosite-CIK: ${next.body}`,
  ]);
  assert.equal(read.body.toString(), 'device_info=kept');
  assert.equal((await platform.operate('GET', `${MODEL}M1/OLD`)).status, 'HTTP/1.1 204 No Content');
});

test('the activation log tells when, from where, and what', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_500) });
  await platform.gateway('M1', 'S1');
  const log = await platform.operate('GET', `${MODEL}M1/S1?show=log`);
  assert.equal(log.body.toString(), '1700000000,127.0.0.1,activated\r\n');
  await platform.operate('POST', `${MODEL}M1/`, 'sn=S2');
  assert.equal((await platform.operate('GET', `${MODEL}M1/S2?show=log`)).status, 'HTTP/1.1 204 No Content');
});

test('content: 404 tells that it must be created, then it is uploaded, listed, told about, fetched and deleted', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_000) });
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  const path = `${CONTENT}M1/fw_1.2.bin`;
  assert.equal((await platform.operate('GET', path)).status, MISSING);
  assert.equal((await platform.operate('POST', path, 'bytes')).status, MISSING);
  const form = 'id=fw_1.2.bin&meta=the+meta&protected=true';
  assert.equal((await platform.operate('POST', `${CONTENT}M1/`, form)).status, DONE);
  assert.equal((await platform.operate('POST', `${CONTENT}M1/`, form)).status, CONFLICT);
  const upload = await platform.operate('POST', path, 'bytes', ['Content-Type: application/octet-stream']);
  assert.equal(upload.status, DONE);
  const info = (await platform.operate('GET', path)).body.toString();
  assert.equal(info, 'application/octet-stream,5,1700000000,the meta,true');
  assert.equal(info.split(',').length, 5);
  assert.equal((await platform.operate('GET', `${CONTENT}M1/`)).body.toString(), 'fw_1.2.bin\r\n');
  const range = await platform.operate('GET', `${path}?download=true`, '', ['Range: bytes=1-2']);
  assert.equal(range.status, 'HTTP/1.1 206 Partial Content');
  assert.equal(range.body.toString(), 'yt');
  assert.equal((await platform.operate('DELETE', path)).status, DONE);
  assert.equal((await platform.operate('DELETE', path)).status, MISSING);
  await platform.operate('POST', `${CONTENT}M1/`, 'id=x&description=an+older+word');
  assert.match((await platform.operate('GET', `${CONTENT}M1/x?`)).body.toString(), /,an older word,false$/);
  assert.equal((await platform.operate('POST', `${CONTENT}M1/`, 'delete=true&id=x')).status, DONE);
});

test('what a protocol client uploads is stored raw, whatever it and its Content-Type are', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  const types = [
    'application/x-www-form-urlencoded; charset=utf-8',
    'application/json',
    'multipart/form-data',
    'None',
  ];
  for (const [index, type] of types.entries()) {
    await platform.operate('POST', `${CONTENT}M1/`, `id=f${index}.tar.gz&meta=`);
    const body = Buffer.from([0, 255, 37, 61, 38, 123, index]);
    const upload = await platform.operate('POST', `${CONTENT}M1/f${index}.tar.gz`, body, [
      `Content-Type: ${type}`,
    ]);
    assert.equal(upload.status, DONE);
    const back = await platform.operate('GET', `${CONTENT}M1/f${index}.tar.gz?download=true`);
    assert.deepEqual(back.body, body);
    assert.equal(header(back, 'Content-Type'), type);
  }
});

test('odd names: blanks, commas, slashes and other alphabets survive in serial numbers and content ids', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M%201&rid=1');
  for (const name of ['a b', 'x,"y"', 'dir/file', 'größe', '100%', 'a+b']) {
    const encoded = encodeURIComponent(name);
    assert.equal((await platform.operate('POST', `${MODEL}M%201/`, `sn=${encoded}`)).status, DONE, name);
    assert.equal(
      (await platform.operate('GET', `${MODEL}M%201/${encoded}`)).status,
      'HTTP/1.1 204 No Content',
      name,
    );
    assert.equal(
      (await platform.operate('POST', `${CONTENT}M%201/`, `id=${encoded}&meta=`)).status,
      DONE,
      name,
    );
    assert.equal((await platform.operate('POST', `${CONTENT}M%201/${encoded}`, name)).status, DONE, name);
    const back = await platform.operate('GET', `${CONTENT}M%201/${encoded}?download=true`);
    assert.equal(back.body.toString(), name);
  }
  const raw = await platform.operate('GET', `${CONTENT}M%201/dir/file?download=true`);
  assert.equal(raw.body.toString(), 'dir/file', 'as libraries send it that do not encode');
});

test('old tools learn the vendor, that nothing is shared, and make tokens that work until they are revoked', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1');
  const ask = async (method: string, path: string, sent = '') => {
    const answer = await platform.operate(method, path, sent);
    return `${answer.status.split(' ')[1]} ${answer.body.toString()}`;
  };
  assert.equal(await ask('GET', '/provision/register'), '200 acme');
  assert.equal(await ask('POST', '/provision/register', 'vendor=acme'), '205 ');
  assert.match(await ask('POST', '/provision/register', 'vendor=other'), /^409 /);
  assert.equal(await ask('GET', '/provision/manage/share/M1/'), '204 ');
  const made = await platform.operate('POST', '/provision/admin/auth/', 'id=ci');
  const token = made.body.toString();
  assert.match(token, /^[0-9a-f]{40}$/);
  assert.match(await ask('POST', '/provision/admin/auth/', 'id=ci'), /^409 /);
  assert.equal(await ask('GET', '/provision/admin/auth/'), '200 ci\r\npreset\r\n');
  const list = () => platform.call('GET', MODEL, [`X-Exosite-CIK: ${token}`]);
  assert.equal((await list()).body.toString(), 'M1\r\n');
  assert.equal(await ask('DELETE', '/provision/admin/auth/ci'), '205 ');
  assert.equal((await list()).status, 'HTTP/1.1 401 Unauthorized');
  assert.match(await ask('POST', '/provision/admin/auth/', 'delete=true&id=preset'), /^409 /);
});

test('a range of serial numbers stands for all of them: each may be enabled and activated', async (t) => {
  const platform = await platformFor(t);
  await platform.operate('POST', MODEL, 'model=M1&rid=1');
  const ranges =
    '{"ranges":[{"format":"base10","length":5,"first":10,"last":20},{"format":"mac:48","casing":"upper","first":16,"last":255}]}';
  const type = ['Content-Type: application/javascript; charset=utf-8'];
  assert.equal((await platform.operate('POST', `${MODEL}M1/`, ranges, type)).status, DONE);
  const again = ranges.replace('"length":5,', '"length":5,"casing":null,');
  assert.equal((await platform.operate('POST', `${MODEL}M1/`, again, type)).status, DONE, 'null is nothing');
  assert.deepEqual(
    new Set(
      JSON.parse((await platform.operate('GET', `${MODEL}M1/?show=ranges`)).body.toString()).ranges.map(
        JSON.stringify,
      ),
    ),
    new Set(JSON.parse(ranges).ranges.map(JSON.stringify)),
  );
  const activate = (sn: string) =>
    platform.call('POST', '/provision/activate', [], `vendor=acme&model=M1&sn=${sn}`);
  for (const serial of ['00010', '00020', '00:00:00:00:00:1F']) {
    assert.equal((await activate(serial)).status, CONFLICT, 'not enabled yet');
    assert.equal((await platform.operate('GET', `${MODEL}M1/${serial}`)).status, 'HTTP/1.1 204 No Content');
    assert.equal(
      (await platform.operate('POST', `${MODEL}M1/${serial}`, 'enable=true&owner=1')).status,
      'HTTP/1.1 200 OK',
    );
    assert.equal((await activate(serial)).status, 'HTTP/1.1 200 OK');
  }
  for (const serial of ['00021', '10', '00:00:00:00:00:1f', '00-00-00-00-00-1F']) {
    assert.equal((await activate(serial)).status, MISSING, serial);
    assert.equal(
      (await platform.operate('POST', `${MODEL}M1/${serial}`, 'enable=true&owner=1')).status,
      MISSING,
      serial,
    );
  }
  assert.equal((await platform.operate('DELETE', `${MODEL}M1/`, ranges, type)).status, DONE);
  assert.equal((await activate('00011')).status, MISSING);
  for (const bad of [
    '{}',
    '{"ranges":[{"format":"base64","first":1,"last":2}]}',
    '{"ranges":[{"format":"base10","first":3,"last":2}]}',
  ]) {
    assert.equal(
      (await platform.operate('POST', `${MODEL}M1/`, bad, type)).status,
      'HTTP/1.1 400 Bad Request',
      bad,
    );
  }
});
