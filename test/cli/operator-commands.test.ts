import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  activateGateway,
  badTarball,
  goodTarball,
  gwe,
  makeFile,
  startOperated,
  TOKEN,
  temporaryFolder,
} from './operator-fixture.ts';

test('login tries the token, keeps it for the owner alone, and later commands need nothing more', async (t) => {
  const { url, folder } = await startOperated(t);
  const env = { HOME: folder };
  const bad = await gwe(['login', url, '--token', 'wrong'], env);
  assert.equal(bad.status, 1);
  assert.match(bad.err, /gwe login URL/);
  const good = await gwe(['login', `${url}/`], env, { input: `${TOKEN}\n` });
  assert.equal(good.status, 0, good.err);
  assert.match(good.out, /^logged in to http:\/\/127\.0\.0\.1:\d+ as /);
  const file = join(folder, '.config/gwe/operator.json');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal(JSON.parse(await readFile(file, 'utf8')).url, url);
  assert.equal((await gwe(['product', 'create', 'demo'], env)).status, 0);
  assert.match((await gwe(['product', 'list'], env)).out, /demo/);
  const early = await gwe(['login', url, '--token', TOKEN, '--product', 'later'], env);
  assert.equal(early.status, 0);
  assert.match(early.err, /no product later yet; next: gwe product create later/);
});

test('whoever is not logged in is told how, and a damaged login is named', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { HOME: folder, GWE_CONFIG_DIR: folder };
  const stranger = await gwe(['gateways'], env);
  assert.equal(stranger.status, 2);
  assert.match(stranger.err, /not logged in.*gwe login URL/s);
  const half = await gwe(['gateways'], { ...env, GWE_PLATFORM_URL: 'http://127.0.0.1:1' });
  assert.equal(half.status, 2);
  assert.match(half.err, /GWE_PLATFORM_TOKEN is not/);
  await makeFile(folder, 'operator.json', '{"url": 7}');
  const damaged = await gwe(['gateways'], env);
  assert.equal(damaged.status, 2);
  assert.match(damaged.err, /operator\.json: it holds no login/);
});

test('a token is not sent in clear text to another machine unless that is asked for', async (t) => {
  const env = { HOME: await temporaryFolder(t) };
  const refused = await gwe(['login', 'http://192.0.2.1', '--token', 'x'], env);
  assert.equal(refused.status, 2);
  assert.match(refused.err, /clear text.*--allow-http/s);
});

test('products and gateways are made, listed and removed, and each step names the next', async (t) => {
  const operated = await startOperated(t);
  const none = await operated.gwe(['gateway', 'add', 'gw-1']);
  assert.equal(none.status, 2);
  assert.match(none.err, /none yet.*gwe product create ID/s);
  await operated.gwe(['product', 'create', 'demo']);
  const twice = await operated.gwe(['product', 'create', 'demo']);
  assert.equal(twice.status, 1);
  const added = await operated.gwe(['gateway', 'add', 'gw-1', 'gw-2']);
  assert.equal(added.status, 0, added.err);
  assert.match(
    added.out,
    new RegExp(`  gwe --set-server ${operated.url} --set-product-id demo --set-uuid gw-1\n`),
  );
  const listed = await operated.gwe(['gateways']);
  assert.match(
    listed.out,
    /^SERIAL +PRODUCT +STATUS +LAST SEEN +APPLICATIONS\ngw-1 +demo +not activated +never +-\ngw-2 /,
  );
  assert.equal(JSON.parse((await operated.gwe(['gateway', 'list', '--json'])).out).length, 2);
  assert.equal((await operated.gwe(['gateway', 'rm', 'gw-2'])).status, 0);
  const unknown = await operated.gwe(['gateway', 'rm', 'gw-2']);
  assert.equal(unknown.status, 1);
  assert.match(unknown.err, /Cannot find gateway gw-2.*gwe gateway add gw-2/s);
  const full = await operated.gwe(['product', 'rm', 'demo']);
  assert.equal(full.status, 1);
  assert.match(full.err, /it has 1 gateway.*--force/s);
  assert.equal((await operated.gwe(['product', 'rm', 'demo', '--force'])).status, 0);
});

test('with several products the one that is meant must be named, unless a serial is only in one', async (t) => {
  const operated = await startOperated(t);
  for (const product of ['p1', 'p2']) await operated.gwe(['product', 'create', product]);
  const unclear = await operated.gwe(['gateway', 'add', 'gw']);
  assert.equal(unclear.status, 2);
  assert.match(unclear.err, /has 2 \(p1, p2\).*--product p1/s);
  await operated.gwe(['gateway', 'add', 'gw', '--product', 'p1']);
  assert.equal((await operated.gwe(['write', 'gw', 'engine_fetch', ''])).status, 0);
  await operated.gwe(['gateway', 'add', 'gw', '--product', 'p2']);
  const both = await operated.gwe(['write', 'gw', 'engine_fetch', 'x']);
  assert.equal(both.status, 2);
  assert.match(both.err, /several products \(p1, p2\)/);
  assert.equal((await operated.gwe(['write', 'gw', 'engine_fetch', 'x', '--product', 'p2'])).status, 0);
  assert.equal((await operated.gwe(['read', 'gw', 'engine_fetch', '-P', 'p2'])).out, 'x\n');
});

