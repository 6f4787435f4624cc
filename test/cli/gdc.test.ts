import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newestOf } from '../../src/cli/download-latest.ts';
import { type Called, scratchMachine } from './call.ts';
import { goodTarball, startOperated } from './operator-fixture.ts';

/** A gateway of a real platform, and gdc as its applications call it. */
async function activated(t: TestContext) {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  await operated.gwe(['gateway', 'add', 'SN', '--product', 'demo']);
  const machine = scratchMachine(t);
  await machine.call(['-P', 'demo', '-u', 'SN', '--set-server', operated.url]);
  const gdc = (argv: string[], typed = ''): Promise<Called> => machine.call(argv, { name: 'gdc', typed });
  const cik = (await gdc(['activate'])).out.trim();
  // A platform drops writes to dataports that it does not know; the operator's write makes them.
  for (const alias of ['log', 'setpoint', 'temperature', 'command']) {
    await operated.gwe(['write', 'SN', alias, '0', '--product', 'demo']);
  }
  return { operated, machine, gdc, cik };
}

test('an application activates, writes, and reads back the value alone', async (t) => {
  const { gdc, cik } = await activated(t);
  assert.match(cik, /^[0-9a-f]{40}$/);
  assert.deepEqual(await gdc(['write', cik, 'fetch_status', 'half way & 100 % ünicode']), {
    status: 0,
    out: '',
    err: '',
  });
  assert.equal((await gdc(['read', cik, 'fetch_status'])).out, 'half way & 100 % ünicode\n');
  assert.equal((await gdc(['read', cik, 'never_written'])).out, '\n');
  await gdc(['write', cik, 'log', '-'], 'line 1\nline 2\n');
  assert.equal((await gdc(['read', cik, 'log'])).out, 'line 1\nline 2\n');
  await gdc(['write', cik, 'setpoint', '--', '-5']);
  assert.equal((await gdc(['read', cik, 'setpoint'])).out, '-5\n');
  await gdc(['write', cik, 'setpoint', '-6']);
  assert.equal((await gdc(['read', cik, 'setpoint'])).out, '-6\n');
});

test("the platform's clock, and points with a time of their own", async (t) => {
  const { gdc, cik } = await activated(t);
  assert.match((await gdc(['timestamp'])).out, /^\d{10}\n$/);
  assert.equal((await gdc(['record', cik, 'temperature', '1700000000=20', '1700000060=21'])).status, 0);
  assert.equal((await gdc(['record', cik, 'temperature', 'yesterday=20'])).status, 2);
});

test('waiting for a write ends with it, or with 1 when the time is over', async (t) => {
  const { gdc, cik } = await activated(t);
  let isOver = false;
  const waiting = gdc(['wait', cik, 'command', '-t', '30']).finally(() => {
    isOver = true;
  });
  // Only a write after the poll has reached the platform counts.
  while (!isOver) await gdc(['write', cik, 'command', 'go']);
  const ended = await waiting;
  assert.deepEqual([ended.status, ended.out], [0, 'go\n']);
});

test('the Content Area is listed, looked up and downloaded', async (t) => {
  const { operated, machine, gdc, cik } = await activated(t);
  const tarball = await goodTarball(operated.folder, 'app.v1.tar.gz');
  await operated.gwe(['content', 'upload', tarball, '--product', 'demo']);
  assert.equal((await gdc(['listc', cik])).out, 'app.v1.tar.gz\n');
  assert.match((await gdc(['info', cik, 'app.v1.tar.gz'])).out, /size: \d+\n/);
  const to = join(machine.folder, 'fetched');
  assert.equal((await gdc(['download', cik, 'app.v1.tar.gz', to])).status, 0);
  assert.ok(readFileSync(to).equals(readFileSync(tarball)));
  const bytes: Uint8Array[] = [];
  const shown = await machine.call(['download', cik, 'app.v1.tar.gz', '-'], {
    name: 'gdc',
    outBytes: (some) => bytes.push(some),
  });
  assert.equal(shown.status, 0);
  assert.ok(Buffer.concat(bytes).equals(readFileSync(tarball)));
  const none = await gdc(['download', cik, 'none.v1.tar.gz', to]);
  assert.equal(none.status, 1);
  assert.ok(readFileSync(to).equals(readFileSync(tarball)), 'a failed download leaves what was there');
  assert.equal((await gdc(['download', cik, '../evil'])).status, 2);
});

test('the newest tarball of an application is found by its version, not by its name', async (t) => {
  assert.equal(
    newestOf('app', ['app.v1.9.tar.gz', 'app.v1.10.tar.gz', 'other.v3.tar.gz', 'x'])?.version,
    '1.10',
  );
  assert.equal(newestOf('none', ['app.v1.tar.gz']), undefined);
  const { operated, machine, cik } = await activated(t);
  for (const version of ['1.9', '1.10']) {
    const tarball = await goodTarball(operated.folder, `app.v${version}.tar.gz`);
    await operated.gwe(['content', 'upload', tarball, '--product', 'demo']);
  }
  const before = process.cwd();
  process.chdir(machine.folder);
  t.after(() => process.chdir(before));
  assert.match((await machine.call(['--download-latest', 'app'])).err, /not activated/);
  await machine.call(['-c', cik]);
  const { status, out } = await machine.call(['--download-latest', 'app']);
  assert.deepEqual([status, out], [0, `${process.cwd()}/app.v1.10.tar.gz\n`]);
});

test('a gateway that is not activated, a wrong key, and a platform that is away are told apart', async (t) => {
  const { operated, gdc, cik } = await activated(t);
  const none = await gdc(['write', "''", 'a', 'b']);
  assert.equal(none.status, 2);
  assert.match(none.err, /not activated/);
  const wrong = await gdc(['read', 'f'.repeat(40), 'a']);
  assert.equal(wrong.status, 1);
  await operated.outage(async () => {
    const away = await gdc(['read', cik, 'a']);
    assert.equal(away.status, 1);
    assert.match(away.err, /^gdc: Cannot /);
  });
  assert.equal((await gdc(['read', cik, 'a', '--server', 'nonsense'])).status, 2);
});

test('without a server and a product, gdc says what to set', async (t) => {
  const { call, places } = scratchMachine(t);
  const { status, err } = await call(['timestamp'], { name: 'gdc' });
  assert.equal(status, 2);
  assert.match(err, /gwe --set-server URL/);
  await call(['-u', 'x']);
  writeFileSync(places.gatewayCfg, 'no ini');
  assert.equal((await call(['timestamp', '--server', 'http://127.0.0.1:1'], { name: 'gdc' })).status, 2);
});
