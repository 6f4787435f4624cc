/** Activation: the one request that is made without a key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { answer, CIK, clientFor, rawServer } from './servers.ts';

const WHO = { vendor: 'p 1', model: 'p&1', serial: '00:11:AA' };
const withCode = (code: string) => (error: unknown) => error instanceof GweError && error.code === code;

test('a gateway tells vendor, model and serial, and gets its key', async (t) => {
  const server = await rawServer(t, () => answer('200 OK', `${CIK}\r\n`));
  assert.equal(await clientFor(t, server.url).activate(WHO), CIK);
  const [request = ''] = server.requests;
  assert.match(request, /^POST \/provision\/activate HTTP\/1\.1\r\n/);
  assert.match(request, /\r\n\r\nvendor=p%201&model=p%261&sn=00%3A11%3AAA$/);
  assert.doesNotMatch(request, /X-Exosite/i);
});

for (const [status, code] of [
  ['409 Conflict', 'conflict'],
  ['404 Not Found', 'not-found'],
  ['412 Precondition Failed', 'changed'],
  ['204 No Content', 'protocol'],
  ['503 Service Unavailable', 'busy'],
] as const) {
  test(`an activation answered ${status} is "${code}"`, async (t) => {
    const server = await rawServer(t, () => answer(status));
    await assert.rejects(clientFor(t, server.url).activate(WHO), withCode(code));
  });
}

test('an answer that is no key of 40 lower-case hex digits is not taken for one', async (t) => {
  const replies = ['<html>sign in</html>', CIK.toUpperCase(), CIK.slice(1), `${CIK}${CIK}`];
  const server = await rawServer(t, (_r, _s, n) => answer('200 OK', replies[n - 1]));
  const client = clientFor(t, server.url);
  for (const _ of replies) await assert.rejects(client.activate(WHO), withCode('protocol'));
});

test('an activation is never sent twice by itself: the lost answer held the only key', async (t) => {
  const server = await rawServer(t, (request, socket) => {
    if (request.startsWith('GET')) return answer('200 OK', '1700000000');
    socket.resetAndDestroy();
    return undefined;
  });
  const client = clientFor(t, server.url);
  await client.timestamp();
  await assert.rejects(client.activate(WHO), withCode('offline'));
  assert.equal(server.requests.length, 2);
});
