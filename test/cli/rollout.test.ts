import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationIn, percentIn, stagesIn, untilIn, windowIn } from '../../src/cli/durations.ts';
import {
  activateGateway,
  badTarball,
  goodTarball,
  type Operated,
  startOperated,
} from './operator-fixture.ts';

const REPORT = JSON.stringify({ apps: [{ gwe: { status: 'RUNNING', version: '1' } }], update_interval: 60 });

/** Three gateways that checked in just now. */
async function fleetOf(operated: Operated) {
  await operated.gwe(['product', 'create', 'P1']);
  await operated.gwe(['gateway', 'add', 'gw-1', 'gw-2', 'gw-3']);
  const gateways = await Promise.all(
    ['gw-1', 'gw-2', 'gw-3'].map((serial) => activateGateway(operated, 'P1', serial)),
  );
  for (const gateway of gateways) await gateway.write({ engine_report: REPORT });
  return gateways;
}

test('a rollout is made from files, followed as a table, paused, resumed, retried and aborted', async (t) => {
  const operated = await startOperated(t);
  const gateways = await fleetOf(operated);
  const file = await goodTarball(operated.folder, 'hello.v2.tar.gz');
  const made = await operated.gwe([
    'rollout',
    'create',
    '--all',
    '--stages',
    '2,100%',
    '--fail-limit',
    '60%',
    file,
  ]);
  assert.equal(made.status, 0, made.err);
  assert.match(made.out, /^rollout 1 \(hello 2\) over 3 gateways; follow it: gwe rollout show 1 --watch\n$/);
  const shown = await operated.gwe(['rollout', 'show', '1', '--gateways']);
  assert.match(
    shown.out,
    /^Rollout 1: hello 2 \(hello.v2.tar.gz\) on P1, running\n {2}Stage 1: 2 under way\.\n/,
  );
  assert.match(shown.out, /> +1 \(2\) +2 +2\n +2 \(100%\) +1 +1\n/);
  assert.match(shown.out, /gw-\d +told .* The command lies there/);

  const paused = await operated.gwe(['rollout', 'pause', '1']);
  assert.equal(paused.out, 'rollout 1 is paused: Paused by preset.\n');
  for (const gateway of gateways) assert.equal(await gateway.read('engine_fetch'), '', 'taken back');
  assert.match(
    (await operated.gwe(['rollout', 'resume', '1'])).out,
    /^rollout 1 is running: Stage 1: 2 under way/,
  );
  for (const gateway of gateways) {
    if ((await gateway.read('engine_fetch')) === '') continue;
    await gateway.write({ engine_fetch: '' });
    await gateway.write({ fetch_status: 'hello.v2.tar.gz: failed: install.sh ended with 1\noutput' });
  }
  const stopped = await operated.gwe(['rollout', 'show', '1', '--watch']);
  assert.equal(stopped.status, 3);
  assert.match(stopped.out, /2 failed \(100 %, the limit is 60 %\)/);
  assert.match((await operated.gwe(['rollout', 'retry', '1'])).out, /running: Stage 1: 2 under way/);
  assert.match(
    (await operated.gwe(['rollout', 'abort', '1'])).out,
    /^rollout 1 is aborted: Aborted by preset\.\n$/,
  );
  const refused = await operated.gwe(['rollout', 'resume', '1']);
  assert.deepEqual([refused.status, refused.err], [1, 'gwe: Cannot resume rollout 1: it is aborted\n']);
  const listed = JSON.parse((await operated.gwe(['rollout', 'list', '--json'])).out);
  assert.deepEqual([listed.length, listed[0].state, listed[0].counts.cancelled], [1, 'aborted', 3]);
});

