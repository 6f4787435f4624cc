/** Over HTTPS with a private CA: the platform serves TLS, the gateway trusts it by security.ca only. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCertificates } from './certificates.ts';
import { expectZero, makeGateway, makeTarball, startPlatform, tempFolder } from './machine.ts';

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
