import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSimulatedFleet } from '../../src/cli/simulated-fleet.ts';
import { openSimulatedHttp } from '../../src/cli/simulated-http.ts';
import { startOperated } from './operator-fixture.ts';
import { NAME, type Played, playFleet } from './simulate-fixture.ts';

const CANARY = 20;
const CAP = 20;

async function rollOut(played: Played, change: Record<string, unknown> = {}): Promise<unknown> {
  const body = {
    product: 'P1',
    names: [NAME],
    stages: [{ percent: 10 }, { percent: 100 }],
    cap: CAP,
    ...change,
  };
  return (await played.api('POST', '/rollouts', body))['id'];
}

const isPaused = (played: Played, id: unknown) => async () =>
  (await played.api('GET', `/rollouts/${id}`))['state'] === 'paused';

/** How many gateways took something, whatever the platform says of it. */
const touched = ({ fleet }: Played) => fleet.counts.taken;

/** The serial of a gateway of a rollout that is in this state. */
async function oneIn(played: Played, id: unknown, state: string): Promise<string> {
  const { gateways } = await played.api('GET', `/rollouts/${id}/gateways?state=${state}`);
  const [first] = Array.isArray(gateways) ? gateways : [];
  return String(Object(first)['serial']);
}

test('200 gateways, half of the first tenth fail: it pauses by itself, touched no more, and says why everywhere', async (t) => {
  const played = await playFleet(t, 200, { fail: 0.5 });
  const id = await rollOut(played);
  await played.play(600, isPaused(played, id));
  const { state, why } = await played.api('GET', `/rollouts/${id}`);
  assert.equal(state, 'paused');
  assert.match(
    String(why),
    /^Paused by itself: of \d+ gateways that took it and ended, [3-9] failed \(.*the limit is 10 %\)/,
  );
  await played.play(300);
  assert.ok(touched(played) <= CANARY + CAP, `${touched(played)} were touched`);
  assert.ok(touched(played) <= CANARY, 'even the first stage alone');
  assert.equal(
    (await played.counts(id))['done'] ?? 0,
    played.fleet.counts.installed - (await watched(played, id)),
  );

  const failed = await played.gwe(['why', await oneIn(played, id, 'failed')]);
  assert.equal(failed.status, 1);
  assert.match(failed.out, /Rollout 1 \(hello 2, paused\): the gateway could not install it\./);
  assert.match(failed.out.replace(/\s+/g, ' '), /hello.v2.tar.gz: failed: install.sh ended with 1/);
  const waiting = await oneIn(played, id, 'waiting');
  const waits = await played.gwe(['why', waiting]);
  assert.ok(waits.out.replace(/\s+/g, ' ').includes(String(why)), waits.out);
  const sheet = await played.api('GET', `/gateways/P1/${waiting}`);
  const asked = await played.api('GET', `/gateways/P1/${waiting}/why`);
  assert.deepEqual(asked['causes'], sheet['waitsFor'], 'the page and the command use the same words');

  const shown = await played.gwe(['rollout', 'show', String(id)]);
  assert.equal(shown.status, 3);
  assert.match(shown.out, /STAGE +GATEWAYS/);
  assert.match((await played.gwe(['rollout', 'list'])).out, /hello 2 +P1 +paused +1 of 2/);
  const { records } = await played.api('GET', '/audit?order=newest');
  assert.ok(JSON.stringify(records).includes('"rollout 1"'), 'what it did by itself is in the audit trail');
});

async function watched(played: Played, id: unknown): Promise<number> {
  return (await played.counts(id))['watched'] ?? 0;
}

test('200 gateways, a quarter goes silent two minutes after success: it pauses by itself, touched no more, and says why', async (t) => {
  const played = await playFleet(t, 200, { silent: { share: 0.25, after_s: 120 } });
  const id = await rollOut(played);
  await played.play(1800, isPaused(played, id));
  const { state, why } = await played.api('GET', `/rollouts/${id}`);
  assert.equal(state, 'paused');
  assert.match(
    String(why),
    /fell silent after they took it .*the limit is 10 %.*It fell silent [12] min.* after it reported success/,
  );
  assert.ok(touched(played) <= CANARY + CAP, `${touched(played)} were touched`);
  const silent = await played.gwe(['why', await oneIn(played, id, 'silent')]);
  assert.match(silent.out.replace(/\s+/g, ' '), /fell silent after it took the command\. It fell silent/);
});

