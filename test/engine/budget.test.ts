/** A client under a data budget against a real server: what is asked, what is cut, what is kept, and what goes on the next day. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { before, type TestContext, test } from 'node:test';
import { defaultSettings, type Settings } from '../../src/config/settings.ts';
import { type Budget, type BudgetWorld, openBudget } from '../../src/engine/budget.ts';
import { limitedClient } from '../../src/engine/budget-client.ts';
import { readLedger } from '../../src/engine/budget-view.ts';
import { GweError } from '../../src/errors.ts';
import { CIK, clientFor, failureOf, listening } from '../client/servers.ts';
import { instructionOf, makeGround, never, tracing } from '../installer/ground.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.parse('2026-03-10T12:00:00Z');
const WHERE = { vendor: 'p', model: 'p', id: 'app.v1.tar.gz' };
const BYTES = Buffer.from(Array.from({ length: 600_000 }, (_, n) => (n * 7919) % 251));

before(() => {
  process.env['TZ'] = 'UTC';
});

/** A Content Area with one content; `knowsRanges: false` is one that always sends everything. */
async function contentServer(t: TestContext, knowsRanges = true) {
  const server = createServer((request, response) => {
    const [, from = '0', to = ''] = request.headers.range?.match(/bytes=(\d+)-(\d*)/) ?? [];
    if (request.headers.range === undefined || !knowsRanges) return void response.end(BYTES);
    const end = Math.min(Number(to || BYTES.length), BYTES.length - 1);
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${end}/${BYTES.length}` });
    response.end(BYTES.subarray(Number(from), end + 1));
  });
  t.after(() => server.closeAllConnections());
  return await listening(t, server, 'http');
}

/** A gateway with a budget: `wake` is a start of gwe with what the one before kept. */
function gateway(t: TestContext, url: URL, changes: Partial<Settings>, world: Partial<BudgetWorld> = {}) {
  const settings = { ...defaultSettings(), 'budget.interfaces': 'lo', ...changes };
  const machine = { now: { wall_ms: NOON_MS, boot: 'b1', uptime_ms: 0 }, file: '', saves: 0 };
  const wake = () => {
    const save = () => {
      machine.saves += 1;
      machine.file = JSON.stringify({ budget: budget.toKeep() });
    };
    const rest = { moment: () => machine.now, counters: () => undefined, route: () => 'lo', ...world };
    const budget: Budget = openBudget(settings, readLedger(machine.file), { ...rest, save });
    const client = limitedClient(clientFor(t, url, { onTraffic: budget.add }), budget);
    return { budget, client, sleep: save };
  };
  const pass = (hours: number) => {
    const { wall_ms, uptime_ms } = machine.now;
    const [passed_ms] = [hours * HOUR_MS];
    machine.now = { ...machine.now, wall_ms: wall_ms + passed_ms, uptime_ms: uptime_ms + passed_ms };
  };
  return { machine, wake, pass };
}

/** What comes of a download until it ends, and how that was. */
async function fetchFrom(client: ReturnType<typeof limitedClient>, from_byte: number) {
  const pieces: Buffer[] = [];
  try {
    const { body, from_byte: begins } = await client.download(CIK, WHERE, { from_byte });
    assert.equal(begins, from_byte);
    for await (const chunk of body) pieces.push(chunk);
  } catch (thrown) {
    assert.ok(thrown instanceof GweError, String(thrown));
    return { bytes: Buffer.concat(pieces), error: thrown };
  }
  return { bytes: Buffer.concat(pieces), error: undefined };
}

test('a download that does not fit is split over days, byte for byte, over restarts, and no day costs more than its budget', async (t) => {
  const url = await contentServer(t);
  const { machine, wake, pass } = gateway(t, url, { 'budget.bytes_per_day': 400_000 });
  let content = Buffer.alloc(0);
  const days: number[] = [];
  while (content.length < BYTES.length && days.length < 5) {
    const { client, budget, sleep } = wake();
    const { bytes, error } = await fetchFrom(client, content.length);
    content = Buffer.concat([content, bytes]);
    await new Promise((closed) => setImmediate(closed));
    if (error !== undefined) {
      assert.equal(error.code, 'budget');
      assert.match(error.message, /data budget of the day \(400 kB\) is used up until 2026-03-1\dT00:00:00Z/);
      const again = await failureOf(client.contentInfo(CIK, WHERE));
      assert.equal(again.code, 'budget', 'nothing more is asked in vain');
    }
    days.push(budget.toKeep().day.used_bytes);
    sleep();
    pass(24);
  }
  assert.ok(content.equals(BYTES));
  assert.equal(days.length, 3);
  for (const used of days) assert.ok(used <= 400_000 - 131_072, String(days));
  assert.ok((days[0] ?? 0) > 230_000, 'and a day is made use of');
  assert.ok(machine.saves - days.length <= 12, `${machine.saves} writes ahead of the bytes`);
});

test('what a power cut leaves on the disk is never less than what was moved', async (t) => {
  const url = await contentServer(t);
  const { machine, wake } = gateway(t, url, { 'budget.bytes_per_day': 2_000_000 });
  const { client } = wake();
  const { body } = await client.download(CIK, WHERE, { from_byte: 0 });
  let moved = 0;
  for await (const chunk of body) {
    moved += chunk.length;
    assert.ok((readLedger(machine.file)?.day.used_bytes ?? 0) >= moved);
    if (moved > 300_000) break;
  }
  const after = wake().budget.toKeep();
  assert.ok(after.day.used_bytes >= moved && after.day.used_bytes < 900_000);
});

test('when downloads have used their part, reports still have theirs, and then check-ins; after that nobody is contacted until the next day', async (t) => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const url = await listening(t, server, 'http');
  const { machine, wake, pass } = gateway(t, url, { 'budget.bytes_per_day': 300_000 });
  const { client, budget } = wake();
  const use = (bytes: number) => budget.add({ iface: 'lo', method: 'x', rx_bytes: bytes, tx_bytes: 0 });
  use(170_000);
  assert.equal((await failureOf(client.download(CIK, WHERE, { from_byte: 0 }))).code, 'budget');
  await client.write(CIK, { fetch_status: 'waiting' });
  use(60_000);
  assert.equal((await failureOf(client.write(CIK, { fetch_status: 'x' }))).code, 'budget');
  await client.writeRead(CIK, { usage_report: '{}' }, ['engine_fetch']);
  assert.equal(asked, 2);
  use(60_000);
  const silent = await failureOf(client.writeRead(CIK, { usage_report: '{}' }, ['engine_fetch']));
  assert.deepEqual([silent.code, asked], ['budget', 2]);
  assert.equal(budget.resumes_ms('check-in'), Date.parse('2026-03-11T00:00:00Z'));
  pass(12.1);
  await client.writeRead(CIK, { usage_report: '{}' }, ['engine_fetch']);
  assert.deepEqual([asked, machine.saves], [3, 0], 'and none of it wrote to the disk by itself');
});

test('a server that knows no ranges does not cost a day for nothing: what is here stays', async (t) => {
  const url = await contentServer(t, false);
  const { wake } = gateway(t, url, { 'budget.bytes_per_day': 500_000 });
  const { client } = wake();
  const failure = await failureOf(client.download(CIK, WHERE, { from_byte: 200_000 }));
  assert.equal(failure.code, 'budget');
});

test('in hours that do not count, and over interfaces that are not metered, nothing is limited and nothing is counted', async (t) => {
  const url = await contentServer(t);
  const limits = { 'budget.bytes_per_day': 300_000 };
  const night = gateway(t, url, { ...limits, 'budget.hours': '14-24' });
  const { client, budget } = night.wake();
  assert.equal((await fetchFrom(client, 0)).bytes.length, BYTES.length);
  assert.equal(budget.toKeep().day.used_bytes, 0);
  const cable = gateway(t, url, { ...limits, 'budget.interfaces': 'wwan*' });
  assert.equal((await fetchFrom(cable.wake().client, 0)).bytes.length, BYTES.length);
  assert.equal(cable.machine.saves, 0);
});

test('which interface will be used is known from the last exchange, as long as the routes are the same', async (t) => {
  const url = await contentServer(t);
  let route = 'eth0';
  const limits = { 'budget.bytes_per_day': 300_000, 'budget.interfaces': 'lo' };
  const { wake } = gateway(t, url, limits, { route: () => route });
  const first = wake();
  assert.equal((await fetchFrom(first.client, 0)).bytes.length, BYTES.length, 'nothing is known yet');
  await new Promise((closed) => setImmediate(closed));
  first.sleep();
  assert.equal((await failureOf(wake().client.contentInfo(CIK, WHERE))).code, 'budget');
  route = 'wlan0';
  assert.equal(wake().budget.left('download').span, undefined);
});

test('a download of a free hour is cut when a metered one begins and the budget is used up', async (t) => {
  const url = await contentServer(t);
  const { machine, wake, pass } = gateway(t, url, {
    'budget.bytes_per_day': 100_000,
    'budget.hours': '13-24',
  });
  const { client, budget } = wake();
  const { body } = await client.download(CIK, WHERE, { from_byte: 0 });
  let moved = 0;
  const cut = await failureOf(
    (async () => {
      for await (const chunk of body) {
        moved += chunk.length;
        if (machine.now.wall_ms === NOON_MS) pass(1.5);
      }
    })(),
  );
  assert.equal(cut.code, 'budget');
  assert.ok(moved < BYTES.length, String(moved));
  assert.equal(budget.resumes_ms('download'), Date.parse('2026-03-11T00:00:00Z'));
});

test('with budget.counts = interface everything on the line counts, over sleeps, restarts of the interface and of the machine', async (t) => {
  const counters = new Map([
    ['wwan0', 1_000_000],
    ['eth0', 5],
  ]);
  const all = { 'budget.bytes_per_day': 9_000_000, 'budget.counts': 'interface' } as const;
  const settings = { ...all, 'budget.interfaces': 'wwan*' };
  const { machine, wake, pass } = gateway(t, new URL('http://127.0.0.1:1'), settings, {
    counters: () => counters,
  });
  const used = () => {
    const { budget, sleep } = wake();
    sleep();
    return budget.toKeep().day.used_bytes;
  };
  assert.equal(used(), 0, 'what was before is not known to be of today');
  counters.set('wwan0', 1_250_000).set('eth0', 999_999);
  pass(1);
  assert.equal(used(), 250_000);
  counters.set('wwan0', 40_000);
  assert.equal(used(), 290_000, 'the interface came up anew');
  machine.now = { ...machine.now, boot: 'b2', uptime_ms: 1000 };
  counters.set('wwan0', 60_000);
  assert.equal(used(), 350_000, 'the machine was started again');
});

test('an install that waits for the budget is told once a day, is no attempt, and goes on where it was; another content is begun anew', async (t) => {
  const ground = makeGround();
  t.after(ground.remove);
  const noise = Array.from({ length: 40_000 }, (_, n) => (n * 7919) % 9973).join(' ');
  const bytes = ground.upload('app.v1.tar.gz', { 'install.sh': tracing(), noise });
  const spent = new GweError(
    'budget',
    'Cannot download app.v1.tar.gz: the data budget of the day (5 MB) is used up',
  );
  const { download } = ground.deps();
  const limited: typeof download = async (id, from_byte, signal) => {
    if (from_byte > 0) throw spent;
    const answer = await download(id, from_byte, signal);
    async function* cut() {
      let left = 50_000;
      for await (const chunk of answer.body) {
        yield chunk.subarray(0, left);
        left -= Math.min(left, chunk.length);
        if (left === 0) throw spent;
      }
    }
    return { ...answer, body: Readable.from(cut(), { objectMode: false }) };
  };
  const first = ground.open({ download: limited });
  first.cleared(first.accept(instructionOf('app.v1.tar.gz')).id);
  for (let turn = 0; turn < 3; turn += 1) {
    const { held, ends } = await ground.open({ download: limited }).workOff(never());
    assert.deepEqual([held[0]?.kind, ends.length], ['budget', 0]);
  }
  const [told, ...more] = [...ground.reports.values()];
  assert.deepEqual([told?.outcome, more.length], ['waiting', 0]);
  assert.match(told?.why ?? '', /^the data budget of the day \(5 MB\) is used up; 50 kB of \d+ kB are here$/);
  const item = ground.open().pending()[0]?.items[0];
  assert.deepEqual([item?.phase, item?.attempt, item?.trouble?.kind], ['download', 0, 'budget']);
  assert.ok(bytes.length > 60_000);
  ground.clock.elapsed_ms += 24 * HOUR_MS;
  await ground.open({ download: limited }).workOff(never());
  assert.equal(ground.reports.size, 2, 'the next day it is told again');

  ground.content.set('app.v1.tar.gz', {
    ...(ground.content.get('app.v1.tar.gz') ?? assert.fail()),
    updated_s: 7,
  });
  ground.asked.length = 0;
  const { ends } = await ground.open().workOff(never());
  assert.deepEqual([ends[0]?.outcome, ends[0]?.attempt], ['installed', 1]);
  assert.ok(ground.asked.includes('get app.v1.tar.gz 0'), String(ground.asked));
});
