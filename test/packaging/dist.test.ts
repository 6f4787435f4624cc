/** What `npm run build` leaves in dist/: complete, running without Node.js on either architecture, and the same each time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { arm64Runner, lacks } from '../debian.ts';
import { DIST, GWE_FILE, ROOT, run, tempFolder } from './kit.ts';

const MANIFEST: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const NODE = process.version.replaceAll('.', '\\.');
const VERSION = new RegExp(`^gwe ${MANIFEST.version} \\(commit [0-9a-z-]+, Node\\.js ${NODE}\\)\n$`);
/** A gateway's disk has to hold it; it was 109 MB when this was written. */
const SIZE_LIMIT_BYTES = 115_000_000;

test('SHA256SUMS lists every file that is shipped, and each is what it says', () => {
  const ran = run(['sha256sum', '--check', '--strict', 'SHA256SUMS'], {}, DIST);
  assert.equal(ran.status, 0, ran.said);
  const listed = [...ran.said.matchAll(/^(.*): OK$/gm)].map((line) => line[1]);
  const tarball = `gwe.v${MANIFEST.version}.tar.gz`;
  const expected = ['LICENSES.txt', 'gwe-linux-arm64', 'gwe-linux-x64', 'gwe.1', tarball, 'install.sh'];
  assert.deepEqual(listed.sort(), expected.sort());
});

test('the file runs with an empty environment, where there is no Node.js', () => {
  const ran = run(['/usr/bin/env', '-i', join(DIST, GWE_FILE), '--version'], {});
  assert.equal(ran.status, 0, ran.said);
  assert.match(ran.said, VERSION);
});

test('NODE_OPTIONS and options of Node.js do not reach into the file', () => {
  const env = { NODE_OPTIONS: '--require=/nowhere/to/be/found.js' };
  assert.match(run([join(DIST, GWE_FILE), '--version'], env).said, VERSION);
  assert.equal(run([join(DIST, GWE_FILE), '--eval', 'console.log(1)'], {}).status, 2);
});

test('the file for arm64 tells the same version', { skip: lacks('arm64') }, () => {
  const ran = run([...arm64Runner(), join(DIST, 'gwe-linux-arm64'), '--version'], {});
  assert.equal(ran.status, 0, ran.said);
  assert.match(ran.said, VERSION);
});

test('the files have no symbols in them, and stay below their limit', () => {
  for (const name of ['gwe-linux-x64', 'gwe-linux-arm64']) {
    assert.ok(
      statSync(join(DIST, name)).size < SIZE_LIMIT_BYTES,
      `${name}: ${statSync(join(DIST, name)).size}`,
    );
  }
});

test('the tarball by which gwe updates gwe keeps every check of the gateway', () => {
  const tarball = join(DIST, `gwe.v${MANIFEST.version}.tar.gz`);
  const ran = run([join(DIST, GWE_FILE), '--check-tarball', tarball], {});
  assert.equal(ran.status, 0, ran.said);
});

// The tarball is packed as --build-app packs, which has a test of its own for this.
test('two builds of the same source in two places are the same to the byte', async (t) => {
  const places = [join(tempFolder(t), 'a'), join(tempFolder(t), 'another-place', 'b')];
  const sums = await Promise.all(places.map(buildCopy));
  assert.equal(sums[0], sums[1]);
});

/** Builds a copy of the checkout for this machine alone, and returns its list of digests. */
async function buildCopy(place: string): Promise<string> {
  for (const name of ['src', 'docs', 'build.mjs', 'package.json', 'package-lock.json']) {
    cpSync(join(ROOT, name), join(place, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  const args = ['build.mjs', '--arch', process.arch, '--no-tarball'];
  const child = spawn(process.execPath, args, { cwd: place, stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const status = await new Promise((ended) => child.once('close', ended));
  assert.equal(status, 0, said);
  return readFileSync(join(place, 'dist', 'SHA256SUMS'), 'utf8');
}
