/** gwe under a real supervisord: one process id over many check-ins, next to nothing in memory, woken and stopped by signals. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertEnds } from '../alive.ts';
import {
  eventually,
  expectZero,
  type Gateway,
  gweProgram,
  makeGateway,
  makeTarball,
  type Platform,
  pssOfTree_KiB,
  start,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';

/** The aim at rest: the whole program, all its processes. */
const REST_MAX_KIB = 3 * 1024;

async function supervisedGateway(t: TestContext, settings: Record<string, string> = {}) {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, settings });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  writeFileSync(join(gateway.folder, 'conf.d', 'gwe.conf'), gweProgram(gateway));
  const ctl = await startSupervisord(t, gateway);
  const pid = await eventually('supervisord to call gwe RUNNING', () => {
    const line = ctl('status', 'gwe').stdout;
    return /RUNNING/.test(line) && Number(line.match(/pid (\d+)/)?.[1]);
  });
  return { platform, gateway, ctl, pid };
}

const stateOf = (gateway: Gateway) => JSON.parse(readFileSync(join(gateway.state, 'engine.json'), 'utf8'));
const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
const asleep = (pid: number) =>
  eventually(
    'gwe to be its sleeping shell',
    () => nameOf(pid) === 'sh' && readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() !== '',
  );
const checkIns = async (platform: Platform, gateway: Gateway) =>
  (await platform.points(gateway.serial, 'usage_report')).length;

test('at rest the whole program holds at most 3 MB, and it wakes by WINCH and HUP with the same process id', async (t) => {
  const { platform, gateway, ctl, pid } = await supervisedGateway(t);
  await asleep(pid);
  const rest_KiB = pssOfTree_KiB(pid);
  assert.ok(rest_KiB <= REST_MAX_KIB, `${rest_KiB} KiB at rest`);
  for (const signal of ['SIGWINCH', 'SIGHUP'] as const) {
    const before = await checkIns(platform, gateway);
    process.kill(pid, signal);
    await eventually(`a check-in after ${signal}`, async () => (await checkIns(platform, gateway)) > before);
    await asleep(pid);
  }
  const status = ctl('status', 'gwe').stdout;
  assert.match(status, new RegExp(`RUNNING\\s+pid ${pid},`));
});

test('gwe --check-now has the sleeping engine check in at once', async (t) => {
  const { platform, gateway, pid } = await supervisedGateway(t);
  await asleep(pid);
  const before = await checkIns(platform, gateway);
  expectZero(await gateway.gweAsync('--check-now'));
  assert.ok((await checkIns(platform, gateway)) > before);
});

test('TERM stops it at once, asleep or awake, and leaves no process', async (t) => {
  const { ctl, pid } = await supervisedGateway(t);
  await asleep(pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  assert.equal(children.length, 1);
  const began = performance.now();
  expectZero(ctl('stop', 'gwe'));
  assert.ok(performance.now() - began < 3000);
  for (const gone of [pid, ...children]) await assertEnds(gone);
});

test('TERM in the instant of going to sleep is not lost', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  const planned = () => existsSync(join(gateway.state, 'engine.json')) && stateOf(gateway).next?.time_ms;
  for (let round = 0; round < 12; round += 1) {
    const before = planned();
    const { process: engine } = start(t, [...gateway.command], gateway.env);
    // The plan is written while gwe lies down, and is what whoever watches it sees first.
    while (planned() === before) await new Promise(setImmediate);
    engine.kill('SIGTERM');
    await eventually('it to end', () => engine.exitCode !== null || engine.signalCode !== null);
  }
});

test('an application with a supervisor.conf runs after its install, the next version replaces it, others stay untouched', async (t) => {
  const { platform, gateway, ctl, pid } = await supervisedGateway(t, { 'install.health_window': '1' });
  writeFileSync(
    join(gateway.folder, 'conf.d', 'bystander.conf'),
    '[program:bystander]\ncommand=/bin/sleep 1000\n',
  );
  expectZero(ctl('update', 'bystander'));
  const bystander = await eventually(
    'the bystander',
    () => ctl('status', 'bystander').stdout.match(/RUNNING\s+pid (\d+)/)?.[1],
  );
  const folder = tempFolder(t);
  for (const version of ['1', '2']) {
    const file = `beeper.v${version}.tar.gz`;
    makeTarball(folder, file, {
      'install.sh': `#!/bin/sh\nmkdir -p ${gateway.folder}/opt && cp beeper ${gateway.folder}/opt/beeper && echo laid out\n`,
      beeper: `#!/bin/sh\necho beeper ${version}\nexec sleep 1000\n`,
      'supervisor.conf': `[supervisord]\ncommand=${gateway.folder}/opt/beeper\n`,
    });
    await asleep(pid);
    expectZero(platform.operator('content', 'upload', join(folder, file)));
    expectZero(platform.operator('deploy', gateway.serial, file, '--no-wait'));
    process.kill(pid, 'SIGWINCH');
    await eventually(`beeper ${version} to be installed`, async () =>
      (await platform.points(gateway.serial, 'fetch_status')).some((end) =>
        end.startsWith(`${file}: installed`),
      ),
    );
    assert.match(ctl('status', 'beeper').stdout, /RUNNING/);
    await eventually('the log of the new version', () =>
      readFileSync(join(gateway.folder, 'log', 'beeper.log'), 'utf8').includes(`beeper ${version}\n`),
    );
  }
  assert.match(ctl('status', 'bystander').stdout, new RegExp(`pid ${bystander},`));
  assert.match(ctl('status', 'gwe').stdout, new RegExp(`pid ${pid},`));
  const report = JSON.parse(await platform.value(gateway.serial, 'engine_report'));
  const row = report.apps.find((app: object) => 'beeper' in app).beeper;
  assert.deepEqual([row.status, row.version], ['RUNNING', '2']);
});

test('500 wake-ups leak no descriptor and keep the process id', async (t) => {
  const { platform, gateway, pid } = await supervisedGateway(t, {
    'engine.hibernate': 'on',
    'engine.update_interval': '1',
  });
  await asleep(pid);
  const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = descriptors();
  const wakeUps = 500;
  for (let turn = 0; turn < wakeUps; turn += 1) {
    const last = stateOf(gateway).lastCheckIn.time_ms;
    process.kill(pid, 'SIGWINCH');
    await eventually('the next check-in', () => stateOf(gateway).lastCheckIn.time_ms !== last);
    await asleep(pid);
  }
  assert.equal(descriptors(), before);
  assert.ok((await checkIns(platform, gateway)) > 0);
});
