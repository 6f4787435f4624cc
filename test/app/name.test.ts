import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckFailure } from '../../src/app/checks.ts';
import { NAME_MAX_BYTES, parseTarballName, tarballNameOf } from '../../src/app/name.ts';

const GOOD: ReadonlyArray<readonly [file: string, app: string, version: string]> = [
  ['app_update.v2.tar.gz', 'app_update', '2'],
  ['my-app.v1.2.3.tar.gz', 'my-app', '1.2.3'],
  ['a.v1.v2.tar.gz', 'a.v1', '2'],
  ['gwe.v1.0.0-rc.1+build_5.tar.gz', 'gwe', '1.0.0-rc.1+build_5'],
  ['9.v0.tar.gz', '9', '0'],
];

for (const [file, app, version] of GOOD) {
  test(`${file} is version ${version} of ${app}`, () => {
    assert.deepEqual(parseTarballName(file), { file, app, version });
    assert.deepEqual(tarballNameOf(app, version), { file, app, version });
  });
}

const BAD: ReadonlyArray<readonly [file: string, says: RegExp]> = [
  ['', /does not end in \.tar\.gz/],
  ['app.v1.zip', /does not end in \.tar\.gz/],
  ['app.v1.tar.gz ', /does not end in/],
  ['app.tar.gz', /no "\.v"/],
  ['app-1.tar.gz', /no "\.v"/],
  ['.v1.tar.gz', /application name ""/],
  ['app.v.tar.gz', /version ""/],
  ['-rf.v1.tar.gz', /application name "-rf"/],
  ['.app.v1.tar.gz', /application name ".app"/],
  ['a b.v1.tar.gz', /application name "a b"/],
  ['app.v1;reboot.tar.gz', /version "1;reboot"/],
  ['app.v$(id).tar.gz', /version/],
  ['app\n.v1.tar.gz', /application name/],
  ['äpp.v1.tar.gz', /application name/],
  ['../app.v1.tar.gz', /"\/"/],
  ['a/app.v1.tar.gz', /"\/"/],
  ['app..v1.tar.gz', /"\.\."/],
  [`${'a'.repeat(NAME_MAX_BYTES)}.v1.tar.gz`, /longer than 200 bytes/],
];

for (const [file, says] of BAD) {
  test(`${JSON.stringify(file.slice(0, 30))} is no name of a tarball`, () => {
    assert.throws(
      () => parseTarballName(file),
      (error) => error instanceof CheckFailure && error.check === 'name' && says.test(error.message),
    );
  });
}

test('a version with ".v" in it is refused, since it would be split elsewhere', () => {
  assert.throws(() => tarballNameOf('app', '1.v2'), { code: 'check' });
});
