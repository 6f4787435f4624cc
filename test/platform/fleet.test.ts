import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { conditionOf, conditionSql } from '../../src/platform/fleet-condition.ts';
import { clockAt, platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const body = (answer: RawAnswer) => JSON.parse(answer.body.toString());
const get = async (platform: RunningTestPlatform, path: string) => body(await platform.operate('GET', path));

const serials = (found: { gateways: Array<{ serial: string }> }) =>
  found.gateways.map(({ serial }) => serial);

/** What a gateway writes at a check-in. */
function checkIn(platform: RunningTestPlatform, cik: string, apps: Record<string, string>, interval_s = 60) {
  const rows = Object.entries(apps).map(([app, version]) => ({ [app]: { version } }));
  const report = JSON.stringify({ apps: rows, update_interval: interval_s });
  const form = new URLSearchParams({ engine_report: report });
  return platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], form.toString());
}

/** Four gateways: one on time, one late, one lost, one that never came. */
async function fleet(t: TestContext) {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  const ciks: Record<string, string> = {};
  for (const serial of ['gw-a', 'gw-b', 'GW-c', 'other']) ciks[serial] = await platform.gateway('P1', serial);
  await checkIn(platform, ciks['GW-c'] ?? '', { gwe: '1', hello: '1' });
  clock.set(START_MS + 200_000);
  await checkIn(platform, ciks['gw-b'] ?? '', { gwe: '1', hello: '2' });
  clock.set(START_MS + 400_000);
  await checkIn(platform, ciks['gw-a'] ?? '', { gwe: '2', hello: '2' });
  return { platform, clock, ciks };
}

test('gateways are found by state, serial, application, tag and time', async (t) => {
  const { platform } = await fleet(t);
  await platform.operate('PUT', '/api/v1/gateways/P1/gw-a/tags', '{"tags":["north","lab"]}');
  await platform.operate('PUT', '/api/v1/gateways/P1/gw-b/tags', '{"tags":["north"]}');
  const cases: Array<[query: string, expected: string[]]> = [
    ['state=on-time', ['gw-a']],
    ['state=late', ['gw-b']],
    ['state=lost', ['GW-c']],
    ['state=never', ['other']],
    ['state=late&state=lost', ['gw-b', 'GW-c']],
    ['state=late,lost', ['gw-b', 'GW-c']],
    ['serialPrefix=gw-', ['gw-a', 'gw-b']],
    ['serialContains=W-', ['gw-a', 'gw-b', 'GW-c']],
    ['serialContains=%25', []],
    ['application=hello', ['gw-a', 'gw-b', 'GW-c']],
    ['application=hello@2', ['gw-a', 'gw-b']],
    ['application=hello@9', []],
    ['tag=north', ['gw-a', 'gw-b']],
    ['tag=north&tag=lab', ['gw-a']],
    [`seenAfter=${START_MS + 1}`, ['gw-a', 'gw-b']],
    [`seenBefore=${START_MS + 1}`, ['GW-c', 'other']],
    ['status=notactivated', []],
    ["serial=x' OR 1=1 --", []],
    ['sort=-serial', ['other', 'gw-b', 'gw-a', 'GW-c']],
    ['sort=-lastSeen', ['gw-a', 'gw-b', 'GW-c', 'other']],
  ];
  for (const [query, expected] of cases) {
    const found = await get(platform, `/api/v1/gateways?${query.replaceAll(' ', '%20')}`);
    assert.deepEqual(serials(found), expected, query);
    assert.equal(found.total, expected.length, query);
  }
  for (const query of ['state=fine', 'sort=size', 'group=g', 'seenAfter=yesterday']) {
    const answer = await platform.operate('GET', `/api/v1/gateways?${query}`);
    assert.equal(answer.status, 'HTTP/1.1 400 Bad Request', query);
  }
});

