/** Downloads that the platform sends elsewhere: followed where that is safe, and never with what is the platform's alone. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { mayFollow } from '../../src/client/redirect.ts';
import { answer, CIK, clientFor, failureOf, rawServer } from './servers.ts';

const ID = { vendor: 'p1', model: 'p1', id: 'app.v1.tar.gz' };
const PART = answer('206 Partial Content', 'tent', ['Content-Range: bytes 3-6/7']);
const redirectTo = (url: URL | string) => answer('302 Found', 'HTTP/1.1 302 Found\r\n', [`Location: ${url}`]);

test('a gateway says that it can follow, goes where it is sent with its range, and keeps its key to itself', async (t) => {
  const service = await rawServer(t, () => PART);
  const platform = await rawServer(t, () => redirectTo(new URL('/b/key?X-Amz-Signature=1', service.url)));
  const { body, from_byte, total_bytes } = await clientFor(t, platform.url).download(CIK, ID, {
    from_byte: 3,
  });
  assert.equal(String(await buffer(body)), 'tent');
  assert.deepEqual([from_byte, total_bytes], [3, 7]);
  assert.match(platform.requests[0] ?? '', /\r\nAccept-Redirect: 1\r\n/);
  const [there = ''] = service.requests;
  assert.match(there, /^GET \/b\/key\?X-Amz-Signature=1 HTTP/);
  assert.match(there, /\r\nRange: bytes=3-\r\n/);
  assert.doesNotMatch(there, /CIK|0123456789abcdef/i);
});

test('a link that has expired, a service that is not there, and a second redirect lead back to the platform', async (t) => {
  const expired = await rawServer(t, () => answer('403 Forbidden', '<Error>'));
  const again = await rawServer(t, () => redirectTo(expired.url));
  const gone = await rawServer(t, (_, socket) => void socket.destroy());
  for (const there of [expired, again, gone]) {
    const platform = await rawServer(t, (request) =>
      request.includes('Accept-Redirect') ? redirectTo(there.url) : answer('200 OK', 'content'),
    );
    const { body } = await clientFor(t, platform.url).download(CIK, ID, { from_byte: 0 });
    assert.equal(String(await buffer(body)), 'content');
    assert.equal(there.requests.length, 1);
  }
});

test('what the platform itself refuses is an error, and no reason to ask twice', async (t) => {
  const platform = await rawServer(t, () => answer('404 Not Found'));
  const failed = await failureOf(clientFor(t, platform.url).download(CIK, ID, { from_byte: 0 }));
  assert.equal(failed.code, 'not-found');
  assert.equal(platform.requests.length, 1);
});

test('a redirect never leads from https to cleartext, nor to cleartext on another machine', () => {
  const follows = (server: string, to: string, allowHttp = false) =>
    mayFollow({ server: new URL(server), allowHttp }, new URL(to));
  assert.ok(follows('https://p.example', 'https://s3.example/b/k'));
  assert.ok(!follows('https://p.example', 'http://s3.example/b/k', true));
  assert.ok(!follows('http://127.0.0.1:1', 'http://s3.example/b/k'));
  assert.ok(follows('http://10.0.0.1', 'http://s3.example/b/k', true));
  assert.ok(!follows('https://p.example', 'https://user:pass@s3.example/b/k'));
  assert.ok(!follows('https://p.example', 'ftp://s3.example/b/k'));
});
