/** What the HTTP statuses of a platform come to: codes, words for a person, and how long to stay away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRetryable } from '../../src/client/errors.ts';
import { answer, CIK, clientFor, failureOf, rawServer } from './servers.ts';

for (const [status, code, retry] of [
  ['301 Moved Permanently', 'protocol', true],
  ['400 Bad Request', 'refused', false],
  ['401 Unauthorized', 'unauthorized', true],
  ['403 Forbidden', 'forbidden', false],
  ['404 Not Found', 'not-found', false],
  ['405 Method Not Allowed', 'refused', false],
  ['408 Request Timeout', 'busy', true],
  ['413 Payload Too Large', 'too-large', false],
  ['429 Too Many Requests', 'busy', true],
  ['500 Internal Server Error', 'busy', true],
  ['503 Service Unavailable', 'busy', true],
  ['206 Partial Content', 'protocol', true],
] as const) {
  test(`an answer ${status} is "${code}", ${retry ? 'worth' : 'not worth'} another try`, async (t) => {
    const server = await rawServer(t, () => answer(status));
    const error = await failureOf(clientFor(t, server.url).write(CIK, { a: '1' }));
    assert.equal(error.code, code);
    assert.equal(isRetryable(error), retry);
    assert.equal(error.message, `Cannot write a at ${server.url.host}: it answered ${status}`);
  });
}

test('a busy platform says for how long to stay away, in seconds or until a date', async (t) => {
  const now_ms = 784_111_777_000;
  const clock = { now: () => now_ms, monotonic: () => 0, sleep: async () => {} };
  const waits = ['Retry-After: 120', 'retry-after: Sun, 06 Nov 1994 08:50:37 GMT', 'Retry-After: soon'];
  const server = await rawServer(t, (_r, _s, n) =>
    answer('503 Service Unavailable', 'busy', [waits[n - 1] ?? '']),
  );
  const client = clientFor(t, server.url, { clock });
  assert.equal((await failureOf(client.read(CIK, ['a']))).retryAfter_s, 120);
  assert.equal((await failureOf(client.read(CIK, ['a']))).retryAfter_s, 60);
  assert.equal((await failureOf(client.read(CIK, ['a']))).retryAfter_s, undefined);
});

test('an error keeps the connection for what comes next', async (t) => {
  const server = await rawServer(t, (_r, _s, n) =>
    answer(n === 1 ? '404 Not Found' : '204 No Content', 'gone'),
  );
  const client = clientFor(t, server.url);
  await failureOf(client.write(CIK, { a: '1' }));
  await client.write(CIK, { a: '1' });
  assert.equal(server.connections, 1);
});

test('an error shows the first line of what the server said, not a page and not the status again', async (t) => {
  const bodies = ['no such \x1b[31mthing\nmore', '<html>long page', 'HTTP/1.1 400 Bad Request\r\n'];
  const server = await rawServer(t, (_r, _s, n) => answer('400 Bad Request', bodies[n - 1]));
  const client = clientFor(t, server.url);
  const ends = [': no such  [31mthing', '', ''];
  for (const end of ends) {
    const { message } = await failureOf(client.write(CIK, { a: '1' }));
    assert.equal(message, `Cannot write a at ${server.url.host}: it answered 400 Bad Request${end}`);
  }
});

test('an error with a text without an end does not keep the client', async (t) => {
  const server = await rawServer(t, () => 'HTTP/1.1 500 Oops\r\n\r\nstalled');
  const error = await failureOf(clientFor(t, server.url, { timeout_ms: 300 }).read(CIK, ['a']));
  assert.equal(error.code, 'busy');
});

test('a redirect is not followed, and the error says where it pointed', async (t) => {
  const server = await rawServer(t, () =>
    answer('302 Found', '', ['Location: http://captive.example/login']),
  );
  const error = await failureOf(clientFor(t, server.url).read(CIK, ['a']));
  assert.equal(error.code, 'protocol');
  assert.match(error.message, /\(302\), to http:\/\/captive\.example\/login$/);
  assert.equal(server.requests.length, 1);
});
