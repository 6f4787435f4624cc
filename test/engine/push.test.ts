import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { createDeviceClient } from '../../src/client/client.ts';
import { newPushMemory, POLL_GAP_MS, type PushLink, pollEnd, waitForPush } from '../../src/engine/push.ts';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { platformFor } from '../platform/raw.ts';

const HOUR_MS = 3_600_000;
const log = createLog('ERROR');
const awake = new AbortController().signal;

function linkTo(t: TestContext, port: number, cik: string, clock = systemClock): PushLink {
  const client = createDeviceClient({
    server: new URL(`http://127.0.0.1:${port}`),
    userAgent: 'test',
    timeout_ms: 10_000,
    allowHttp: true,
  });
  t.after(() => client.close());
  return { client, cik, clock, log, updateInterval_s: 3600, random: () => 1 };
}

async function gatewayOn(t: TestContext) {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P', 'S');
  const write = (value: string) =>
    platform.operate('PUT', '/api/v1/gateways/P/S/dataports/engine_fetch', JSON.stringify({ value }));
  return { platform, write, link: linkTo(t, platform.port, cik) };
}

/** Resolves when the platform holds a poll. */
function held(link: PushLink): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { longPoll } = link.client;
  link.client = {
    ...link.client,
    longPoll: (...args) => {
      resolve();
      return longPoll(...args);
    },
  };
  return () => promise;
}

test('a command that is written while gwe listens ends the rest at once', async (t) => {
  const { write, link } = await gatewayOn(t);
  const isHeld = held(link);
  const rest = waitForPush(link, newPushMemory(), HOUR_MS, awake);
  await isHeld();
  await write('{"install":[]}');
  await rest;
});

test('a command that came between the check-in and the poll is not lost', async (t) => {
  const { write, link } = await gatewayOn(t);
  await write('{"install":[]}');
  await waitForPush(link, newPushMemory(), HOUR_MS, awake);
});

test('TERM, WINCH and HUP end a poll that is held', async (t) => {
  const { link } = await gatewayOn(t);
  const isHeld = held(link);
  const stop = new AbortController();
  const rest = waitForPush(link, newPushMemory(), HOUR_MS, stop.signal);
  await isHeld();
  stop.abort();
  await rest;
});

test('the rest ends in time for the next report', async (t) => {
  const { link } = await gatewayOn(t);
  await waitForPush(link, newPushMemory(), 30, awake);
});

/** A clock that a sleep moves on, and what was slept. */
function leapingClock(): { clock: Clock; slept_ms: number[] } {
  let now_ms = 0;
  const slept_ms: number[] = [];
  const sleep = async (duration_ms: number) => {
    slept_ms.push(duration_ms);
    now_ms += duration_ms;
  };
  return { clock: { now: () => now_ms, monotonic: () => now_ms, sleep }, slept_ms };
}

test('a server that does not hold polls is asked ever more rarely, and never twice a second', async (t) => {
  let polls = 0;
  const server = createServer((request, response) => {
    if (request.headers['request-timeout'] !== undefined) polls += 1;
    if (request.url === '/timestamp') response.end('1700000000');
    else response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { clock, slept_ms } = leapingClock();
  await waitForPush(linkTo(t, port, 'c', clock), newPushMemory(), HOUR_MS, awake);
  assert.ok(polls >= 5 && polls <= 20, `${polls} polls in an hour`);
  assert.ok(slept_ms.every((each) => each >= POLL_GAP_MS));
  assert.ok(slept_ms.slice(1, 7).every((each, i) => each >= (slept_ms[i] ?? 0)));
});

test('a platform that cannot be reached is asked ever more rarely', async (t) => {
  const { clock, slept_ms } = leapingClock();
  await waitForPush(linkTo(t, 1, 'c', clock), newPushMemory(), HOUR_MS, awake);
  assert.ok(slept_ms.length <= 20, `${slept_ms.length} attempts in an hour`);
  assert.ok(slept_ms.every((each) => each >= POLL_GAP_MS));
});

test('a command that is still there after it was seen is no news, and the same text given again later is', () => {
  assert.equal(pollEnd('a', 0, ''), 'news');
  assert.equal(pollEnd('a', 0, 'a'), 'not-held');
  assert.equal(pollEnd('a', 5_000, 'a'), 'news');
  assert.equal(pollEnd('', 5_000, 'a'), 'held');
  assert.equal(pollEnd('', 3, ''), 'not-held');
});
