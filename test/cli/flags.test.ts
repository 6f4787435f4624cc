import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { scratchMachine } from './call.ts';

const CIK = '0123456789abcdef0123456789abcdef01234567';

test('setters combine in one call, and each file that was changed is printed', async (t) => {
  const { call, places } = scratchMachine(t);
  const { status, out, err } = await call(['--set-product-id', 'P', '--set-uuid', 'SN', '-t', '60']);
  assert.equal(status, 0);
  assert.equal(err, '');
  assert.equal(
    out,
    "[device]\ncik = ''\nmodel = P\nvendor = P\nuuid = SN\niface = ''\n\n[engine]\nupdate_interval = 60\n",
  );
  assert.equal(out, readFileSync(places.gatewayCfg, 'utf8') + readFileSync(places.engineConfig, 'utf8'));
  assert.equal(statSync(places.gatewayCfg).mode & 0o777, 0o600);
});

test('every setter of the original sets what it names', async (t) => {
  const { call } = scratchMachine(t);
  const gateway = await call(['-m', 'M', '-r', 'V', '-u', 'U', '-c', CIK]);
  assert.equal(gateway.out, `[device]\ncik = ${CIK}\nmodel = M\nvendor = V\nuuid = U\niface = ''\n\n`);
  const engine = await call([
    '-l',
    '5',
    '-d',
    'warning',
    '-a',
    'Mine/1',
    '-t',
    '9',
    '--set-server',
    'http://127.0.0.1:8080',
  ]);
  assert.deepEqual(engine.out.trim().split('\n').sort(), [
    '[engine]',
    'activation_retry_interval = 5',
    'debug_level = WARNING',
    'server = http://127.0.0.1:8080',
    'update_interval = 9',
    'user_agent = Mine/1',
  ]);
});

test('model and vendor may differ from the product id in the same call', async (t) => {
  const { call } = scratchMachine(t);
  assert.match((await call(['-m', 'M', '-P', 'P'])).out, /model = M\nvendor = P\n/);
});

test('two quotes or nothing unset a value', async (t) => {
  const { call } = scratchMachine(t);
  await call(['-u', 'SN', '-c', CIK, '--set-server', 'https://x.example']);
  const { out } = await call(['-u', "''", '-c', '', '--set-server', "''"]);
  assert.match(out, /cik = ''\n/);
  assert.match(out, /uuid = ''\n/);
  assert.match(out, /server = ''\n/);
});