test('whatever the order, page after page brings each gateway once', async (t) => {
  const { platform } = await fleet(t);
  for (const sort of ['added', '-added', 'serial', '-serial', 'lastSeen', '-lastSeen']) {
    const all = serials(await get(platform, `/api/v1/gateways?sort=${sort}`));
    const paged: string[] = [];
    for (let after = ''; ; ) {
      const page = await get(platform, `/api/v1/gateways?sort=${sort}&limit=1&after=${after}`);
      paged.push(...serials(page));
      if (page.next === undefined) break;
      after = page.next;
    }
    assert.deepEqual(paged, all, sort);
  }
});

test('a state in SQL is the same as the one in words of code', async (t) => {
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(':memory:');
  t.after(() => db.close());
  const sql = db.prepare(`SELECT ${conditionSql(':seen', ':interval')} AS state`);
  for (const age_s of [0, 59, 60, 61, 149, 150, 151, 359, 360, 361, 64_859, 64_861, 216_061]) {
    for (const interval_s of [60, undefined]) {
      const seen = START_MS - age_s * 1000;
      const row = sql.get({ seen, interval: interval_s ?? null, now: START_MS });
      assert.equal(row?.['state'], conditionOf(seen, interval_s, START_MS), `${age_s} of ${interval_s}`);
    }
  }
});

test('a group holds those that are listed and those that fit, also ones that come later', async (t) => {
  const { platform, ciks } = await fleet(t);
  const put = (sent: unknown) =>
    platform.operate('PUT', '/api/v1/products/P1/groups/g', JSON.stringify(sent));
  const members = async () => serials(await get(platform, '/api/v1/gateways?product=P1&group=g'));
  assert.equal(body(await put({ members: ['other'], filter: { application: 'hello@2' } })).gateways, 3);
  assert.deepEqual(await members(), ['gw-a', 'gw-b', 'other']);
  await checkIn(platform, ciks['GW-c'] ?? '', { hello: '2' });
  assert.deepEqual(await members(), ['gw-a', 'gw-b', 'GW-c', 'other']);
  assert.deepEqual((await get(platform, '/api/v1/gateways/P1/GW-c')).groups, ['g']);
  await put({ filter: {}, add: ['gw-a'], remove: ['other'] });
  assert.deepEqual(await members(), ['gw-a']);
  await platform.operate('DELETE', '/api/v1/gateways/P1/gw-a');
  assert.deepEqual(await members(), []);
});

test('old tools see groups as rows of csv', async (t) => {
  const { platform } = await fleet(t);
  const G = '/provision/manage/group/P1/';
  const CSV = ['Content-Type: text/csv; charset=utf-8'];
  const ask = async (method: string, path: string, sent = '', headers: string[] = []) => {
    const { status, body: bytes } = await platform.operate(method, path, sent, headers);
    return `${status.split(' ')[1]} ${bytes.toString()}`;
  };
  assert.equal(await ask('GET', G), '204 ');
  assert.equal(await ask('POST', G, 'id=lab&meta=a, b'), '205 ');
  assert.match(await ask('POST', G, 'id=lab'), /^409 /);
  assert.equal(await ask('GET', G), '200 lab,"a, b"\r\n');
  assert.equal(await ask('POST', `${G}lab/`, 'sn[]=gw-a&sn[]=gw-b'), '205 ');
  assert.equal(await ask('GET', `${G}lab`), '200 "a, b",2');
  assert.equal(await ask('DELETE', `${G}lab/`, 'sn=gw-a'), '205 ');
  assert.equal(await ask('GET', `${G}lab/`), '200 sn,gw-b,,\r\n');
  assert.equal(await ask('POST', `${G}lab/`, 'type=sn&id[]=gw-a&id[]=GW-c&expire=&description='), '205 ');
  assert.equal(await ask('GET', `${G}lab/?id=GW-c`), '200 sn,GW-c,,\r\n');
  assert.equal(await ask('GET', `${G}lab/?type=content`), '204 ');
  assert.match(await ask('POST', `${G}lab/`, 'type=content&id=notes'), /^400 /);
  assert.equal(await ask('DELETE', `${G}lab/`, 'sn,gw-b\r\nsn,GW-c\r\n', CSV), '205 ');
  assert.equal(await ask('POST', `${G}lab/`, 'sn,gw-b,,from csv\n', CSV), '205 ');
  assert.equal(await ask('GET', `${G}lab/?offset=1&limit=5`), '200 sn,gw-b,,\r\n');
  assert.equal(await ask('GET', `${G}lab/?offset=2&limit=5`), '204 ', 'pages come to an end');
  assert.equal(await ask('GET', '/provision/manage/model/P1/gw-b?show=groups'), '200 lab\r\n');
  assert.equal(await ask('GET', '/provision/manage/model/P1/GW-c?show=groups'), '204 ');
  assert.equal(await ask('GET', `${G}?offset=1`), '204 ');
  assert.equal(await ask('DELETE', `${G}lab`), '205 ');
  assert.match(await ask('GET', `${G}lab`), /^404 /);
});

