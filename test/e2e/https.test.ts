/** Over HTTPS with a private CA: the platform serves TLS, the gateway trusts it by security.ca only. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BARE_PATH,
  expectZero,
  makeGateway,
  makeTarball,
  run,
  startPlatform,
  tempFolder,
} from './machine.ts';

/** A CA and a certificate for 127.0.0.1 signed by it, in `folder`. */
function makeCertificates(folder: string): { ca: string; cert: string; key: string } {
  const openssl = (...args: string[]) =>
    expectZero(run(['/usr/bin/openssl', ...args], { PATH: BARE_PATH, HOME: folder }));
  const at = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=Test CA',
    '-days',
    '30',
  );
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('key.pem'),
    '-out',
    at('cert.pem'),
    '-subj',
    '/CN=127.0.0.1',
    '-days',
    '30',
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  );
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}

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
