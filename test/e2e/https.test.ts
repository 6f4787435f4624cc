/** Over HTTPS with a private CA: the platform serves TLS, the gateway trusts it by security.ca only. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { makeCertificates } from './certificates.ts';
import {
  eventually,
  expectZero,
  makeGateway,
  makeTarball,
  start,
  startPlatform,
  tempFolder,
} from './machine.ts';

test('the whole sequence over HTTPS with a private CA; without that CA nothing is sent', async (t) => {
  const folder = tempFolder(t);
  const { ca, cert, key } = makeCertificates(folder);
  const platform = await startPlatform(t, { args: ['--cert', cert, '--key', key], ca });
  assert.match(platform.url, /^https:/);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  const stranger = await gateway.gweAsync('--once');
  assert.equal(stranger.status, 1);
  assert.match(stranger.stderr, /certificate/i);
  assert.match(stranger.stderr, /security\.ca/);
  expectZero(gateway.gwe('config', 'set', 'security.ca', ca));
  makeTarball(folder, 'hello.v1.tar.gz', { 'install.sh': '#!/bin/sh\necho over TLS\n' });
  expectZero(platform.operator('content', 'upload', join(folder, 'hello.v1.tar.gz')));
  expectZero(platform.operator('deploy', gateway.serial, 'hello.v1.tar.gz', '--no-wait'));
  const once = await gateway.gweAsync('--once');
  assert.equal(once.status, 0, once.stderr);
  assert.match(await platform.value(gateway.serial, 'fetch_status'), /installed in .*\nover TLS/);
});

test('a gateway that hibernated resumes the TLS session of the check-in before, from a file that nobody else can read', async (t) => {
  const { ca, cert, key } = makeCertificates(tempFolder(t));
  const resumed: boolean[] = [];
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const gateway = makeGateway(t, {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    product: 'prod',
    settings: { 'security.ca': ca, 'engine.hibernate': 'on', 'engine.update_interval': '1' },
  });
  expectZero(gateway.gwe('--set-cik', '0123456789abcdef0123456789abcdef01234567'));
  const engine = start(t, gateway.command, gateway.env);
  await eventually('three check-ins, two of them after hibernation', () => resumed.length >= 3);
  assert.deepEqual(resumed.slice(0, 3), [false, true, true], engine.said.stderr);
  assert.equal(statSync(join(gateway.state, 'tls-session')).mode & 0o777, 0o600);
});
