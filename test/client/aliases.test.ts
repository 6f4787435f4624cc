/** Dataports over the wire: what the platform is told, byte by byte, and what its answers come to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { answer, CIK, clientFor, rawServer } from './servers.ts';

const NONE = 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n';
const lines = (request: string | undefined) => (request ?? '').split('\r\n');
const withCode = (code: string) => (error: unknown) => error instanceof GweError && error.code === code;

test('an idle check-in is one small request: reports out and two aliases in', async (t) => {
  const server = await rawServer(t, () => answer('200 OK', 'update_interval=60'));
  const client = clientFor(t, server.url);
  const got = await client.writeRead(CIK, { device_info: '{"df": "a b"}', x: '&' }, [
    'engine_fetch',
    'update_interval',
  ]);
  assert.deepEqual(got, { update_interval: '60' });
  assert.deepEqual(lines(server.requests[0]), [
    'POST /onep:v1/stack/alias?engine_fetch&update_interval HTTP/1.1',
    `Host: ${server.url.host}`,
    `X-Exosite-CIK: ${CIK}`,
    'Accept: application/x-www-form-urlencoded; charset=utf-8',
    'Content-Type: application/x-www-form-urlencoded; charset=utf-8',
    'User-Agent: GatewayEngine-v1.2.3',
    'Content-Length: 31',
    '',
    'device_info={"df":+"a+b"}&x=%26',
  ]);
  assert.equal(server.requests.length, 1);
});

test('header and body of a request leave in one piece', async (t) => {
  const pieces: number[] = [];
  const server = await rawServer(t, (_, socket) => {
    socket.on('data', () => pieces.push(1));
    return NONE;
  });
  const client = clientFor(t, server.url);
  await client.write(CIK, { a: '1' });
  await client.write(CIK, { a: 'x'.repeat(1000) });
  assert.deepEqual(pieces, [1]);
  assert.equal(server.requests.length, 2);
});

test('several requests of a check-in share one connection', async (t) => {
  const server = await rawServer(t, () => NONE);
  const client = clientFor(t, server.url);
  for (const value of ['1', '2', '3']) await client.write(CIK, { a: value });
  assert.equal(server.connections, 1);
});

test('a read leaves out what is empty, unknown, or was not asked for', async (t) => {
  const server = await rawServer(t, () => answer('200 OK', 'a=1&b=&other=2\r\n'));
  assert.deepEqual(await clientFor(t, server.url).read(CIK, ['a', 'b', 'c']), { a: '1' });
  assert.equal(lines(server.requests[0])[0], 'GET /onep:v1/stack/alias?a&b&c HTTP/1.1');
  assert.doesNotMatch(server.requests[0] ?? '', /content-|connection/i);
});

test('a read of nothing known is answered 204 and comes to nothing', async (t) => {
  const server = await rawServer(t, () => NONE);
  assert.deepEqual(await clientFor(t, server.url).read(CIK, ['a']), {});
});

test('with nothing to write and nothing to read nothing is sent', async (t) => {
  const server = await rawServer(t, () => NONE);
  const client = clientFor(t, server.url);
  assert.deepEqual(await client.writeRead(CIK, {}, []), {});
  await client.record(CIK, {});
  assert.equal(server.connections, 0);
});

test('values with any character arrive as they were sent', async (t) => {
  const server = await rawServer(t, () =>
    answer('200 OK', 'engine_fetch=%7B%22install%22:+%5B%5D%7D%20%C3%A9%26'),
  );
  const { engine_fetch } = await clientFor(t, server.url).read(CIK, ['engine_fetch']);
  assert.equal(engine_fetch, '{"install": []} é&');
});

test('a value is read with its tag, and cleared only while that tag stands', async (t) => {
  const replies = [
    answer('200 OK', 'engine_fetch=x', ['etag: "abc"']),
    NONE,
    answer('412 Precondition Failed'),
    NONE,
  ];
  const server = await rawServer(t, (_r, _s, n) => replies[n - 1]);
  const client = clientFor(t, server.url);
  assert.deepEqual(await client.readWithTag(CIK, 'engine_fetch'), { value: 'x', etag: '"abc"' });
  assert.equal(await client.clear(CIK, 'engine_fetch', '"abc"'), 'cleared');
  assert.equal(await client.clear(CIK, 'engine_fetch', '"abc"'), 'changed');
  assert.equal(await client.clear(CIK, 'engine_fetch', undefined), 'cleared');
  assert.match(server.requests[1] ?? '', /\r\nIf-Match: "abc"\r\n.*\r\n\r\nengine_fetch=$/s);
  assert.doesNotMatch(server.requests[3] ?? '', /If-Match/);
});

test('an empty alias is read as an empty value without a tag', async (t) => {
  const server = await rawServer(t, () => NONE);
  assert.deepEqual(await clientFor(t, server.url).readWithTag(CIK, 'a'), { value: '', etag: undefined });
});

test('a long poll says how long it waits and since when, and returns the write with its time', async (t) => {
  const server = await rawServer(t, () =>
    answer('200 OK', 'engine_fetch=now', ['LAST-MODIFIED: Sun, 06 Nov 1994 08:49:37 GMT']),
  );
  const client = clientFor(t, server.url);
  const got = await client.longPoll(CIK, 'engine_fetch', { timeout_ms: 900_000, since_s: 1_700_000_000 });
  assert.deepEqual(got, { value: 'now', lastModified_s: 784_111_777 });
  assert.match(server.requests[0] ?? '', /\r\nRequest-Timeout: 300000\r\nIf-Modified-Since: 1700000000\r\n/);
});

test('a long poll that nothing was written during comes to nothing', async (t) => {
  const server = await rawServer(t, () => 'HTTP/1.1 304 Not Modified\r\n\r\n');
  const client = clientFor(t, server.url);
  assert.equal(await client.longPoll(CIK, 'a', { timeout_ms: 1000 }), undefined);
  assert.doesNotMatch(server.requests[0] ?? '', /If-Modified-Since/);
});

test('a long poll may take longer than the limit of other requests', async (t) => {
  const server = await rawServer(t, (_r, socket) => {
    setTimeout(() => socket.write(answer('200 OK', 'a=late')), 60);
    return undefined;
  });
  const client = clientFor(t, server.url, { timeout_ms: 30 });
  assert.equal((await client.longPoll(CIK, 'a', { timeout_ms: 5_000 }))?.value, 'late');
  await assert.rejects(client.read(CIK, ['a']), withCode('timeout'));
});

test('a long poll ends at once when it is stopped', async (t) => {
  const stop = new AbortController();
  const server = await rawServer(t, () => {
    stop.abort();
    return undefined;
  });
  const waiting = clientFor(t, server.url).longPoll(CIK, 'a', { timeout_ms: 60_000, signal: stop.signal });
  await assert.rejects(waiting, withCode('stopped'));
});

test('requests that run while a long poll waits are not held up by it', async (t) => {
  const server = await rawServer(t, (request) => (request.includes('Request-Timeout') ? undefined : NONE));
  const client = clientFor(t, server.url);
  const stop = new AbortController();
  const waiting = client.longPoll(CIK, 'a', { timeout_ms: 60_000, signal: stop.signal });
  await client.write(CIK, { b: '1' });
  stop.abort();
  await assert.rejects(waiting, withCode('stopped'));
});

test('points are recorded with times of their own, several aliases in one request', async (t) => {
  const server = await rawServer(t, () => NONE);
  await clientFor(t, server.url).record(CIK, {
    a: [
      [100, 'x y'],
      [101, ''],
    ],
    b: [[100, '1']],
  });
  assert.match(
    server.requests[0] ?? '',
    /^POST \/onep:v1\/stack\/record .*\r\n\r\nalias=a&100=x\+y&101=&alias=b&100=1$/s,
  );
});

test('points less than a second apart are a conflict', async (t) => {
  const server = await rawServer(t, () => answer('409 Conflict', 'HTTP/1.1 409 Conflict\r\n'));
  await assert.rejects(clientFor(t, server.url).record(CIK, { a: [[100, '1']] }), withCode('conflict'));
});

test('the time is the digits that the answer begins with', async (t) => {
  const replies = [answer('200 OK', '1700000000\r\n'), answer('200 OK', '<html>')];
  const server = await rawServer(t, (_r, _s, n) => replies[n - 1]);
  const client = clientFor(t, server.url);
  assert.equal(await client.timestamp(), 1_700_000_000);
  assert.doesNotMatch(server.requests[0] ?? '', /CIK/i);
  await assert.rejects(client.timestamp(), withCode('protocol'));
});

test('a platform below a path is asked below that path', async (t) => {
  const server = await rawServer(t, () => NONE);
  await clientFor(t, new URL('/below/', server.url)).read(CIK, ['a']);
  assert.match(server.requests[0] ?? '', /^GET \/below\/onep:v1\/stack\/alias\?a /);
});
