/** TLS against real handshakes: whom the client trusts, what it shows, what it resumes, and what the errors tell. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, createServer as createTcp } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { createServer as createTls, type TLSSocket, type TlsOptions } from 'node:tls';
import { GweError } from '../../src/errors.ts';
import {
  answer,
  authority,
  CIK,
  clientFor,
  failureOf,
  listening,
  type Pem,
  type RawServer,
  rawServer,
} from './servers.ts';

const CA = authority({ after });
const SERVER = CA.issue('server');

/** A platform behind TLS that answers every read with a=1, and the sockets as it saw them. */
async function platform(
  t: TestContext,
  pem: Pem,
  options: TlsOptions = {},
): Promise<RawServer & { reused: boolean[] }> {
  const reused: boolean[] = [];
  const server = createTls({ key: pem.key, cert: pem.cert, ...options });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()));
  const raw = await rawServer(t, () => answer('200 OK', 'a=1'), server, 'secureConnection');
  return Object.assign(raw, { reused });
}

test('an unknown issuer is "tls", and the hint says how to trust it', async (t) => {
  const server = await platform(t, SERVER);
  const error = await failureOf(clientFor(t, server.url).read(CIK, ['a']));
  assert.equal(error.code, 'tls');
  assert.match(error.hint ?? '', /security\.ca/);
  assert.equal(server.requests.length, 0);
});

test("the operator's issuer is trusted", async (t) => {
  const server = await platform(t, SERVER);
  assert.deepEqual(await clientFor(t, server.url, { ca: CA.certFile }).read(CIK, ['a']), { a: '1' });
  assert.equal(server.connections, 1);
});

test("the machine's issuers are trusted, also beside the operator's", async (t) => {
  const server = await platform(t, SERVER);
  const env = { SSL_CERT_FILE: CA.certFile };
  assert.deepEqual(await clientFor(t, server.url, { env }).read(CIK, ['a']), { a: '1' });
  const other = authority(t, 'Other CA');
  assert.deepEqual(await clientFor(t, server.url, { env, ca: other.certFile }).read(CIK, ['a']), { a: '1' });
});

test('a certificate for another host is "tls"', async (t) => {
  const server = await platform(t, CA.issue('other', { san: 'DNS:other.example' }));
  const error = await failureOf(clientFor(t, server.url, { ca: CA.certFile }).read(CIK, ['a']));
  assert.equal(error.code, 'tls');
  assert.match(error.hint ?? '', /engine\.server/);
});

