/** A gateway whose clock is wrong: nothing but TLS hangs on it, and where TLS does, the log, `gwe why` and `gwe status` say so. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lacks } from '../debian.ts';
import { makeCertificates } from './certificates.ts';
import { clockFrom } from './fake-time.ts';
import { fleetOf } from './fleet.ts';
import {
  eventually,
  expectZero,
  type Gateway,
  GWE,
  makeGateway,
  makeTarball,
  type Platform,
  start,
  startPlatform,
  tempFolder,
} from './machine.ts';

const TIMES = { 1970: '1970-01-02 00:00:10', 2099: '2099-06-01 12:00:00' } as const;
type Year = keyof typeof TIMES;
const YEARS = [1970, 2099] as const satisfies Year[];

const clockAt = (year: Year) => clockFrom(TIMES[year]);

/** Runs gwe on `gateway` as if it were that year. */
async function gweIn(t: TestContext, year: Year, gateway: Gateway, ...args: string[]) {
  const running = start(t, [GWE, ...args], { ...gateway.env, ...clockAt(year) });
  return { status: await running.ended, ...running.said };
}

const stateOf = (gateway: Gateway) => JSON.parse(readFileSync(join(gateway.state, 'engine.json'), 'utf8'));

async function gatewayOf(
  t: TestContext,
  platform: Platform,
  serial: string,
  settings = {},
): Promise<Gateway> {
  const gateway = makeGateway(t, { server: platform.url, product: platform.product, serial, settings });
  await fleetOf(platform).addGateway(serial);
  return gateway;
}

test('TLS refuses by a wrong clock: the log, gwe why and gwe status name the clock', {
  skip: lacks('faketime') || lacks('openssl'),
}, async (t) => {
  const { ca, cert, key } = makeCertificates(tempFolder(t));
  const platform = await startPlatform(t, { args: ['--cert', cert, '--key', key], ca });
  const gateway = makeGateway(t, {
    server: platform.url,
    product: platform.product,
    settings: { 'security.ca': ca },
  });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (const [year, state] of [
    [1970, 'is not yet valid'],
    [2099, 'has expired'],
  ] as const) {
    const once = await gweIn(t, year, gateway, '--once');
    assert.equal(once.status, 1);
    const says = new RegExp(`by this machine's clock \\(${year}-.*the server's certificate ${state}`);
    assert.match(once.stderr, says);
    assert.match(once.stderr, /set this machine's clock/);
    assert.equal(stateOf(gateway).lastCheckIn.code, 'clock');
    const why = await gweIn(t, year, gateway, 'why', '--json');
    const causes: { code: string; what: string; todo: string }[] = JSON.parse(why.stdout).causes;
    const cause = causes.find(({ code }) => code === 'tls-clock');
    assert.match(cause?.what ?? '', says);
    assert.match(cause?.todo ?? '', /clock/);
    const status = (await gweIn(t, year, gateway, 'status')).stdout;
    assert.match(status, says);
    assert.match(status, /Held up by .*tls-clock/);
  }
  assert.equal((await gateway.gweAsync('--once')).status, 0, 'with the clock set it goes on by itself');
});

for (const year of YEARS) {
  test(`in ${year}, without TLS, all goes as ever: activation, install, way back, interval, backoff`, {
    skip: lacks('faketime'),
  }, async (t) => {
    const platform = await startPlatform(t);
    const settings = { 'install.timeout': '30', 'engine.jitter_percent': '0' };
    const gateway = await gatewayOf(t, platform, 'gw-1', settings);
    const fleet = fleetOf(platform);
    const folder = tempFolder(t);
    for (const [version, body, status] of [
      ['1', 'exit 0', 0],
      ['2', '[ -n "$GWE_ROLLBACK_FROM" ] || exit 1', 3],
    ] as const) {
      const install = `#!/bin/sh\necho "year $(date +%Y)"\n${body}\n`;
      const path = makeTarball(folder, `app.v${version}.tar.gz`, { 'install.sh': install });
      await fleet.install(gateway.serial, await fleet.upload(path));
      const once = await gweIn(t, year, gateway, '--once');
      assert.equal(once.status, status, once.stderr);
    }
    const [first, second] = await platform.points(gateway.serial, 'fetch_status');
    assert.match(first ?? '', new RegExp(`^app\\.v1\\.tar\\.gz: installed in [\\d.]+ s .*\\nyear ${year}`));
    assert.match(second ?? '', /^app\.v2\.tar\.gz: failed: install\.sh ended with 1; back at v1/);
    await sleepsAsPlanned(t, year, gateway, 43_200);
    platform.process.kill('SIGKILL');
    const backoff = await sleepsAsPlanned(t, year, gateway);
    assert.equal(backoff.reason, 'backoff');
    assert.ok(backoff.sleep_s >= 1 && backoff.sleep_s <= 4, `${backoff.sleep_s} s after the first failure`);
  });
}

/** Starts the engine and looks how long it plans to sleep, and that the shell which it becomes really is told so. */
async function sleepsAsPlanned(t: TestContext, year: Year, gateway: Gateway, expected_s?: number) {
  const before_ms = stateOf(gateway).next?.time_ms;
  const engine = start(t, [GWE], { ...gateway.env, ...clockAt(year) });
  const next = await eventually('the next check-in to be planned', () => {
    const found = stateOf(gateway).next;
    return found !== undefined && found.time_ms !== before_ms && found;
  });
  const last_ms = stateOf(gateway).lastCheckIn.time_ms;
  const sleep_s = Math.round((next.time_ms - last_ms) / 1000);
  if (expected_s !== undefined) {
    assert.equal(sleep_s, expected_s);
    const pid = engine.process.pid ?? 0;
    await eventually(`a sleep of ${expected_s} s`, () => {
      const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
      return child !== '' && readFileSync(`/proc/${child}/cmdline`, 'utf8') === `sleep\0${expected_s}\0`;
    });
  }
  engine.process.kill('SIGTERM');
  await engine.ended;
  return { reason: next.reason, sleep_s };
}

test('a clock that fell behind a time that was seen already is noticed, over restarts; one that ran ahead leaves no trace', {
  skip: lacks('faketime'),
}, async (t) => {
  const platform = await startPlatform(t);
  const gateway = await gatewayOf(t, platform, 'gw-1');
  const codes = async (year?: Year) => {
    const why =
      year === undefined
        ? await gateway.gweAsync('why', '--json')
        : await gweIn(t, year, gateway, 'why', '--json');
    return JSON.parse(why.stdout).causes.map(({ code }: { code: string }) => code);
  };
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.ok(!(await codes()).includes('clock-behind'));
  assert.ok((await codes(1970)).includes('clock-behind'));
  assert.equal((await gweIn(t, 2099, gateway, '--once')).status, 0);
  assert.ok((await codes()).includes('clock-behind'), 'until the next check-in');
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.ok(!(await codes()).includes('clock-behind'));
});