test('programs that end after success pause it, too', async (t) => {
  const played = await playFleet(t, 60, { unhealthy: 0.5 });
  const id = await rollOut(played, { stages: [{ count: 10 }, { percent: 100 }] });
  await played.play(600, isPaused(played, id));
  assert.match(
    String((await played.api('GET', `/rollouts/${id}`))['why']),
    /became unhealthy after success.*is FATAL/,
  );
  assert.ok(touched(played) <= 10);
});

test('a healthy fleet with some offline gets it everywhere else, never more than the cap at a time', async (t) => {
  const played = await playFleet(t, 60, { offline: 0.1, interval_s: 30 });
  const id = await rollOut(played, { silentAfter_s: 60, offlineUntil: Date.UTC(2026, 0, 15, 12, 30) });
  let most = 0;
  await played.play(3600, async () => {
    const counts = await played.counts(id);
    most = Math.max(most, (counts['told'] ?? 0) + (counts['taken'] ?? 0) + (counts['watched'] ?? 0));
    return (await played.api('GET', `/rollouts/${id}`))['state'] !== 'running';
  });
  const counts = await played.counts(id);
  assert.equal((await played.api('GET', `/rollouts/${id}`))['state'], 'complete');
  assert.deepEqual(
    [counts['done'], counts['left']],
    [played.fleet.counts.installed, 60 - played.fleet.counts.installed],
  );
  assert.ok(most <= CAP && most > 0, `${most} at a time`);
});

test('the same seed gives the same fleet, and another one another', async (t) => {
  const outcome = async (seed: number) => {
    const played = await playFleet(t, 30, { fail: 0.4, seed });
    const id = await rollOut(played, { stages: [{ percent: 100 }], cap: 30, failLimit_percent: 100 });
    await played.play(120);
    const { gateways } = await played.api('GET', `/rollouts/${id}/gateways?state=failed`);
    return (Array.isArray(gateways) ? gateways : []).map((each) => Object(each)['serial']);
  };
  const [first, again, other] = [await outcome(5), await outcome(5), await outcome(6)];
  assert.deepEqual(first, again);
  assert.notDeepEqual(first, other);
});

test('what is due is done in the order of time, however it was planned', async () => {
  const http = await openSimulatedHttp(new URL('http://127.0.0.1:9'));
  const begun: number[] = [];
  let now_ms = 0;
  const behaviour = {
    product: 'P',
    interval_s: 60,
    install_s: 1,
    fail: 0,
    silent: { share: 0, after_s: 0 },
    unhealthy: 0,
  };
  const serials = Array.from({ length: 200 }, (_, at) => `s${at}`);
  const all = { ...behaviour, offline: 0, speed: 1, seed: 3, download: false };
  const fleet = createSimulatedFleet(serials, all, http, () => now_ms);
  for (
    let next_ms = fleet.next_ms();
    next_ms !== undefined && begun.length < 150;
    next_ms = fleet.next_ms()
  ) {
    assert.ok(next_ms >= (begun.at(-1) ?? 0));
    begun.push(next_ms);
    now_ms = next_ms;
    fleet.begin();
  }
  http.close();
  assert.equal(begun.length, 150);
});

test('gwe simulate adds its gateways, runs them against the platform, and says what happened', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'P1']);
  const args = ['simulate', '5', '--interval', '10s', '--speed', '100', '--duration', '0.5s'];
  for (let run = 0; run < 2; run += 1) {
    const done = await operated.gwe(args);
    assert.deepEqual([done.status, done.err.includes('gwe:')], [0, false]);
    assert.match(
      done.out,
      /^5 gateways, \d+ activated, \d\d+ check-ins \(.*\/s, p50 .* ms, p99 .* ms\), 0 installed\n$/,
    );
  }
  assert.match((await operated.gwe(['gateways'])).out, /sim-00004 +P1 +activated/);
});

test('gwe simulate stays on this machine unless told otherwise', async (t) => {
  const operated = await startOperated(t);
  const refused = await operated.gwe(['simulate', '5', '--url', 'http://fleet.example.com']);
  assert.equal(refused.status, 2);
  assert.match(refused.err, /not on this machine.*--anywhere/s);
});
