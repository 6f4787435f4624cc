/** One exchange against servers that stall, cut, lie and answer nonsense. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { test } from 'node:test';
import { createDeviceClient } from '../../src/client/client.ts';
import { isRetryable } from '../../src/client/errors.ts';
import { MAX_ANSWER_BYTES } from '../../src/client/http.ts';
import { GweError } from '../../src/errors.ts';
import { answer, CIK, clientFor, failureOf, listening, rawServer } from './servers.ts';

test('a server that accepts and never answers is left after the time limit, and the message says what was missing', async (t) => {
  const server = await rawServer(t, () => undefined);
  const error = await failureOf(clientFor(t, server.url, { timeout_ms: 300 }).read(CIK, ['a', 'b']));
  assert.equal(error.code, 'timeout');
  assert.equal(
    error.message,
    `Cannot read a, b at ${server.url.host}: connected, but no answer within 0.3 s`,
  );
});

test('an answer that stops in the middle is left after the time limit', async (t) => {
  const server = await rawServer(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na=1');
  const error = await failureOf(clientFor(t, server.url, { timeout_ms: 300 }).read(CIK, ['a']));
  assert.equal(error.code, 'timeout');
  assert.match(error.message, /no further byte within/);
});

test('a handshake that never ends is left after the time limit', async (t) => {
  const silent = createTcp((socket) => socket.on('error', () => {}));
  const url = await listening(t, silent, 'https');
  const sockets = once(silent, 'connection');
  const error = await failureOf(clientFor(t, url, { timeout_ms: 300 }).read(CIK, ['a']));
  assert.equal(error.code, 'timeout');
  assert.match(error.message, /: no connection within 0.3 s$/);
  const [socket] = await sockets;
  socket.destroy();
});

test('an answer that comes slowly but steadily is not cut by the limit of one byte', async (t) => {
  const server = await rawServer(t, (_r, socket) => {
    const pieces = ['HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', 'a=', '1&', 'b=2'];
    const timer = setInterval(() => {
      const piece = pieces.shift();
      if (piece === undefined) clearInterval(timer);
      else socket.write(piece);
    }, 300);
    return undefined;
  });
  assert.deepEqual(await clientFor(t, server.url, { timeout_ms: 1000 }).read(CIK, ['a', 'b']), {
    a: '1',
    b: '2',
  });
});

test('nobody listening is "offline", a name that does not exist is "dns"', async (t) => {
  const gone = createTcp();
  const url = await listening(t, gone, 'http');
  gone.close();
  const offline = await failureOf(clientFor(t, url).read(CIK, ['a']));
  assert.equal(offline.code, 'offline');
  assert.equal(isRetryable(offline), true);
  assert.match(offline.message, new RegExp(`^Cannot read a at ${url.host}: .*ECONNREFUSED`));
  const dns = await failureOf(clientFor(t, new URL('https://nowhere.invalid')).read(CIK, ['a']));
  assert.equal(dns.code, 'dns');
});

for (const [what, bytes, code] of [
  ['is reset', undefined, 'offline'],
  ['is closed without a word', '', 'offline'],
  ['is closed within the headers', 'HTTP/1.1 200 OK\r\nConte', 'offline'],
  ['is closed within the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na=1', 'offline'],
  ['brings what is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'protocol'],
  ['brings a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n', 'protocol'],
] as const) {
  test(`a connection that ${what} is "${code}"`, async (t) => {
    const server = await rawServer(t, (_r, socket) => {
      if (bytes === undefined) socket.resetAndDestroy();
      else socket.end(bytes);
      return undefined;
    });
    assert.equal((await failureOf(clientFor(t, server.url).read(CIK, ['a']))).code, code);
  });
}

test('an answer without an end is given up at a limit', async (t) => {
  const server = await rawServer(t, (_r, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const more = () => socket.write('x'.repeat(256 * 1024));
    socket.on('drain', more);
    while (more());
    return undefined;
  });
  const error = await failureOf(clientFor(t, server.url).read(CIK, ['a']));
  assert.equal(error.code, 'protocol');
  assert.match(error.message, new RegExp(`longer than ${MAX_ANSWER_BYTES} bytes`));
});

test('old ways of framing are understood: HTTP/1.0, no length, odd case, a space after close, chunks', async (t) => {
  const ways = [
    'HTTP/1.0 200 OK\r\n\r\na=1',
    'HTTP/1.1 200 OK\r\nConnection: Close \r\n\r\na=1',
    'HTTP/1.1 200 OK\r\ncontent-length:3\r\nCONNECTION: close\r\n\r\na=1',
    'HTTP/1.1 200\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=1',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\na=1\r\n0\r\n\r\n',
  ];
  const server = await rawServer(t, (_r, socket, n) => {
    socket.end(ways[n - 1] ?? '');
    return undefined;
  });
  const client = clientFor(t, server.url);
  for (const way of ways) assert.deepEqual(await client.read(CIK, ['a']), { a: '1' }, way);
  assert.equal(server.connections, ways.length);
});

test('a kept connection that the server has closed meanwhile is replaced without an error', async (t) => {
  const server = await rawServer(t, (_r, socket, n) => {
    if (n !== 2) return answer('200 OK', 'a=1');
    socket.resetAndDestroy();
    return undefined;
  });
  const client = clientFor(t, server.url);
  await client.read(CIK, ['a']);
  assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
  assert.equal(server.connections, 2);
});

test('a new connection that is reset is an error at once: nothing is repeated behind the caller', async (t) => {
  const server = await rawServer(t, (_r, socket) => void socket.resetAndDestroy());
  assert.equal((await failureOf(clientFor(t, server.url).write(CIK, { a: '1' }))).code, 'offline');
  assert.equal(server.requests.length, 1);
});

test('cleartext goes to this machine only, unless it is allowed', async () => {
  const options = { userAgent: 'x', timeout_ms: 1000, allowHttp: false, env: {} };
  for (const server of ['http://localhost:1', 'http://127.0.0.9', 'http://[::1]:80', 'https://example.com']) {
    createDeviceClient({ ...options, server: new URL(server) }).close();
  }
  for (const server of [
    'http://example.com',
    'http://10.0.0.1',
    'http://127.0.0.1.example.com',
    'http://localhost.evil',
  ]) {
    assert.throws(
      () => createDeviceClient({ ...options, server: new URL(server) }),
      (error: unknown) =>
        error instanceof GweError && error.code === 'config' && /allow_http/.test(error.hint ?? ''),
    );
    createDeviceClient({ ...options, server: new URL(server), allowHttp: true }).close();
  }
});

test('every byte is counted, for the method and the interface that it went over', async (t) => {
  const said = answer('200 OK', 'a=1');
  const server = await rawServer(t, () => said);
  const client = clientFor(t, server.url);
  await client.read(CIK, ['a']);
  await client.write(CIK, { a: '1' }).catch(() => {});
  assert.deepEqual(
    client.traffic,
    ['http_read', 'http_write'].map((method, n) => ({
      iface: 'lo',
      method,
      rx_bytes: said.length,
      tx_bytes: server.requests[n]?.length,
    })),
  );
});

test('what a failed exchange moved is counted too', async (t) => {
  const server = await rawServer(t, () => undefined);
  const client = clientFor(t, server.url, { timeout_ms: 300 });
  await failureOf(client.read(CIK, ['a']));
  assert.deepEqual(client.traffic, [
    { iface: 'lo', method: 'http_read', rx_bytes: 0, tx_bytes: server.requests[0]?.length },
  ]);
});

test('closing ends waiting requests and connections at once, and nothing more is sent', async (t) => {
  const server = await rawServer(t, () => undefined);
  const client = clientFor(t, server.url);
  const waiting = failureOf(client.read(CIK, ['a']));
  while (server.requests.length === 0) await new Promise(setImmediate);
  const ended = Promise.all([...server.sockets].map((socket) => once(socket, 'close')));
  client.close();
  assert.equal((await waiting).code, 'stopped');
  await ended;
  assert.equal((await failureOf(client.read(CIK, ['a']))).code, 'stopped');
  assert.equal(server.requests.length, 1);
});

test('closing ends a connection that is still being made', async (t) => {
  const silent = createTcp((socket) => socket.on('error', () => {}));
  const url = await listening(t, silent, 'https');
  const accepted = once(silent, 'connection');
  const client = clientFor(t, url);
  const waiting = failureOf(client.read(CIK, ['a']));
  const [socket] = await accepted;
  socket.resume();
  client.close();
  await once(socket, 'close');
  assert.equal((await waiting).code, 'stopped');
});

test('what is stopped while it connects ends at once', async (t) => {
  const silent = createTcp((socket) => socket.on('error', () => {}));
  const url = await listening(t, silent, 'https');
  const accepted = once(silent, 'connection');
  const stop = new AbortController();
  const waiting = failureOf(clientFor(t, url).longPoll(CIK, 'a', { timeout_ms: 1000, signal: stop.signal }));
  const [socket] = await accepted;
  socket.resume();
  stop.abort();
  await once(socket, 'close');
  assert.equal((await waiting).code, 'stopped');
});

test('what was stopped before it began is not sent', async (t) => {
  const server = await rawServer(t, () => answer('200 OK', 'a=1'));
  const signal = AbortSignal.abort();
  const error = await failureOf(clientFor(t, server.url).longPoll(CIK, 'a', { timeout_ms: 1000, signal }));
  assert.equal(error.code, 'stopped');
  assert.equal(server.connections, 0);
});

test('a user agent that is no header text is a matter of configuration', async (t) => {
  const server = await rawServer(t, () => answer('200 OK'));
  const error = await failureOf(clientFor(t, server.url, { userAgent: 'a\nb' }).read(CIK, ['a']));
  assert.equal(error.code, 'config');
});

test("Node's own server takes these requests, several on one connection", async (t) => {
  const seen: (string | undefined)[] = [];
  const http = createServer((request, response) => {
    seen.push(
      `${request.httpVersion} ${request.headers.connection} ${(request.socket.address() as AddressInfo).port}`,
    );
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const client = clientFor(t, await listening(t, http, 'http'));
  await client.write(CIK, { a: '1' });
  await client.read(CIK, ['a']);
  assert.equal(new Set(seen).size, 1);
});
