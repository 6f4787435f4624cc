/** The arm64 file, under emulation: one check-in with an install. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectZero, GWE_ARM64, makeGateway, makeTarball, startPlatform, tempFolder } from './machine.ts';

const EMULATED = ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', GWE_ARM64];

test('gwe --once on arm64 checks in and installs', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, gwe: EMULATED });
  const folder = tempFolder(t);
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  makeTarball(folder, 'hello.v1.tar.gz', { 'install.sh': '#!/bin/sh\necho emulated\n' });
  expectZero(platform.operator('content', 'upload', join(folder, 'hello.v1.tar.gz')));
  expectZero(platform.operator('deploy', gateway.serial, 'hello.v1.tar.gz', '--no-wait'));
  const once = await gateway.gweAsync('--once');
  assert.equal(once.status, 0, once.stderr);
  assert.match(await platform.value(gateway.serial, 'fetch_status'), /installed in .*\nemulated/);
});
