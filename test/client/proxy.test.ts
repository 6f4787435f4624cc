/** Proxies: which one is used for which server, and a real one that tunnels, asks for a password, or refuses. */
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { isLoopback, type ProxyServer, proxyFor } from '../../src/client/proxy.ts';
import { GweError } from '../../src/errors.ts';
import { answer, authority, CIK, clientFor, failureOf, listening, rawServer } from './servers.ts';

const CA = authority({ after });
const NAMED = CA.issue('platform', { san: 'DNS:platform.example' });

const where = (proxy: ProxyServer | undefined) =>
  proxy === undefined ? undefined : `${proxy.host}:${proxy.port}`;
const pick = (server: string, setting: string, env: NodeJS.ProcessEnv = {}) =>
  where(proxyFor(new URL(server), setting, env));

test('the setting comes before the environment, and https has its own variable', () => {
  const env = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'clear:2' };
  assert.equal(pick('https://a.example', 'http://set:3', env), 'set:3');
  assert.equal(pick('https://a.example', '', env), 'secure:1');
  assert.equal(pick('http://a.example', '', env), 'clear:2');
  assert.equal(pick('https://a.example', '', { ALL_PROXY: 'http://all' }), 'all:80');
  assert.equal(pick('https://a.example', '', {}), undefined);
});

test('this machine is never reached through a proxy', () => {
  for (const host of ['localhost', 'api.localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
    assert.equal(pick(`https://${host}`, 'http://set:3'), undefined, host);
  }
  assert.equal(isLoopback('localhost.example.com'), false);
});

test('what NO_PROXY lists is reached directly: names, what ends with them, ports, addresses, networks', () => {
  const exempt = (server: string, NO_PROXY: string) =>
    pick(server, 'http://set:3', { NO_PROXY }) === undefined;
  assert.ok(exempt('https://a.example', '*'));
  assert.ok(exempt('https://a.example', 'b.example, A.example'));
  assert.ok(exempt('https://x.a.example', 'a.example'));
  assert.ok(exempt('https://x.a.example', '.a.example'));
  assert.ok(exempt('https://x.a.example', '*.a.example'));
  assert.ok(exempt('https://a.example:8443', 'a.example:8443'));
  assert.ok(exempt('https://a.example', 'a.example:443'));
  assert.ok(exempt('https://10.1.2.3', '10.0.0.0/8'));
  assert.ok(exempt('https://[fd00::1]', '[fd00::1]'));
  assert.ok(!exempt('https://a.example', 'a.example:8443'));
  assert.ok(!exempt('https://nota.example', 'a.example'));
  assert.ok(!exempt('https://11.1.2.3', '10.0.0.0/8'));
  assert.ok(!exempt('https://11.1.2.3', '2.3'));
  assert.ok(!exempt('https://a.example', ''));
});

test('a proxy that is no http URL is a matter of configuration, and its password is not shown', () => {
  for (const written of ['socks5://me:secret@p:1', 'https://me:secret@p', 'http://']) {
    assert.throws(
      () => pick('https://a.example', written),
      (error: unknown) =>
        error instanceof GweError && error.code === 'config' && !error.message.includes('secret'),
      written,
    );
  }
});

/** A proxy that tunnels everything to `target`, if `allows` the request. */
async function tunnelProxy(t: TestContext, target: URL, allows: (head: string) => string = () => '200 OK') {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((down) => {
    sockets.add(down.on('error', () => {}));
    down.once('data', (chunk) => {
      heads.push(chunk.toString('latin1'));
      const verdict = allows(heads.at(-1) ?? '');
      if (!verdict.startsWith('200'))
        return void down.end(`HTTP/1.1 ${verdict}\r\nContent-Length: 2\r\n\r\nno`);
      const up = connect(Number(target.port), '127.0.0.1', () => {
        down.write(`HTTP/1.1 ${verdict}\r\nProxy-Agent: test\r\n\r\n`);
        down.pipe(up).pipe(down);
      });
      sockets.add(up.on('error', () => {}));
    });
  });
  const url = await listening(t, server, 'http');
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  return { url, heads };
}

async function platform(t: TestContext) {
  return await rawServer(
    t,
    () => answer('200 OK', 'a=1'),
    createTls({ key: NAMED.key, cert: NAMED.cert }),
    'secureConnection',
  );
}

const SERVER = new URL('https://platform.example');

test('https goes through a tunnel to the name of the server, checked against its certificate', async (t) => {
  const target = await platform(t);
  const proxy = await tunnelProxy(t, target.url);
  const client = clientFor(t, SERVER, { ca: CA.certFile, proxy: proxy.url.href });
  assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
  assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
  assert.deepEqual(proxy.heads, [
    'CONNECT platform.example:443 HTTP/1.1\r\nHost: platform.example:443\r\n\r\n',
  ]);
  assert.equal(target.requests.length, 2);
});

test('the proxy of the environment is used, with its user and password', async (t) => {
  const target = await platform(t);
  const credentials = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  const proxy = await tunnelProxy(t, target.url, (head) =>
    head.includes(`\r\nProxy-Authorization: ${credentials}\r\n`)
      ? '200 OK'
      : '407 Proxy Authentication Required',
  );
  const HTTPS_PROXY = `http://me:p%40ss@${proxy.url.host}`;
  assert.deepEqual(await clientFor(t, SERVER, { ca: CA.certFile, env: { HTTPS_PROXY } }).read(CIK, ['a']), {
    a: '1',
  });
  const error = await failureOf(clientFor(t, SERVER, { proxy: proxy.url.href }).read(CIK, ['a']));
  assert.equal(error.code, 'offline');
  assert.match(
    error.message,
    /^Cannot read a at platform\.example: the proxy .* answered 407 Proxy Authentication Required$/,
  );
  assert.match(error.hint ?? '', /user and password/);
  assert.ok(target.requests.every((request) => !/proxy-auth/i.test(request)));
});

test('a proxy that refuses, hangs up, answers nonsense or never ends is told apart from the server', async (t) => {
  const ways = ['HTTP/1.1 403 Forbidden\r\n\r\n', '', 'SSH-2.0\r\n\r\n', 'x'.repeat(20_000)];
  let n = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(ways[n++] ?? ''));
  });
  const proxy = (await listening(t, server, 'http')).href;
  for (const expected of [/answered 403 Forbidden/, /closed the connection/, /no HTTP/, /has no end/]) {
    const error = await failureOf(clientFor(t, SERVER, { proxy }).read(CIK, ['a']));
    assert.match(error.message, expected);
    assert.ok(['offline', 'protocol'].includes(error.code));
  }
});

test('a proxy that never answers is left after the time limit', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  const proxy = (await listening(t, server, 'http')).href;
  const error = await failureOf(clientFor(t, SERVER, { proxy, timeout_ms: 300 }).read(CIK, ['a']));
  assert.equal(error.code, 'timeout');
  for (const socket of sockets) socket.destroy();
});

test('allowed cleartext is asked of the proxy by its whole address', async (t) => {
  const proxy = await rawServer(t, () => answer('200 OK', 'a=1'));
  const setting = `http://u:p@${proxy.url.host}`;
  const client = clientFor(t, new URL('http://platform.example:8080'), { allowHttp: true, proxy: setting });
  assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
  assert.match(
    proxy.requests[0] ?? '',
    /^GET http:\/\/platform\.example:8080\/onep:v1\/stack\/alias\?a HTTP\/1\.1\r\nHost: platform\.example:8080\r\nProxy-Authorization: Basic dTpw\r\n/,
  );
});
