import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isLoopback, openExchanger } from '../../src/cli/operator-http.ts';
import { temporaryFolder } from './operator-fixture.ts';

async function serve(t: TestContext, answer: RequestListener): Promise<URL> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise((ready) => server.once('listening', ready));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/below/`);
}

async function open(t: TestContext, url: URL) {
  const exchanger = await openExchanger({ url, token: 'secret' });
  t.after(() => exchanger.close());
  return exchanger;
}

test('a call carries the token and goes below the path that the URL has', async (t) => {
  const url = await serve(t, (request, answer) =>
    answer.end(JSON.stringify({ url: request.url, auth: request.headers.authorization })),
  );
  const { call } = await open(t, url);
  assert.deepEqual(await call({ method: 'GET', path: '/api/v1/whoami' }), {
    url: '/below/api/v1/whoami',
    auth: 'Bearer secret',
  });
});

test('each refusal is said with what the platform said, else with what to do', async (t) => {
  const answers: Record<string, [status: number, body: string]> = {
    '/below/said': [422, '{"error":{"code":"check","message":"Cannot take it","hint":"Mend it"}}'],
    '/below/token': [401, 'HTTP/1.1 401 Unauthorized'],
    '/below/busy': [503, ''],
    '/below/html': [200, '<html>'],
    '/below/elsewhere': [302, ''],
  };
  const url = await serve(t, (request, answer) => {
    const [status, body] = answers[request.url ?? ''] ?? [404, ''];
    answer.writeHead(status, { 'retry-after': '7' }).end(body);
  });
  const { call } = await open(t, url);
  const get = (path: string) => call({ method: 'GET', path });
  await assert.rejects(get('/said'), { code: 'check', message: 'Cannot take it', hint: 'Mend it' });
  await assert.rejects(get('/token'), { code: 'unauthorized', hint: /gwe login URL --token/ });
  await assert.rejects(get('/busy'), { code: 'busy', status: 503, retryAfter_s: 7 });
  await assert.rejects(get('/html'), { code: 'protocol', hint: /Is that URL really/ });
  await assert.rejects(get('/elsewhere'), { code: 'protocol', status: 302 });
});

test('a platform that is not there, that hangs up or that falls silent is told apart', async (t) => {
  const nobody = await open(t, new URL('http://127.0.0.1:1'));
  await assert.rejects(nobody.call({ method: 'GET', path: '/' }), { code: 'offline', hint: /gwe platform/ });
  const url = await serve(t, (request) => {
    if (request.url === '/below/hangup') request.socket.destroy();
  });
  const { call } = await open(t, url);
  await assert.rejects(call({ method: 'GET', path: '/hangup' }), { code: 'offline' });
  await assert.rejects(call({ method: 'GET', path: '/silent', timeout_s: 0.02 }), { code: 'timeout' });
});

test('an upload that is refused half way ends with the reason, not with a broken pipe', async (t) => {
  const file = join(await temporaryFolder(t), 'large');
  const size_bytes = 8 * 1024 ** 2;
  await writeFile(file, Buffer.alloc(size_bytes));
  const url = await serve(t, (request, answer) => {
    request.once('data', () => {
      answer.writeHead(413, { 'content-type': 'application/json' });
      answer.end('{"error":{"code":"too-large","message":"Cannot take so much"}}');
      request.resume();
    });
  });
  const { call } = await open(t, url);
  const upload = { file, size_bytes };
  await assert.rejects(call({ method: 'PUT', path: '/x', upload }), {
    code: 'too-large',
    message: 'Cannot take so much',
  });
  const gone = { file: `${file}.gone`, size_bytes: 1 };
  await assert.rejects(call({ method: 'PUT', path: '/x', upload: gone }), { code: 'io' });
});

test('only this very machine counts as loopback', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) assert.ok(isLoopback(host), host);
  for (const host of ['10.0.0.1', 'localhost.example', '127.example.org', '128.0.0.1']) {
    assert.ok(!isLoopback(host), host);
  }
});