test('the overview counts states, versions, check-ins and how installs ended, hour by hour', async (t) => {
  const { platform, clock, ciks } = await fleet(t);
  const device = [`X-Exosite-CIK: ${ciks['gw-a']}`];
  const say = (text: string) =>
    platform.call('POST', '/onep:v1/stack/alias', device, `fetch_status=${encodeURIComponent(text)}`);
  await say('hello.v2.tar.gz: installed in 1 s (attempt 1, exit 0)');
  await say('half way');
  await get(platform, '/api/v1/overview');
  clock.set(START_MS + 400_000 + HOUR_MS);
  await say('hello.v3.tar.gz: failed: install.sh ended with 1; back at v2\noutput');
  await checkIn(platform, ciks['gw-a'] ?? '', { gwe: '2', hello: '2' });
  const { gateways, versions, hours, history } = await get(platform, '/api/v1/overview');
  assert.deepEqual(gateways, { total: 4, 'on-time': 1, late: 0, lost: 2, never: 1 });
  assert.deepEqual(versions.slice(0, 2), [
    { app: 'gwe', version: '1', gateways: 2 },
    { app: 'hello', version: '2', gateways: 2 },
  ]);
  const hour = START_MS - (START_MS % HOUR_MS);
  assert.deepEqual(hours, [
    { time: hour, checkIns: 3, installs: 1, failures: 0 },
    { time: hour + HOUR_MS, checkIns: 1, installs: 0, failures: 1 },
  ]);
  assert.ok(history.length > 0);
});

test('after a restart nothing that was reported has to be reported again', async (t) => {
  const { platform } = await fleet(t);
  await platform.close();
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${platform.folder}/platform.db`);
  db.exec('DELETE FROM fleet; DELETE FROM installed;');
  db.close();
  const again = await platformFor(t, { folder: platform.folder, clock: clockAt(START_MS + 400_000) });
  const found = await get(again, '/api/v1/gateways?application=hello@2');
  assert.deepEqual(serials(found), ['gw-a', 'gw-b']);
});

test('history is read page by page, by id and by time', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  await platform.gateway('P1', 'SN1');
  const port = '/api/v1/gateways/P1/SN1/dataports/temp';
  for (let n = 0; n < 10; n += 1) {
    clock.set(START_MS + n * 1000);
    await platform.operate('PUT', port, JSON.stringify({ value: String(n) }));
  }
  const values = async (query: string) =>
    (await get(platform, `${port}?${query}`)).points.map(({ value }: { value: string }) => value).join('');
  const { points } = await get(platform, `${port}?points=3`);
  assert.equal(await values('points=3'), '789');
  assert.equal(await values(`points=3&before=${points[0].id}`), '456');
  assert.equal(await values(`points=100&from=${START_MS + 2000}&to=${START_MS + 4000}`), '234');
  assert.equal(await values(`since=${points[0].id}`), '89');
});
