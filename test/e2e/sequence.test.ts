/** The whole sequence on the built file: a tarball travels from a platform to a gateway, and its output comes back. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectZero, makeGateway, makeTarball, startPlatform, tempFolder } from './machine.ts';
import { startTap } from './tap.ts';

const greet = (where: string, version: string) =>
  `#!/bin/sh\necho "hello from $GWE_APP_NAME $GWE_APP_VERSION, was \${GWE_PREVIOUS_VERSION:-nothing}, attempt $GWE_ATTEMPT"\n` +
  `echo "on stderr" >&2\necho ${version} >>${where}/installed\n`;

test('a tarball is fetched, checked, installed, and its output comes back in fetch_status', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  const folder = tempFolder(t);
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (const version of ['1', '2']) {
    const file = `hello.v${version}.tar.gz`;
    makeTarball(folder, file, { 'install.sh': greet(gateway.folder, version), 'payload/data.txt': version });
    expectZero(platform.operator('content', 'upload', join(folder, file)));
    expectZero(platform.operator('deploy', gateway.serial, file, '--no-wait'));
    const once = await gateway.gweAsync('--once');
    assert.equal(once.status, 0, once.stderr);
  }
  assert.equal(readFileSync(join(gateway.folder, 'installed'), 'utf8'), '1\n2\n');
  const ends = await platform.points(gateway.serial, 'fetch_status');
  assert.equal(ends.length, 2);
  assert.match(
    ends[1] ?? '',
    /^hello\.v2\.tar\.gz: installed in [\d.]+ s \(attempt 1, exit 0\)\nhello from hello 2, was 1, attempt 1\non stderr\n?$/,
  );
  assert.equal(await platform.value(gateway.serial, 'engine_fetch'), '');
  assert.deepEqual(readdirSync(join(gateway.state, 'staging')), []);
  assert.deepEqual(readdirSync(join(gateway.state, 'downloads')), []);
});

test('the reports have the shapes that dashboards read, with true values of this machine', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await gateway.gweAsync('--once')).status, 0);
  const info = JSON.parse(await platform.value(gateway.serial, 'device_info'));
  assert.deepEqual(Object.keys(info), ['uname', 'df', 'free', 'ipaddrs']);
  for (const text of Object.values(info)) assert.equal(typeof text, 'string');
  assert.match(info.uname, /^Linux /);
  assert.match(info.df, /^Filesystem/);
  assert.match(info.free, /Mem:/);
  const engine = JSON.parse(await platform.value(gateway.serial, 'engine_report'));
  assert.ok(Array.isArray(engine.apps));
  const own = engine.apps.find((app: object) => 'gwe' in app).gwe;
  assert.deepEqual(Object.keys(own), ['exitstatus', 'status', 'uptime', 'version']);
  const usage = JSON.parse(await platform.value(gateway.serial, 'usage_report'));
  assert.ok(usage.lo.hour.http_write_read.tot_tx > 500, 'the bytes of the first check-in are counted');
  assert.deepEqual(Object.keys(usage.lo.day.http_write_read), [
    'tot_rx',
    'max_rx',
    'tot_tx',
    'max_tx',
    'num',
  ]);
});

test('a check-in with nothing to do is one HTTP request', async (t) => {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const gateway = makeGateway(t, { server: tap.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.deepEqual(
    tap.requests.map((request) => request.url.split('?')[0]),
    ['/provision/activate', '/onep:v1/stack/alias'],
  );
  tap.requests.length = 0;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(tap.requests.length, 1);
  assert.match(tap.requests[0]?.url ?? '', /engine_fetch/);
});

test('several tarballs are installed in order, and one that fails does not stop the others', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  const folder = tempFolder(t);
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  const log = join(gateway.folder, 'order');
  makeTarball(folder, 'bad.v1.tar.gz', { 'install.sh': `#!/bin/sh\necho bad >>${log}\nexit 7\n` });
  makeTarball(folder, 'good.v1.tar.gz', { 'install.sh': `#!/bin/sh\necho good >>${log}\n` });
  for (const name of ['bad', 'good'])
    expectZero(platform.operator('content', 'upload', join(folder, `${name}.v1.tar.gz`)));
  const names = ['bad.v1.tar.gz', 'absent.v1.tar.gz', '../evil.v1.tar.gz', 'good.v1.tar.gz'];
  const text = JSON.stringify({ install: names.map((name) => ({ name })) });
  expectZero(platform.operator('write', gateway.serial, 'engine_fetch', text));
  assert.equal((await gateway.gweAsync('--once')).status, 3);
  assert.equal(readFileSync(log, 'utf8'), 'bad\ngood\n');
  const ends = await platform.points(gateway.serial, 'fetch_status');
  assert.equal(ends.length, 4);
  assert.ok(
    ends.some((end) => /^bad\.v1\.tar\.gz: failed: install\.sh ended with 7/.test(end)),
    ends.join('\n'),
  );
  assert.ok(ends.some((end) => /^absent\.v1\.tar\.gz: gone: not in the Content Area/.test(end)));
  assert.ok(ends.some((end) => /evil\.v1\.tar\.gz: discarded: name: /.test(end)));
  assert.ok(ends.some((end) => /^good\.v1\.tar\.gz: installed/.test(end)));
  assert.equal((await gateway.gweAsync('--once')).status, 0, 'what has ended is not done again');
  assert.equal(readFileSync(log, 'utf8'), 'bad\ngood\n');
});

test('update_interval from the platform is stored, cleared, and holds from then on', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  expectZero(platform.operator('write', gateway.serial, 'update_interval', '77'));
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(await platform.value(gateway.serial, 'update_interval'), '');
  assert.match(readFileSync(join(gateway.config, 'Engine.config'), 'utf8'), /^update_interval = 77$/m);
});

test('a gateway that goes by its MAC address writes that down as its serial at its start', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  const iface =
    readdirSync('/sys/class/net').find((name) => gateway.gwe('--mac-address', name).status === 0) ?? '';
  const mac = expectZero(gateway.gwe('--mac-address', iface)).stdout.trim();
  expectZero(gateway.gwe('--set-uuid', '', '--set-iface', iface));
  expectZero(platform.operator('gateway', 'add', mac));
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.match(readFileSync(join(gateway.config, 'Gateway.cfg'), 'utf8'), new RegExp(`^uuid = ${mac}$`, 'm'));
});

test('a gateway that nobody enabled keeps trying and says what to do', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  const once = await gateway.gweAsync('--once');
  assert.equal(once.status, 1);
  assert.match(once.stderr, /activate/i);
  assert.equal(existsSync(join(gateway.state, 'engine.json')), true);
});

test('an instruction is journalled before it is cleared, and one whose clearing got no answer is not carried out twice', async (t) => {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const gateway = makeGateway(t, { server: tap.url, product: platform.product });
  const folder = tempFolder(t);
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  makeTarball(folder, 'hello.v1.tar.gz', { 'install.sh': greet(gateway.folder, '1') });
  expectZero(platform.operator('content', 'upload', join(folder, 'hello.v1.tar.gz')));
  expectZero(platform.operator('deploy', gateway.serial, 'hello.v1.tar.gz', '--no-wait'));
  tap.judge = (request) => {
    if (!request.body.startsWith('engine_fetch=')) return undefined;
    assert.equal(
      readdirSync(join(gateway.state, 'journal')).length,
      1,
      'the journal has it before it is cleared',
    );
    return 'cut';
  };
  await gateway.gweAsync('--once');
  await gateway.gweAsync('--once');
  tap.judge = () => undefined;
  await gateway.gweAsync('--once');
  await gateway.gweAsync('--once');
  assert.equal(readFileSync(join(gateway.folder, 'installed'), 'utf8'), '1\n');
  assert.equal(await platform.value(gateway.serial, 'engine_fetch'), '');
  expectZero(platform.operator('deploy', gateway.serial, 'hello.v1.tar.gz', '--no-wait'));
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(
    readFileSync(join(gateway.folder, 'installed'), 'utf8'),
    '1\n1\n',
    'written again, it is a new command',
  );
});

test('a newer command that arrives just before the clearing is not wiped', async (t) => {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const gateway = makeGateway(t, { server: tap.url, product: platform.product });
  const folder = tempFolder(t);
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (const version of ['1', '2']) {
    makeTarball(folder, `hello.v${version}.tar.gz`, { 'install.sh': greet(gateway.folder, version) });
    expectZero(platform.operator('content', 'upload', join(folder, `hello.v${version}.tar.gz`)));
  }
  expectZero(platform.operator('deploy', gateway.serial, 'hello.v1.tar.gz', '--no-wait'));
  let raced = false;
  tap.judge = (request) => {
    if (request.body.startsWith('engine_fetch=') && !raced) {
      raced = true;
      expectZero(platform.operator('deploy', gateway.serial, 'hello.v2.tar.gz', '--no-wait'));
    }
    return undefined;
  };
  await gateway.gweAsync('--once');
  await gateway.gweAsync('--once');
  assert.equal(readFileSync(join(gateway.folder, 'installed'), 'utf8'), '1\n2\n');
});
