import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { changeGatewayCfg, EMPTY_GATEWAY_CFG, readGatewayCfg } from '../../src/config/gateway-cfg.ts';
import { identityOf, serialOf, serverOf } from '../../src/config/identity.ts';
import { findPlaces, loadGateway, loadSettings, saveGateway } from '../../src/config/places.ts';
import { defaultSettings } from '../../src/config/settings.ts';

const nobody = { cik: undefined, model: undefined, vendor: undefined, uuid: undefined, iface: undefined };
const noMac = () => undefined;

test('Gateway.cfg as shipped has the 63 bytes of the original, and nothing set', () => {
  assert.equal(EMPTY_GATEWAY_CFG.length, 63);
  assert.deepEqual(readGatewayCfg(EMPTY_GATEWAY_CFG), nobody);
  assert.deepEqual(readGatewayCfg(''), nobody);
});

test('values are read with and without quotes, and written as the original writes them', () => {
  assert.equal(readGatewayCfg('[device]\nuuid = "a b"\n').uuid, 'a b');
  const text = changeGatewayCfg('', { model: 'P', vendor: 'P', uuid: '001' });
  assert.equal(text, "[device]\ncik = ''\nmodel = P\nvendor = P\nuuid = 001\niface = ''\n\n");
  assert.equal(readGatewayCfg(changeGatewayCfg(text, { uuid: '' })).uuid, undefined);
});

test('comments and keys that are not ours survive', () => {
  const text = '# mine\n[device]\nuuid: 1\nnote = kept\n[more]\nx = y\n';
  assert.equal(
    changeGatewayCfg(text, { uuid: '2' }),
    '# mine\n[device]\nuuid = 2\nnote = kept\n[more]\nx = y\n',
  );
});

test('a Gateway.cfg that is no INI is a mistake of the configuration, and says which file and line', () => {
  assert.throws(() => readGatewayCfg('[device]\nnonsense'), {
    code: 'config',
    message: /Gateway\.cfg.*line 2/,
  });
  assert.throws(() => changeGatewayCfg('', { uuid: 'a\n[b]' }), { code: 'config' });
});

test('the uuid is the serial, else the MAC address in upper case; without either it says what to run', () => {
  const mac = (iface: string) => (iface === 'eth0' ? '02:fc:00:00:00:01' : undefined);
  assert.equal(serialOf({ ...nobody, uuid: 'SN', iface: 'eth0' }, mac), 'SN');
  assert.equal(serialOf({ ...nobody, iface: 'eth0' }, mac), '02:FC:00:00:00:01');
  assert.throws(() => serialOf({ ...nobody, iface: 'eth9' }, mac), {
    code: 'identity',
    message: /eth9/,
    hint: /--set-iface/,
  });
  assert.throws(() => serialOf(nobody, mac), { code: 'identity', hint: /--set-uuid/ });
});

test('vendor and model stand in for one another; without either it says what to run', () => {
  assert.deepEqual(identityOf({ ...nobody, uuid: '1', model: 'P' }, noMac), {
    vendor: 'P',
    model: 'P',
    serial: '1',
  });
  assert.deepEqual(identityOf({ ...nobody, uuid: '1', vendor: 'V' }, noMac), {
    vendor: 'V',
    model: 'V',
    serial: '1',
  });
  assert.throws(() => identityOf({ ...nobody, uuid: '1' }, noMac), {
    code: 'identity',
    hint: /--set-product-id/,
  });
});

test("the platform is the product's host at Exosite, unless a server is set", () => {
  const settings = defaultSettings();
  assert.equal(serverOf(settings, 'abc123').href, 'https://abc123.m2.exosite.io/');
  assert.equal(
    serverOf({ ...settings, 'engine.server': 'http://127.0.0.1:8080' }, 'x').href,
    'http://127.0.0.1:8080/',
  );
  for (const server of ['ftp://x', 'not a url', 'localhost:80']) {
    assert.throws(() => serverOf({ ...settings, 'engine.server': server }, 'x'), { code: 'config' }, server);
  }
});

test('a product id that would lead to another host is refused', () => {
  for (const model of ['evil.com/', 'user@evil.com#', 'evil.com?', 'a b', 'a/../b', 'evil.com\\']) {
    assert.throws(() => serverOf(defaultSettings(), model), { code: 'config' }, model);
  }
});

test('root has its folders under /etc and /var/lib, others where XDG says; two variables override both', () => {
  assert.equal(findPlaces({}, true).gatewayCfg, '/etc/gwe/Gateway.cfg');
  assert.equal(findPlaces({}, true).lock, '/var/lib/gwe/lock');
  const relative = findPlaces({ HOME: '/home/me', XDG_CONFIG_HOME: 'here', GWE_STATE_DIR: 'state' }, false);
  assert.equal(relative.config, '/home/me/.config/gwe');
  assert.equal(relative.state, join(process.cwd(), 'state'));
  const mine = findPlaces({ HOME: '/home/me', XDG_STATE_HOME: '/state' }, false);
  assert.equal(mine.engineConfig, '/home/me/.config/gwe/Engine.config');
  assert.equal(mine.journal, '/state/gwe/journal');
  const set = findPlaces({ GWE_CONFIG_DIR: '/c', GWE_STATE_DIR: '/s' }, true);
  assert.deepEqual([set.keys, set.outbox], ['/c/keys', '/s/outbox']);
});

test('what is saved is found again, readable by its owner only; nothing saved means nothing set', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-places-'));
  const places = findPlaces({ GWE_CONFIG_DIR: join(folder, 'config'), GWE_STATE_DIR: folder }, true);
  assert.deepEqual(loadGateway(places), nobody);
  assert.deepEqual(loadSettings(places).settings, defaultSettings());
  const cik = 'ab'.repeat(20);
  assert.equal(saveGateway(places, { uuid: '1', cik }), readFileSync(places.gatewayCfg, 'utf8'));
  chmodSync(places.gatewayCfg, 0o644);
  saveGateway(places, { uuid: '2' });
  assert.deepEqual(loadGateway(places), { ...nobody, uuid: '2', cik });
  assert.equal(statSync(places.gatewayCfg).mode & 0o777, 0o600);
  rmSync(folder, { recursive: true });
});