test('a group, a tag and a window say who is told and when; what was told otherwise is refused with what to do', async (t) => {
  const operated = await startOperated(t);
  await fleetOf(operated);
  const file = await goodTarball(operated.folder, 'hello.v2.tar.gz');
  const api = (method: string, path: string, body: unknown) =>
    fetch(`${operated.url}/api/v1${path}`, {
      method,
      headers: { authorization: 'Bearer token-of-the-tests-0123456789' },
      body: JSON.stringify(body),
    });
  await api('PUT', '/gateways/P1/gw-2/tags', { tags: ['north', 'timezone=Asia/Kolkata'] });
  await api('PUT', '/products/P1/groups/some', { members: ['gw-1', 'gw-2'] });
  const hour = (from: number) => `${String((from + 24) % 24).padStart(2, '0')}:00`;
  const now = new Date().getUTCHours();
  const window = `${hour(now)}-${hour(now + 2)}`;
  const args = ['rollout', 'create', '--group', 'some', '--window', window, '--timezone', 'UTC'];
  const made = await operated.gwe([...args, '--stages', '100%', '--json', file]);
  const rollout = JSON.parse(made.out.slice(made.out.indexOf('{\n')));
  assert.deepEqual([rollout.total, rollout.group, rollout.counts.told], [2, 'some', 1]);
  assert.match((await operated.gwe(['why', 'gw-2'])).out.replace(/\s+/g, ' '), /\(Asia\/Kolkata\) only\./);
  assert.match((await operated.gwe(['why', 'gw-3'])).out, /^Nothing stands in the way of gw-3\.\n$/);
  const tagged = await operated.gwe(['rollout', 'create', '--all', '--tag', 'north', file]);
  assert.match(tagged.out, /over 1 gateway/);

  const later = await operated.gwe([
    ...['rollout', 'create', '--all', '--serial', 'GW-3', '--state', 'on-time', '--dynamic', '--json'],
    'hello.v2.tar.gz',
  ]);
  const { total, dynamic, filter } = JSON.parse(later.out);
  assert.deepEqual([total, dynamic, filter], [1, true, { serialContains: 'GW-3', states: ['on-time'] }]);

  const page = await operated.gwe(['rollout', 'list', '--state', 'running', '--limit', '2']);
  assert.match(page.out, /^ID .*\n3 .*\n2 .*\n$/);
  assert.equal(page.err, 'older ones: --before 2\n');
  assert.match((await operated.gwe(['rollout', 'list', '--before', '2'])).out, /^ID .*\n1 .*\n$/);
  assert.equal((await operated.gwe(['rollout', 'list', '--state', 'paused'])).err, 'no rollout fits\n');

  const bad = await badTarball(operated.folder, 'bad.v1.tar.gz');
  const cases: Array<[string[], number, RegExp]> = [
    [['hello.v2.tar.gz'], 2, /either --group GROUP or --all/],
    [['--all', '--group', 'some', 'hello.v2.tar.gz'], 2, /either --group GROUP or --all/],
    [['--all', 'none.v1.tar.gz'], 1, /neither a file here nor in the Content Area/],
    [['--group', 'none', 'hello.v2.tar.gz'], 1, /none/],
    [['--all', '--stages', 'half', 'hello.v2.tar.gz'], 2, /10%,50%,100%/],
    [['--all', '--window', 'night', 'hello.v2.tar.gz'], 2, /02:00-05:00/],
    [['--all', '--timezone', 'UTC', 'hello.v2.tar.gz'], 2, /--window/],
    [['--all', '--window', '02:00-05:00', '--timezone', 'Mars', 'hello.v2.tar.gz'], 1, /no time zone/],
    [['--all', '--silent-after', 'soon', 'hello.v2.tar.gz'], 2, /90s, 10m, 2h or 1d/],
    [['--all', bad], 3, /install.sh/],
  ];
  for (const [words, status, message] of cases) {
    const done = await operated.gwe(['rollout', 'create', ...words]);
    assert.match(done.err, message, words.join(' '));
    assert.equal(done.status, status, words.join(' '));
  }
});

test('durations, percentages, stages and hours are read as a person types them', () => {
  assert.deepEqual(
    ['90', '90s', '10m', '1.5h', '2d'].map((text) => durationIn(text, '--x')),
    [90, 90, 600, 5400, 172_800],
  );
  assert.deepEqual([percentIn('10%', '--x'), percentIn('2.5', '--x')], [10, 2.5]);
  assert.deepEqual(stagesIn('5, 10%,100%'), [{ count: 5 }, { percent: 10 }, { percent: 100 }]);
  assert.deepEqual(windowIn('22:00-05:30'), { from: '22:00', to: '05:30' });
  assert.equal(untilIn('2026-05-01T06:00Z', '--x', 0), Date.UTC(2026, 4, 1, 6));
  assert.equal(untilIn('2d', '--x', 1000), 172_801_000);
  for (const wrong of ['', '-1s', '10 parsecs', '1e9'])
    assert.throws(() => durationIn(wrong, '--x'), { code: 'usage' });
  for (const wrong of ['101%', 'x', '']) assert.throws(() => percentIn(wrong, '--x'), { code: 'usage' });
});