test('a gateway that was enabled again has a dead key and may activate once more', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  await operated.gwe(['gateway', 'add', 'gw']);
  const first = await activateGateway(operated, 'demo', 'gw');
  await assert.rejects(activateGateway(operated, 'demo', 'gw'), /409/);
  assert.equal((await operated.gwe(['gateway', 'enable', 'gw'])).status, 0);
  const second = await activateGateway(operated, 'demo', 'gw');
  assert.notEqual(second.cik, first.cik);
});

test('a value goes to the gateway as it was given, from standard input too, and comes back alone', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  await operated.gwe(['gateway', 'add', 'gw']);
  const device = await activateGateway(operated, 'demo', 'gw');
  assert.equal((await operated.gwe(['write', 'gw', 'setpoint', 'ä & b = c + %'])).status, 0);
  assert.equal(await device.read('setpoint'), 'ä & b = c + %');
  await operated.gwe(['write', 'gw', 'setpoint', '-'], { input: 'two\nlines' });
  assert.equal(await device.read('setpoint'), 'two\nlines');
  await device.write({ setpoint: 'from the gateway' });
  assert.equal((await operated.gwe(['read', 'gw', 'setpoint'])).out, 'from the gateway\n');
  const history = (await operated.gwe(['read', 'gw', 'setpoint', '--points', '2'])).out;
  assert.match(history, /^\d{4}-.*Z {2}two\n {4}lines\n\d{4}-.*Z {2}from the gateway\n$/);
});

test('a tarball is checked before it is sent, sent once, and sent against the checks only by force', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  const good = await goodTarball(operated.folder, 'hello.v1.tar.gz');
  const first = await operated.gwe(['content', 'upload', good]);
  assert.equal(first.status, 0, first.err);
  assert.match(first.err, /hello\.v1\.tar\.gz: hello 1, 1 entries, \d+ bytes unpacked; every check passed\n/);
  assert.match(first.err, /hello\.v1\.tar\.gz: uploaded \(.* in .*\/s\)\n/);
  assert.match((await operated.gwe(['content', 'upload', good])).err, /already there/);
  const bad = await badTarball(operated.folder, 'bad.v1.tar.gz');
  const refused = await operated.gwe(['content', 'upload', bad]);
  assert.equal(refused.status, 3);
  assert.match(refused.err, /install\.sh.*--force/s);
  assert.doesNotMatch((await operated.gwe(['content', 'list'])).out, /bad/);
  const forced = await operated.gwe(['content', 'upload', bad, '--force']);
  assert.equal(forced.status, 0, forced.err);
  assert.match(forced.err, /a gateway will discard it/);
  const listed = (await operated.gwe(['content', 'list'])).out;
  assert.match(
    listed,
    /^NAME +SIZE +UPLOADED +SHA-256\nbad\.v1\.tar\.gz .*\nhello\.v1\.tar\.gz .* just now +[0-9a-f]{12}\n$/,
  );
});

test('other contents under a name replace what was there, and removing says what is not there', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  const notes = await makeFile(operated.folder, 'notes.txt', 'one');
  await operated.gwe(['content', 'upload', notes]);
  await makeFile(operated.folder, 'notes.txt', 'two');
  assert.match((await operated.gwe(['content', 'upload', notes])).err, /replacing other contents/);
  const [row] = JSON.parse((await operated.gwe(['content', 'list', '--json'])).out);
  assert.equal(row.size_bytes, 3);
  const missing = await operated.gwe(['content', 'rm', 'notes.txt', 'nix']);
  assert.equal(missing.status, 1);
  assert.match(missing.err, /Cannot remove nix/);
  assert.equal((await operated.gwe(['content', 'rm', 'notes.txt'])).status, 0);
  assert.match((await operated.gwe(['content', 'list'])).err, /nothing in the Content Area/);
});

test('a delta from an older tarball is made at the upload, and goes ahead of the new one', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  const base = await goodTarball(operated.folder, 'hello.v1.tar.gz');
  const target = await goodTarball(operated.folder, 'hello.v2.tar.gz');
  const { err, status } = await operated.gwe(['content', 'upload', target, '--delta-from', base]);
  assert.equal(status, 0, err);
  assert.ok(err.indexOf('from.v1.delta: uploaded') < err.indexOf('hello.v2.tar.gz: uploaded'), err);
  assert.match((await operated.gwe(['content', 'list'])).out, /hello\.v2\.tar\.gz\.from\.v1\.delta/);
  const other = await operated.gwe(['content', 'upload', target, '--delta-from', 'other.v1.tar.gz']);
  assert.equal(other.status, 2);
  assert.match(other.err, /no tarball of other is uploaded/);
});

test('the signature beside a tarball goes with it, ahead of it', async (t) => {
  const operated = await startOperated(t);
  await operated.gwe(['product', 'create', 'demo']);
  const tarball = await goodTarball(operated.folder, 'hello.v1.tar.gz');
  await makeFile(operated.folder, 'hello.v1.tar.gz.minisig', 'untrusted comment: x\n');
  const { err } = await operated.gwe(['content', 'upload', tarball]);
  assert.ok(err.indexOf('.minisig: uploaded') < err.indexOf('hello.v1.tar.gz: uploaded'), err);
  assert.match((await operated.gwe(['content', 'list'])).out, /hello\.v1\.tar\.gz\.minisig/);
});
