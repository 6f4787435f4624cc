import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activateGateway, type Operated, startOperated } from './operator-fixture.ts';

const report = (version: string) =>
  JSON.stringify({ apps: [{ gwe: { version: '1' } }, { hello: { version } }], update_interval: 60 });

/** gw-1 with hello 1, gw-2 with hello 2, both seen just now; old-3 was never there. */
async function fleetOf(operated: Operated): Promise<void> {
  await operated.gwe(['product', 'create', 'P1']);
  await operated.gwe(['gateway', 'add', 'gw-1', 'gw-2', 'old-3']);
  for (const [serial, version] of [
    ['gw-1', '1'],
    ['gw-2', '2'],
  ] as const) {
    await (await activateGateway(operated, 'P1', serial)).write({ engine_report: report(version) });
  }
}

/** Serials of the table that a command prints. */
async function serialsOf(operated: Operated, ...args: string[]): Promise<string[]> {
  const done = await operated.gwe(['gateways', ...args]);
  assert.equal(done.status, 0, done.err);
  return done.out
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(' ')[0] ?? '');
}

test('gateways are found by serial, tag, application, state, status and time, sorted and page by page', async (t) => {
  const operated = await startOperated(t);
  await fleetOf(operated);
  await operated.gwe(['tag', 'add', 'lab', 'gw-1', 'old-3']);
  assert.deepEqual(await serialsOf(operated, '--serial', 'GW'), ['gw-1', 'gw-2']);
  assert.deepEqual(await serialsOf(operated, '--serial-prefix', 'old'), ['old-3']);
  assert.deepEqual(await serialsOf(operated, '--tag', 'lab', '--status', 'activated'), ['gw-1']);
  assert.deepEqual(await serialsOf(operated, '--app', 'hello@2'), ['gw-2']);
  assert.deepEqual(await serialsOf(operated, '--app', 'hello', '--sort', 'serial', '-r'), ['gw-2', 'gw-1']);
  assert.deepEqual(await serialsOf(operated, '--state', 'never', '--state', 'lost'), ['old-3']);
  assert.deepEqual(await serialsOf(operated, '--seen-after', '1h'), ['gw-1', 'gw-2']);
  assert.deepEqual(await serialsOf(operated, '--seen-before', '2020-01-01T00:00Z'), ['old-3']);
  const page = await operated.gwe(['gateways', '--limit', '2', '--sort', 'serial']);
  const [, total, next = ''] = page.err.match(/^2 of (\d+); next page: --after (\S+)\n$/) ?? [];
  assert.equal(total, '3', page.err);
  const rest = await operated.gwe(['gateways', '--limit', '2', '--sort', 'serial', '--after', next]);
  assert.match(rest.out, /\nold-3 .*lab\n$/);
  assert.match(rest.err, /the last page/);
  const none = await operated.gwe(['gateways', '--tag', 'nothing']);
  assert.deepEqual([none.status, none.out, none.err], [0, '', 'no gateway fits\n']);
  const wrong = await operated.gwe(['gateways', '--seen-after', 'soon']);
  assert.deepEqual([wrong.status, /--seen-after/.test(wrong.err)], [2, true]);
});

test('tags are given and taken without touching the others, and a slip in a serial changes nothing', async (t) => {
  const operated = await startOperated(t);
  await fleetOf(operated);
  await operated.gwe(['tag', 'add', 'north', 'gw-1']);
  const added = await operated.gwe(['tag', 'add', 'lab', 'gw-1', 'gw-2']);
  assert.equal(added.out, 'gw-1: lab, north\ngw-2: lab\n');
  const slip = await operated.gwe(['tag', 'add', 'new', 'gw-1', 'gw-9']);
  assert.deepEqual([slip.status, /Cannot find gateway gw-9/.test(slip.err)], [1, true]);
  assert.equal((await operated.gwe(['tag', 'list'])).out, 'TAG    GATEWAYS\nlab    2\nnorth  1\n');
  assert.equal((await operated.gwe(['tag', 'rm', 'lab', 'gw-2'])).out, 'gw-2: no tags\n');
  assert.deepEqual(JSON.parse((await operated.gwe(['tag', 'list', '--json'])).out), { lab: 1, north: 1 });
});

test('a group is made of serials or of a filter, changed, shown, used and removed; its gateways stay', async (t) => {
  const operated = await startOperated(t);
  await fleetOf(operated);
  const made = await operated.gwe(['group', 'create', 'pair', 'gw-1', 'old-3', '--note', 'for trials']);
  assert.deepEqual([made.out, made.err], ['group pair of P1 has 2 gateways\n', '']);
  const twice = await operated.gwe(['group', 'create', 'pair', 'gw-2']);
  assert.deepEqual([twice.status, /has it already.*group join pair/s.test(twice.err)], [1, true]);
  assert.equal(
    (await operated.gwe(['group', 'create', 'new', '--app', 'hello@2'])).out,
    'group new of P1 has 1 gateway\n',
  );
  assert.equal(
    (await operated.gwe(['group', 'join', 'pair', 'gw-2'])).out,
    'group pair of P1 has 3 gateways\n',
  );
  assert.equal(
    (await operated.gwe(['group', 'leave', 'pair', 'gw-1'])).out,
    'group pair of P1 has 2 gateways\n',
  );
  assert.deepEqual(await serialsOf(operated, '--group', 'pair'), ['gw-2', 'old-3']);
  assert.equal(
    (await operated.gwe(['group', 'set', 'pair', '--serial', 'GW-1'])).out,
    'group pair of P1 has 3 gateways\n',
  );
  const shown = await operated.gwe(['group', 'show', 'pair']);
  assert.equal(
    shown.out,
    'group     pair of P1\ngateways  3\nnote      for trials\nfilter    --serial GW-1\nlisted    gw-2 old-3\n',
  );
  assert.match(
    (await operated.gwe(['group', 'list'])).out,
    /^GROUP +PRODUCT .*\nnew +P1 +1 +--app hello@2\npair +P1 +3 /,
  );
  assert.equal(
    (await operated.gwe(['group', 'set', 'pair', '--no-filter'])).out,
    'group pair of P1 has 2 gateways\n',
  );
  const lost = await operated.gwe(['group', 'join', 'nowhere', 'gw-1']);
  assert.deepEqual(
    [lost.status, /Cannot find group nowhere/.test(lost.err)],
    [1, true],
    'a slip makes no group',
  );
  assert.equal((await operated.gwe(['group', 'rm', 'pair'])).out, 'group pair removed\n');
  assert.equal((await serialsOf(operated)).length, 3);
});
