import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockAt, header, platformFor, request } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';
const LONG_MS = 60_000;

function poll(cik: string, timeout_ms: number, since?: string): Buffer {
  return request('GET', `${ALIAS}?engine_fetch`, [
    `X-Exosite-CIK: ${cik}`,
    `Request-Timeout: ${timeout_ms}`,
    ...(since === undefined ? [] : [`If-Modified-Since: ${since}`]),
  ]);
}

/** A poll that the platform holds. */
async function parked(platform: Awaited<ReturnType<typeof platformFor>>, bytes: Buffer) {
  const connection = platform.connect();
  connection.send(bytes);
  const answer = connection.answer();
  await platform.held(1);
  assert.equal(connection.rest(), '');
  return { connection, answer };
}

test('a long poll is answered at once when the operator writes, with the value and Last-Modified', async (t) => {
  const platform = await platformFor(t, { clock: clockAt(1_700_000_000_500) });
  const cik = await platform.gateway('P1', 'SN1');
  const { answer } = await parked(platform, poll(cik, LONG_MS));
  await platform.operate('PUT', '/api/v1/gateways/P1/SN1/dataports/engine_fetch', '{"value":"go"}');
  const woken = await answer;
  assert.equal(woken.status, 'HTTP/1.1 200 OK');
  assert.equal(woken.body.toString(), 'engine_fetch=go');
  assert.equal(header(woken, 'Last-Modified'), 'Tue, 14 Nov 2023 22:13:20 GMT');
});

test('at its timeout a long poll is 304 without a body', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=old');
  const answer = await platform.ask(poll(cik, 5));
  assert.equal(answer.status, 'HTTP/1.1 304 Not Modified');
  assert.equal(answer.body.length, 0);
});

test('the clearing of a value wakes too, and is told as an empty value', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const { answer } = await parked(platform, poll(cik, LONG_MS));
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=');
  assert.equal((await answer).body.toString(), 'engine_fetch=');
});

test('If-Modified-Since counts from that very second on, as unix seconds and as a date', async (t) => {
  const clock = clockAt(1_700_000_000_900);
  const platform = await platformFor(t, { clock });
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=now');
  for (const since of ['1700000000', '1699999990', 'Tue, 14 Nov 2023 22:13:20 GMT']) {
    const answer = await platform.ask(poll(cik, LONG_MS, since));
    assert.equal(answer.status, 'HTTP/1.1 200 OK', since);
    assert.equal(answer.body.toString(), 'engine_fetch=now');
  }
  for (const since of ['1700000001', 'Tue, 14 Nov 2023 22:13:21 GMT']) {
    assert.equal((await platform.ask(poll(cik, 5, since))).status, 'HTTP/1.1 304 Not Modified', since);
  }
});

test('a client that asks from its last Last-Modified plus one second still gets what comes in that second', async (t) => {
  const clock = clockAt(1_700_000_000_100);
  const platform = await platformFor(t, { clock });
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=first');
  clock.set(1_700_000_001_000);
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=second');
  const answer = await platform.ask(poll(cik, LONG_MS, '1700000001'));
  assert.equal(answer.body.toString(), 'engine_fetch=second');
});

test('a Request-Timeout above the limit is clamped, not refused', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const { answer } = await parked(platform, poll(cik, 15_000_000));
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=x');
  assert.equal((await answer).status, 'HTTP/1.1 200 OK');
});

test('a poll without a good key is 401 at once', async (t) => {
  const platform = await platformFor(t);
  const answer = await platform.ask(poll('0'.repeat(40), LONG_MS));
  assert.equal(answer.status, 'HTTP/1.1 401 Unauthorized');
});

test('a write to another alias or another gateway wakes nobody', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const other = await platform.gateway('P1', 'SN2');
  const { connection, answer } = await parked(platform, poll(cik, LONG_MS));
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${other}`], 'engine_fetch=x');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'device_info=x');
  assert.equal(connection.rest(), '');
  await platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], 'engine_fetch=mine');
  assert.equal((await answer).body.toString(), 'engine_fetch=mine');
});

test('of two hundred polls on as many gateways each gets its own value', async (t) => {
  const platform = await platformFor(t);
  const ciks = await Promise.all(Array.from({ length: 200 }, (_, i) => platform.gateway('P1', `SN${i}`)));
  const polls = ciks.map((cik) => {
    const connection = platform.connect();
    connection.send(poll(cik, LONG_MS));
    return connection.answer();
  });
  await platform.held(200);
  await Promise.all(
    ciks.map((cik, i) => platform.call('POST', ALIAS, [`X-Exosite-CIK: ${cik}`], `engine_fetch=v${i}`)),
  );
  const values = (await Promise.all(polls)).map((answer) => answer.body.toString());
  assert.deepEqual(
    values,
    ciks.map((_, i) => `engine_fetch=v${i}`),
  );
});

test('closing the platform answers the parked polls and ends their connections', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const { connection, answer } = await parked(platform, poll(cik, LONG_MS));
  const closed = platform.close();
  const last = await answer;
  assert.equal(last.status, 'HTTP/1.1 304 Not Modified');
  assert.equal(header(last, 'Connection'), 'close');
  await connection.ended;
  await closed;
});
