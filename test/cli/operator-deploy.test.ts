import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { activateGateway, goodTarball, startOperated } from './operator-fixture.ts';

async function startFleet(t: TestContext) {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  await operated.gwe(['gateway', 'add', 'gw']);
  const device = await activateGateway(operated, 'demo', 'gw');
  return { operated, device };
}

test('a deploy uploads, shows what the gateway says as it says it, and ends 0 when all is installed', async (t) => {
  const { operated, device } = await startFleet(t);
  const tarballs = [
    await goodTarball(operated.folder, 'a.v1.tar.gz'),
    await goodTarball(operated.folder, 'b.v2.tar.gz'),
  ];
  const deploy = operated.gwe(['deploy', 'gw', ...tarballs]);
  const command = await device.await('engine_fetch');
  assert.deepEqual(JSON.parse(command), { install: [{ name: 'a.v1.tar.gz' }, { name: 'b.v2.tar.gz' }] });
  await device.write({ engine_fetch: '' });
  await device.write({ fetch_status: 'a.v1.tar.gz: installed in 0.1 s (attempt 1, exit 0)\nhello from a' });
  await device.write({ fetch_status: 'b.v2.tar.gz: installed in 0.2 s (attempt 1, exit 0)\n' });
  const { status, out, err } = await deploy;
  assert.equal(status, 0, err);
  assert.match(out, /gw is told to install a\.v1\.tar\.gz, b\.v2\.tar\.gz\n/);
  assert.match(out, /gw took the command\n/);
  assert.match(out, /\d\.\d s {2}a\.v1\.tar\.gz: installed in 0\.1 s.*\n +hello from a\n/);
  assert.match(out, /all 2 installed\n$/);
  assert.match(err, /a\.v1\.tar\.gz: uploaded/);
});

test('a deploy ends 3 when a tarball fails, and waits on while one only waits', async (t) => {
  const { operated, device } = await startFleet(t);
  const tarball = await goodTarball(operated.folder, 'a.v1.tar.gz');
  await device.write({ fetch_status: 'a.v1.tar.gz: installed in 9 s (attempt 1, exit 0)' });
  const deploy = operated.gwe(['deploy', 'gw', tarball]);
  await device.await('engine_fetch');
  await device.write({ engine_fetch: '' });
  await device.write({ fetch_status: 'a.v1.tar.gz: waiting: needs 52 MB of disk, 11 MB are free' });
  await device.write({ fetch_status: 'a.v1.tar.gz: failed: install.sh ended with 1; back at v0\nno luck' });
  const { status, out } = await deploy;
  assert.equal(status, 3);
  assert.doesNotMatch(out, /installed in 9 s/);
  assert.match(out, /waiting: needs 52 MB[\s\S]*failed: install\.sh ended with 1; back at v0\n +no luck\n/);
  assert.match(out, /not installed: a\.v1\.tar\.gz \(failed\)\n$/);
});

test('a deploy by a name in the Content Area sends nothing, and by an unknown name says what is there to do', async (t) => {
  const { operated, device } = await startFleet(t);
  await operated.gwe(['content', 'upload', await goodTarball(operated.folder, 'a.v1.tar.gz')]);
  const sent = await operated.gwe(['deploy', 'gw', 'a.v1.tar.gz', 'a.v1.tar.gz', '--no-wait']);
  assert.equal(sent.status, 0, sent.err);
  assert.equal(sent.err, '');
  assert.deepEqual(JSON.parse(await device.read('engine_fetch')), { install: [{ name: 'a.v1.tar.gz' }] });
  const unknown = await operated.gwe(['deploy', 'gw', 'b.v1.tar.gz']);
  assert.equal(unknown.status, 1);
  assert.match(unknown.err, /neither a file here nor in the Content Area of demo/);
  for (const typo of ['hello', './none.v1.tar.gz']) {
    assert.equal((await operated.gwe(['deploy', 'gw', typo])).status, 2);
  }
});

test('whoever stops waiting is told that the command stays with the gateway, and so is who waited too long', async (t) => {
  const { operated, device } = await startFleet(t);
  await operated.gwe(['content', 'upload', await goodTarball(operated.folder, 'a.v1.tar.gz')]);
  const stop = new AbortController();
  const stopped = await operated.gwe(['deploy', 'gw', 'a.v1.tar.gz'], {
    signal: stop.signal,
    onOut: (all) => {
      if (/gw is told/.test(all)) setImmediate(() => stop.abort());
    },
  });
  assert.equal(stopped.status, 1);
  assert.match(stopped.err, /stays with gateway gw/);
  assert.notEqual(await device.read('engine_fetch'), '');
  const sleep = (duration_ms: number, signal?: AbortSignal) =>
    duration_ms === 3_600_000 ? Promise.resolve() : systemClock.sleep(duration_ms, signal);
  const late = await operated.gwe(['deploy', 'gw', 'a.v1.tar.gz', '--timeout', '3600'], {
    clock: { ...systemClock, sleep },
  });
  assert.equal(late.status, 1);
  assert.match(late.err, /within 3600 s[\s\S]*stays with gateway gw/);
});

test('a command that another one replaced before the gateway came is not waited for', async (t) => {
  const { operated } = await startFleet(t);
  await operated.gwe(['content', 'upload', await goodTarball(operated.folder, 'a.v1.tar.gz')]);
  let other: Promise<unknown> | undefined;
  const { status, err } = await operated.gwe(['deploy', 'gw', 'a.v1.tar.gz'], {
    onOut: (all) => {
      if (/gw is told/.test(all)) other ??= operated.gwe(['write', 'gw', 'engine_fetch', '{"install":[]}']);
    },
  });
  await other;
  assert.equal(status, 1);
  assert.match(err, /another one took its place/);
});

test('a deploy lives through an outage of the platform, says so once, and misses nothing that was said', async (t) => {
  const { operated, device } = await startFleet(t);
  const tarball = await goodTarball(operated.folder, 'a.v1.tar.gz');
  const unreachable = Promise.withResolvers<void>();
  const sleep = (duration_ms: number, signal?: AbortSignal) =>
    systemClock.sleep(duration_ms > 60_000 ? duration_ms : 10, signal);
  const deploy = operated.gwe(['deploy', 'gw', tarball], {
    clock: { ...systemClock, sleep },
    onOut: (all) => {
      if (/trying on/.test(all)) unreachable.resolve();
    },
  });
  await device.await('engine_fetch');
  await operated.outage(() => unreachable.promise);
  await device.write({ engine_fetch: '' });
  await device.write({ fetch_status: 'a.v1.tar.gz: installed in 0.1 s (attempt 1, exit 0)' });
  const { status, out, err } = await deploy;
  assert.equal(status, 0, err);
  assert.equal(out.match(/trying on/g)?.length, 1);
  assert.match(out, /a\.v1\.tar\.gz: installed in 0\.1 s[\s\S]*installed\n$/);
});