test('comments and unknown keys outlive a setter', async (t) => {
  const { call, places } = scratchMachine(t);
  await call(['-u', 'SN']);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(places.gatewayCfg, "# mine\n[device]\nuuid = ''\ncolour = red\n");
  assert.match((await call(['-u', 'SN'])).out, /# mine\n\[device\]\nuuid = SN\ncolour = red\n/);
});

test('one mistake in a call, and nothing is changed by it', async (t) => {
  const { call, places } = scratchMachine(t);
  const { status, out, err } = await call(['-P', 'P', '-u', 'SN', '-t', '0']);
  assert.equal(status, 2);
  assert.equal(out, '');
  assert.equal(err.trim().split('\n').length, 1);
  assert.ok(!existsSync(places.gatewayCfg));
});

test('what is printed: key, files, version, place', async (t) => {
  const { call } = scratchMachine(t);
  assert.equal((await call(['--gateway-cik'])).out, "''\n");
  assert.equal(
    (await call(['-g'])).out,
    "[device]\ncik = ''\nmodel = ''\nvendor = ''\nuuid = ''\niface = ''\n\n",
  );
  assert.match((await call(['-e'])).out, /^# .*Engine\.config is not there/);
  await call(['-c', CIK, '-t', '61']);
  assert.equal((await call(['-C'])).out, `${CIK}\n`);
  assert.equal((await call(['-e'])).out, '[engine]\nupdate_interval = 61\n');
  assert.match((await call(['--version'])).out, /^gwe \S+ \(commit \S+, Node\.js v\d+\.\d+\.\d+\)\n$/);
  assert.match((await call(['-p'])).out, /src\/main\.ts\n$/);
});

test('the MAC address of an interface is in upper case with colons; one without an address is an error', async (t) => {
  const { call } = scratchMachine(t);
  const iface = Object.entries(networkInterfaces()).find(([, list]) =>
    list?.some(({ internal }) => !internal),
  )?.[0];
  if (iface !== undefined) {
    assert.match((await call(['--mac-address', iface])).out, /^[0-9A-F]{2}(:[0-9A-F]{2}){5}\n$/);
  }
  const none = await call(['--mac-address', 'no-such0']);
  assert.equal(none.status, 1);
  assert.match(none.err, /no-such0.*\n {2}The interfaces/s);
});

test('an interface that is not there yet is set all the same, with a warning', async (t) => {
  const { call } = scratchMachine(t);
  const { status, out, err } = await call(['-i', 'ppp7']);
  assert.equal(status, 0);
  assert.match(out, /iface = ppp7/);
  assert.match(err, /ppp7 has no MAC address now/);
});

test('a gateway that becomes another one is told that its key is still the old one', async (t) => {
  const { call } = scratchMachine(t);
  await call(['-P', 'P', '-u', 'SN', '-c', CIK]);
  assert.equal((await call(['-u', 'SN'])).err, '');
  assert.match((await call(['-u', 'OTHER'])).err, /gwe --set-cik ''/);
  assert.equal((await call(['-u', 'SN', '-c', ''])).err, '');
});

test('settings can be listed, read and changed by name', async (t) => {
  const { call } = scratchMachine(t);
  assert.equal((await call(['config', 'get', 'install.timeout'])).out, '1800\n');
  assert.equal((await call(['config', 'set', 'install.timeout', '600'])).out, '[install]\ntimeout = 600\n');
  assert.equal((await call(['config', 'get', 'install.timeout'])).out, '600\n');
  assert.match((await call(['config', 'list'])).out, /^\* install\.timeout +600 +s$/m);
  assert.equal(JSON.parse((await call(['config', 'list', '--json'])).out)['install.timeout'], 600);
  const wrong = await call(['config', 'set', 'install.timeout', 'soon']);
  assert.deepEqual([wrong.status, wrong.err.includes('a whole number from 1')], [2, true]);
  assert.match((await call(['config', 'get', 'install.timeot'])).err, /nearest is install\.timeout/);
  assert.match((await call(['config', 'st'])).err, /gwe config set/);
});

test('a setting that cannot be used is named when the settings are read', async (t) => {
  const { call, places } = scratchMachine(t);
  await call(['-t', '60']);
  const { writeFileSync } = await import('node:fs');
  writeFileSync(places.engineConfig, '[engine]\nupdate_interval = soon\n');
  const { status, out, err } = await call(['config', 'get', 'engine.update_interval']);
  assert.deepEqual([status, out], [0, '43200\n']);
  assert.match(err, /engine\.update_interval/);
});

test('an unknown command is answered with the nearest', async (t) => {
  const { call } = scratchMachine(t);
  const { status, err } = await call(['statsu']);
  assert.equal(status, 2);
  assert.match(err, /^gwe: Cannot understand "statsu".*nearest command is status.*\n$/);
});

test('without an identity the engine does not start, and says what to run', async (t) => {
  const { call } = scratchMachine(t);
  const product = await call(['--once']);
  assert.deepEqual([product.status, product.err.split('\n').length], [2, 2]);
  assert.match(product.err, /gwe --set-product-id/);
  await call(['-P', 'P']);
  const serial = await call(['--once']);
  assert.equal(serial.status, 2);
  assert.match(serial.err, /gwe --set-uuid SERIAL/);
});

test('the first word of several commands has help of its own', async (t) => {
  const { call } = scratchMachine(t);
  for (const argv of [
    ['content', '--help'],
    ['content', '-h'],
    ['help', 'content'],
  ]) {
    const { status, out, err } = await call(argv);
    assert.deepEqual([status, err], [0, '']);
    for (const name of ['content upload', 'content list', 'content rm']) assert.ok(out.includes(name));
  }
  assert.match((await call(['platform', '--help'])).out, /--listen/);
  assert.equal((await call(['content'])).status, 2);
});

test('help and version of the device client', async (t) => {
  const { call } = scratchMachine(t);
  assert.match((await call(['--help'], { name: '/usr/local/bin/gdc' })).out, /gdc write/);
  assert.match((await call(['-v'], { name: 'gdc' })).out, /^gdc /);
  const none = await call([], { name: 'gdc' });
  assert.deepEqual([none.status, none.out], [2, '']);
});
