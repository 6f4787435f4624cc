import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareVersions, mayInstall } from '../../src/installer/versions.ts';

describe('comparing versions', () => {
  const ascending = [
    ['1', '2'],
    ['1.9', '1.10'],
    ['1.0', '1.0.1'],
    ['1.0-rc1', '1.0'],
    ['1.0-rc2', '1.0-rc10'],
    ['1.0-alpha', '1.0-beta'],
    ['1.0.rc', '1.0.1'],
    ['1.0', '1.0+git5'],
    ['2024.12.31', '2025.1.1'],
    ['1.0b2', '1.0'],
    ['99999999999999999998', '99999999999999999999'],
  ] as const;
  for (const [older, newer] of ascending) {
    it(`finds ${older} older than ${newer}, both ways round`, () => {
      assert.ok(compareVersions(older, newer) < 0);
      assert.ok(compareVersions(newer, older) > 0);
    });
  }

  it('finds the same version the same, however it is written', () => {
    assert.equal(compareVersions('1.0', '1.0'), 0);
    assert.equal(compareVersions('1.02', '1.2'), 0);
    assert.equal(compareVersions('1.0-RC1', '1.0-rc1'), 0);
  });
});

describe('downgrades', () => {
  it('are refused where the command or the gateway says so, and a command cannot overrule the gateway', () => {
    assert.equal(mayInstall('1', '2', { setting: true, command: undefined }), true);
    assert.equal(mayInstall('1', '2', { setting: true, command: false }), false);
    assert.equal(mayInstall('1', '2', { setting: false, command: true }), false);
    assert.equal(mayInstall('2', '2', { setting: false, command: false }), true);
    assert.equal(mayInstall('1', undefined, { setting: false, command: false }), true);
  });
});
