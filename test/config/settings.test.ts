import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeSetting, readSettings, readTrustedSettings } from '../../src/config/engine-config.ts';
import {
  defaultSettings,
  formatSetting,
  isSettingName,
  parseSetting,
  SETTING_NAMES,
  SETTINGS,
} from '../../src/config/settings.ts';

const refuses = (name: keyof typeof SETTINGS, written: string, pattern = /expected/) =>
  assert.throws(
    () => parseSetting(name, written),
    (error: Error & { code?: string }) => error.code === 'config' && pattern.test(error.message),
    `${name} = ${written}`,
  );

test('without a file every setting has its documented default', () => {
  const { settings, problems } = readSettings('');
  assert.deepEqual(settings, defaultSettings());
  assert.deepEqual(problems, []);
  assert.equal(settings['engine.update_interval'], 43_200);
  assert.equal(settings['engine.server'], '');
  assert.equal(settings['install.rollback'], true);
});

test('every default is a value that its own row takes, written and read', () => {
  for (const name of SETTING_NAMES) {
    assert.deepEqual(parseSetting(name, formatSetting(SETTINGS[name].default)), SETTINGS[name].default, name);
  }
});

test('values are read as people write them', () => {
  assert.equal(parseSetting('engine.update_interval', ' 60 '), 60);
  assert.equal(parseSetting('engine.debug_level', 'debug'), 'DEBUG');
  assert.equal(parseSetting('engine.allow_http', 'Yes'), true);
  assert.equal(parseSetting('engine.allow_http', '0'), false);
  assert.equal(parseSetting('engine.server', "''"), '');
});

test('what is out of range or of another kind is refused, saying what was expected', () => {
  refuses('engine.update_interval', '0', /from 1 to 31536000 \(s\)/);
  refuses('engine.update_interval', '31536001');
  for (const written of ['', '1.5', '-1', '1e3', '0x10', '1 h', '999999999999999999999'])
    refuses('engine.update_interval', written);
  refuses('engine.debug_level', 'LOUD', /one of DEBUG, INFO/);
  for (const written of ['maybe', '', 'constructor', '__proto__', 'toString', 'on\noff'])
    refuses('install.rollback', written, /on or off/);
  refuses('engine.user_agent', 'a\r\nX-Evil: 1', /one line/);
});

test('a bad value costs itself only, and so does a broken file', () => {
  const { settings, problems } = readSettings(
    '[engine]\nupdate_interval = soon\njitter_percent = 7\nmine = kept\n',
  );
  assert.equal(settings['engine.update_interval'], 43_200);
  assert.equal(settings['engine.jitter_percent'], 7);
  assert.equal(problems.length, 1);
  const broken = readSettings('what is this');
  assert.deepEqual(broken.settings, defaultSettings());
  assert.match(broken.problems[0] ?? '', /line 1/);
});

test('where the default would contact another platform, or let in what is unsigned, nothing is contacted', () => {
  for (const text of [
    'what is this',
    '[engine\nserver = https://a.example',
    '[security]\nrequire_signature = yess\n',
  ])
    assert.throws(() => readTrustedSettings(text), { code: 'config' }, text);
  const { settings } = readTrustedSettings('[engine]\nupdate_interval = soon\nserver = https://a.example\n');
  assert.equal(settings['engine.server'], 'https://a.example');
});

test('changing a setting keeps comments and keys that are not ours', () => {
  const text = '# mine\n[engine]\nupdate_interval = 60\nother = x\n';
  const changed = changeSetting(text, 'engine.update_interval', '90');
  assert.equal(changed, '# mine\n[engine]\nupdate_interval = 90\nother = x\n');
  assert.equal(readSettings(changeSetting('', 'engine.server', '')).settings['engine.server'], '');
  assert.throws(() => changeSetting(text, 'engine.update_interval', '0'), { code: 'config' });
  assert.throws(() => changeSetting('nonsense', 'engine.update_interval', '60'), {
    code: 'config',
    message: /Engine\.config/,
  });
});

test('only settings of the table are settings', () => {
  assert.ok(isSettingName('engine.server'));
  for (const name of ['engine', 'server', 'constructor', '__proto__', 'engine.nothing'])
    assert.ok(!isSettingName(name));
});