test('the name of the host is sent, and checked', async (t) => {
  const names: (string | false | null | undefined)[] = [];
  const server = await platform(t, CA.issue('named', { san: 'DNS:localhost' }), {
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  const url = new URL(server.url);
  url.hostname = 'localhost';
  await clientFor(t, url, { ca: CA.certFile }).read(CIK, ['a']);
  assert.deepEqual(names, ['localhost']);
});

for (const [what, dates, words] of [
  ['not yet valid', { from: '20480101000000Z' }, /not yet valid/],
  ['expired', { to: '20210101000000Z' }, /has expired/],
] as const) {
  test(`a certificate that is ${what} is a matter of clocks, and the message shows this machine's`, async (t) => {
    const server = await platform(t, CA.issue(what.replaceAll(' ', '-'), dates));
    const error = await failureOf(clientFor(t, server.url, { ca: CA.certFile }).read(CIK, ['a']));
    assert.equal(error.code, 'clock');
    assert.match(error.message, words);
    assert.match(error.message, new RegExp(new Date().toISOString().slice(0, 10)));
  });
}

test('a port that speaks no TLS is "tls", and the hint says so', async (t) => {
  const talkative = createTcp((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  const error = await failureOf(clientFor(t, await listening(t, talkative, 'https')).read(CIK, ['a']));
  assert.equal(error.code, 'tls');
  assert.match(error.hint ?? '', /does not speak TLS/);
});

test('a server that wants to know who comes is shown the certificate', async (t) => {
  const wanted = { requestCert: true, rejectUnauthorized: true, ca: CA.cert };
  const server = await platform(t, SERVER, wanted);
  const me = CA.issue('gateway-7');
  const shown = { ca: CA.certFile, clientCert: me.certFile, clientKey: me.keyFile };
  assert.deepEqual(await clientFor(t, server.url, shown).read(CIK, ['a']), { a: '1' });
});

test('a server that wants a certificate which is not set refuses, and the hint says which settings', async (t) => {
  const server = await platform(t, SERVER, { requestCert: true, rejectUnauthorized: true, ca: CA.cert });
  const error = await failureOf(clientFor(t, server.url, { ca: CA.certFile }).read(CIK, ['a']));
  assert.equal(error.code, 'tls');
  assert.match(error.hint ?? '', /security\.client_cert/);
});

test('files that are missing, or do not belong together, are a matter of configuration', async (t) => {
  const server = await platform(t, SERVER);
  assert.throws(
    () => clientFor(t, server.url, { ca: '/nonexistent.pem' }),
    (error: unknown) =>
      error instanceof GweError && error.code === 'config' && /nonexistent/.test(error.message),
  );
  const [one, two] = [CA.issue('one'), CA.issue('two')];
  const mixed = { ca: CA.certFile, clientCert: one.certFile, clientKey: two.keyFile };
  assert.equal((await failureOf(clientFor(t, server.url, mixed).read(CIK, ['a']))).code, 'config');
});

function memory() {
  const kept: Buffer[] = [];
  return { kept, get: () => kept.at(-1), set: (session: Buffer) => void kept.push(session) };
}

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`the next process resumes the session of the last one (${version}), with fewer bytes`, async (t) => {
    const server = await platform(t, SERVER, { maxVersion: version });
    const tlsSession = memory();
    const first = clientFor(t, server.url, { ca: CA.certFile, tlsSession });
    await first.read(CIK, ['a']);
    first.close();
    assert.equal(tlsSession.kept.length, 1);
    const second = clientFor(t, server.url, { ca: CA.certFile, tlsSession });
    assert.deepEqual(await second.read(CIK, ['a']), { a: '1' });
    assert.deepEqual(server.reused, [false, true]);
    const [full, resumed] = [first.traffic[0], second.traffic[0]];
    assert.ok(full && resumed && resumed.rx_bytes < full.rx_bytes, JSON.stringify([full, resumed]));
  });
}

test('a session is not used for another server, nor with other certificates, nor when it is garbage', async (t) => {
  const server = await platform(t, SERVER);
  const elsewhere = await platform(t, SERVER);
  const tlsSession = memory();
  await clientFor(t, server.url, { ca: CA.certFile, tlsSession }).read(CIK, ['a']);
  const session = tlsSession.get();
  const from = (kept: Buffer | undefined) => ({ get: () => kept, set: () => {} });
  await clientFor(t, elsewhere.url, { ca: CA.certFile, tlsSession: from(session) }).read(CIK, ['a']);
  assert.deepEqual(elsewhere.reused, [false]);
  const untrusting = clientFor(t, server.url, { tlsSession: from(session) });
  assert.equal((await failureOf(untrusting.read(CIK, ['a']))).code, 'tls');
  const broken = Buffer.concat([session?.subarray(0, 32) ?? Buffer.alloc(0), Buffer.from('garbage')]);
  for (const kept of [broken, Buffer.from('x'), Buffer.alloc(500)]) {
    const client = clientFor(t, server.url, { ca: CA.certFile, tlsSession: from(kept) });
    assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
  }
  assert.ok(!server.reused.includes(true));
});

test('a session that cannot be read or kept costs bytes, and nothing else', async (t) => {
  const server = await platform(t, SERVER);
  const broken = () => {
    throw new Error('No space left on device');
  };
  const client = clientFor(t, server.url, { ca: CA.certFile, tlsSession: { get: broken, set: broken } });
  assert.deepEqual(await client.read(CIK, ['a']), { a: '1' });
});

test('the bytes of the handshake are counted as they passed', async (t) => {
  const server = await platform(t, SERVER);
  const passed = { up: 0, down: 0 };
  const relay = createTcp((down) => {
    const up = connect(Number(server.url.port), '127.0.0.1');
    down.on('data', (chunk) => {
      passed.up += chunk.length;
      up.write(chunk);
    });
    up.on('data', (chunk) => {
      passed.down += chunk.length;
      down.write(chunk);
    });
    for (const [one, other] of [
      [up, down],
      [down, up],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
  });
  const client = clientFor(t, await listening(t, relay, 'https'), { ca: CA.certFile });
  await client.read(CIK, ['a']);
  await client.read(CIK, ['a']);
  const rx_bytes = client.traffic.reduce((sum, each) => sum + each.rx_bytes, 0);
  const tx_bytes = client.traffic.reduce((sum, each) => sum + each.tx_bytes, 0);
  assert.deepEqual({ rx_bytes, tx_bytes }, { rx_bytes: passed.down, tx_bytes: passed.up });
  assert.ok((client.traffic[0]?.rx_bytes ?? 0) > readFileSync(SERVER.certFile).length / 2);
});

test('a failed handshake is counted too', async (t) => {
  const server = await platform(t, SERVER);
  const client = clientFor(t, server.url);
  await failureOf(client.read(CIK, ['a']));
  assert.ok((client.traffic[0]?.rx_bytes ?? 0) > 500);
  assert.ok((client.traffic[0]?.tx_bytes ?? 0) > 200);
});

test('a check-in over TLS stays small: no second key share, no post-quantum kilobytes', async (t) => {
  const server = await platform(t, SERVER);
  const tlsSession = memory();
  for (const _ of [1, 2]) {
    const client = clientFor(t, server.url, { ca: CA.certFile, tlsSession });
    await client.read(CIK, ['a']);
    client.close();
    const sent = client.traffic[0]?.tx_bytes ?? 0;
    assert.ok(sent < 1_500, `${sent} bytes sent`);
  }
});
