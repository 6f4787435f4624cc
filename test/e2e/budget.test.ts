/** The data budget on a line of its own: what gwe counts is what the interface counts, and no day goes beyond it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacks } from '../debian.ts';
import { clockFrom } from './fake-time.ts';
import { fleetOf } from './fleet.ts';
import { layGround } from './ground.ts';
import {
  eventually,
  expectZero,
  type Gateway,
  makeGateway,
  makeTarball,
  start,
  startPlatform,
  tempFolder,
  writeSettings,
} from './machine.ts';
import { lacksMeteredLine, layMeteredLine } from './metered-line.ts';

const DAY_BYTES = 1_000_000;
const RESERVE_BYTES = 100_000;
/** What is on the line after gwe has looked for the last time: leave is taken, addresses are asked for. */
const SLACK_BYTES = 6_000;

/** The machine is off for the night: its uptime begins anew, and only the clock tells that time went by. */
function restart(gateway: Gateway): void {
  const file = join(gateway.state, 'usage.json');
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  kept.budget.seen.boot = 'the one before';
  writeFileSync(file, JSON.stringify(kept));
}

test('a download of 2 MB under a budget of 1 MB a day arrives on the third day, and the interface has counted no day beyond it', {
  skip: lacksMeteredLine() || lacks('faketime'),
}, async (t) => {
  const platform = await startPlatform(t);
  const line = await layMeteredLine(t, platform.url);
  const serial = 'gw-metered';
  const gateway = makeGateway(t, {
    server: line.url,
    product: platform.product,
    serial,
    settings: {
      'engine.allow_http': 'on',
      'budget.bytes_per_day': String(DAY_BYTES),
      'budget.reserve_bytes_per_day': String(RESERVE_BYTES),
      'budget.interfaces': 'wwan*',
    },
  });
  const fleet = fleetOf(platform);
  await fleet.addGateway(serial);
  const on = async (day: string, ...args: string[]) => {
    const clock = Object.entries(clockFrom(`${day} 08:00:00`)).map(([key, value]) => `${key}=${value}`);
    const command = [...line.inside, 'env', ...clock, ...gateway.command, ...args];
    const running = start(t, command, gateway.env);
    return { status: await running.ended, ...running.said };
  };
  const folder = tempFolder(t);
  const files = { 'install.sh': '#!/bin/sh\necho here\n', noise: randomBytes(2_000_000) };
  const name = await fleet.upload(makeTarball(folder, 'app.v1.tar.gz', files));
  await fleet.write(serial, 'engine_fetch', JSON.stringify({ install: [{ name }] }));

  const days: number[] = [];
  for (const day of ['2031-05-01', '2031-05-02', '2031-05-03']) {
    const before = line.counted_bytes();
    const { status, stderr } = await on(day, '--once');
    const status_ = JSON.parse((await on(day, 'status', '--json')).stdout);
    const counted = line.counted_bytes() - before;
    days.push(counted);
    const { used_bytes, limit_bytes, resets_ms } = status_.budget.day;
    assert.ok(Math.abs(counted - used_bytes) < SLACK_BYTES, `${counted} on the line, ${used_bytes} counted`);
    assert.ok(counted <= DAY_BYTES - RESERVE_BYTES + SLACK_BYTES, `${counted} on ${day}`);
    assert.equal(limit_bytes, DAY_BYTES);
    assert.equal(resets_ms, Date.parse(`${day}T00:00:00Z`) + 24 * 3_600_000);
    if (day === '2031-05-03') {
      assert.equal(status, 0, stderr);
      break;
    }
    assert.equal(status, 3, stderr);
    const why = await on(day, 'why', '--json');
    const cause = JSON.parse(why.stdout).causes.find(({ code }: { code: string }) => code === 'data-budget');
    assert.match(
      cause?.what ?? why.stdout,
      /It waits for the data budget; \d+ % .* of 1 MB used today, until/,
    );
    restart(gateway);
  }
  assert.ok((days[0] ?? 0) > 0.8 * DAY_BYTES, `the first day was made use of: ${days}`);
  const ends = await platform.points(serial, 'fetch_status');
  assert.equal(ends.length, 3, ends.join('\n---\n'));
  assert.match(
    ends[0] ?? '',
    /^app\.v1\.tar\.gz: waiting: the data budget of the day \(1 MB\) is used up until 2031-05-02T00:00:00Z; \d+ kB of 2 MB are here/,
  );
  assert.match(ends[2] ?? '', /^app\.v1\.tar\.gz: installed in .* \(attempt 1, exit 0\)/);
});

test('a gateway that is killed in a download under a budget goes on at its byte, and what it had used is not forgotten', async (t) => {
  const platform = await startPlatform(t);
  const settings = { 'budget.bytes_per_day': '6000000', 'budget.interfaces': 'lo' };
  const ground = await layGround(t, platform, { settings });
  const { gateway } = ground;
  const name = await ground.tell('1', { 'install.sh': '#!/bin/sh\n', noise: randomBytes(2_000_000) });
  writeSettings(gateway.config, { 'download.max_rate': '200000' });
  const engine = start(t, [...gateway.command, '--once'], gateway.env);
  const part = join(gateway.state, 'downloads', `${name}.part`);
  const size = () => statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  await eventually('some of the download to be here', () => size() > 100_000);
  engine.process.kill('SIGKILL');
  await engine.ended;
  const here = size();
  assert.ok(here < 2_000_000);
  const used = () => JSON.parse(expectZero(gateway.gwe('status', '--json')).stdout).budget.day.used_bytes;
  assert.ok(used() >= here, `${used()} counted, ${here} here`);
  writeSettings(gateway.config, { 'download.max_rate': '0' });
  assert.equal((await ground.once()).status, 0);
  assert.match((await ground.ends()).at(-1) ?? '', /installed/);
  assert.ok(used() >= 2_000_000 && used() < 3_500_000, String(used()));
});

test('a gateway whose budget is used up to the last is silent, says why, and costs nothing until the next day', async (t) => {
  const platform = await startPlatform(t);
  const settings = { 'budget.bytes_per_day': '20000', 'budget.interfaces': 'lo' };
  const { gateway, once } = await layGround(t, platform, { settings });
  let turns = 0;
  let last = await once();
  for (; last.status === 0 && turns < 20; turns += 1) last = await once();
  assert.equal(last.status, 1, last.stderr);
  assert.ok(turns > 1, String(turns));
  assert.match(last.stderr, /Cannot check in: the data budget of the day \(20 kB\) is used up until/);
  const kept = () => JSON.parse(readFileSync(join(gateway.state, 'usage.json'), 'utf8'));
  const before = kept();
  assert.equal((await once()).status, 1);
  assert.deepEqual([kept().day, kept().budget.day], [before.day, before.budget.day]);
  assert.ok(kept().budget.lived_ms > before.budget.lived_ms, 'but time went by, and that is noted');
  const why = gateway.gwe('why');
  assert.equal(why.status, 1);
  assert.match(why.stdout, /^data-budget$/m);
  assert.match(gateway.gwe('status').stdout, /^data budget +\d+ kB of 20 kB used today, until/m);
});
