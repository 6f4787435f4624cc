import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { announcedDeltas, decodeHeader } from '../../src/app/delta-format.ts';
import { makeDelta } from '../../src/app/delta-make.ts';
import { rebuildTarball } from '../../src/app/delta-rebuild.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { tarballOf, tracing } from '../installer/ground.ts';

const TOKEN = 'an-operator-token-for-deltas-0123456789';
const GWE = [process.execPath, join(import.meta.dirname, '../../src/main.ts')];
/** For three starts of gwe at the lowest priority, on a machine that has other things to do. */
const DEADLINE_MS = 120_000;
const PAYLOAD = randomBytes(100_000).toString('base64');
const tarball = (version: number) =>
  tarballOf({ 'install.sh': tracing(), 'data.txt': `${PAYLOAD}\nversion ${version}\n` });

interface Row {
  id: string;
  size: number;
  meta: string;
}

/** A platform that makes deltas, and calls to it. */
async function platformOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-deltas-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const start = () =>
    startPlatform({
      dataFolder: join(folder, 'data'),
      host: '127.0.0.1',
      port: 0,
      vendor: 'gwe',
      presetToken: TOKEN,
      gwe: GWE,
      log: createLog('ERROR'),
      clock: systemClock,
    });
  let platform = await start();
  t.after(() => platform.close());
  const ask = async (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(new URL(`/api/v1/products${path}`, platform.url), {
      method,
      headers: { Authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { body }),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  const put = (id: string, bytes: Buffer) => ask('PUT', `/P/content/${id}`, new Uint8Array(bytes));
  const list = async (): Promise<Row[]> => JSON.parse((await ask('GET', '/P/content')).toString()).content;
  const announced = async (id: string) =>
    announcedDeltas((await list()).find((each) => each.id === id)?.meta ?? '');
  const until = async (holds: () => Promise<boolean>, what: string) => {
    const deadline_ms = performance.now() + DEADLINE_MS;
    while (!(await holds())) {
      assert.ok(performance.now() < deadline_ms, what);
      await new Promise((again) => setTimeout(again, 50));
    }
  };
  const restart = async () => {
    await platform.close();
    platform = await start();
  };
  await ask('POST', '', JSON.stringify({ id: 'P' }));
  return { folder, ask, put, list, announced, until, restart };
}

test('the platform makes the deltas from the last three versions by itself, and tells gateways which there are', async (t) => {
  const { folder, ask, put, list, announced, until } = await platformOf(t);
  for (const n of [1, 2, 3, 4, 5]) await put(`app.v${n}.tar.gz`, tarball(n));
  await until(async () => (await announced('app.v5.tar.gz')) !== undefined, 'the deltas to v5 are there');
  const deltas = await announced('app.v5.tar.gz');
  assert.deepEqual([...(deltas?.keys() ?? [])].sort(), ['2', '3', '4']);
  const id = 'app.v5.tar.gz.from.v3.delta';
  const delta = await ask('GET', `/P/content/${id}`);
  assert.equal(delta.length, deltas?.get('3'));
  writeFileSync(join(folder, 'delta'), delta);
  writeFileSync(join(folder, 'base'), tarball(3));
  const rebuilt = await rebuildTarball({
    base: join(folder, 'base'),
    delta: join(folder, 'delta'),
    to: join(folder, 'rebuilt'),
    max_memory_bytes: 32 * 1024 * 1024,
  });
  assert.equal(rebuilt.tar_sha256, decodeHeader(delta).header.tar_sha256);
  await ask('DELETE', '/P/content/app.v5.tar.gz');
  const gone = async () => !(await list()).some(({ id: name }) => name.startsWith('app.v5'));
  await until(gone, 'with the tarball its deltas go');
});

test('what was replaced gets new deltas, an interrupted platform makes those that are missing, and uploaded ones count', async (t) => {
  const { folder, ask, put, announced, until, restart } = await platformOf(t);
  await put('app.v1.tar.gz', tarball(1));
  await put('app.v2.tar.gz', tarball(2));
  await restart();
  await until(async () => (await announced('app.v2.tar.gz'))?.has('1') === true, 'made after the restart');
  const headerNow = async () =>
    decodeHeader(await ask('GET', '/P/content/app.v2.tar.gz.from.v1.delta')).header;
  const before = await headerNow();
  await put('app.v2.tar.gz', tarball(22));
  await until(async () => (await headerNow()).tarball_sha256 !== before.tarball_sha256, 'made anew');
  for (const n of [0, 2]) writeFileSync(join(folder, `app.v${n}.tar.gz`), tarball(n === 2 ? 22 : n));
  const to = join(folder, 'made-elsewhere');
  const [base, target] = [join(folder, 'app.v0.tar.gz'), join(folder, 'app.v2.tar.gz')];
  await makeDelta({ base, target, to, scratch: folder });
  await put('app.v2.tar.gz.from.v0.delta', readFileSync(to));
  await until(async () => (await announced('app.v2.tar.gz'))?.has('0') === true, 'announced');
});
