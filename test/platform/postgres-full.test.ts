/** A PostgreSQL whose disk is full: that of its tables, then that of its write-ahead log, without which it cannot even run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { header, platformFor, type RawAnswer, type RunningTestPlatform } from './raw.ts';
import { owner, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
const MIB = 1024 ** 2;

interface SmallDisk {
  folder: string;
  fill(): void;
  makeRoom(): void;
}

/** A disk of its own, where this machine lets us mount one. */
function smallDisk(t: TestContext, size_bytes: number): SmallDisk | undefined {
  const disk = mkdtempSync(join(tmpdir(), 'gwe-disk-'));
  const user = owner() ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  const options = `size=${size_bytes},mode=0755,uid=${user.uid},gid=${user.gid}`;
  const mounted = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', options, 'gwe-test', disk]).status === 0;
  t.after(() => {
    if (mounted) spawnSync('/bin/umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  if (!mounted) return void t.skip('needs to be root, and allowed to mount');
  const folder = join(disk, 'postgres');
  mkdirSync(folder, { mode: 0o700 });
  spawnSync('/bin/chown', [`${user.uid}:${user.gid}`, folder]);
  const ballast = join(disk, 'ballast');
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a');
      try {
        for (const piece of [MIB, 4096]) while (takes(file, Buffer.alloc(piece)));
      } finally {
        closeSync(file);
      }
    },
    makeRoom: () => rmSync(ballast),
  };
}

function takes(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch {
    return false;
  }
}

/** A gateway that reports something new, of some size, again and again. */
function reporter(platform: RunningTestPlatform, cik: string) {
  const acknowledged: string[] = [];
  const report = async (): Promise<RawAnswer> => {
    const value = randomBytes(20_000).toString('hex');
    const form = `device_info=${value}`;
    const answer = await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], form);
    if (/ 204 /.test(answer.status)) acknowledged.push(value);
    return answer;
  };
  return { acknowledged, report };
}

const PORT = '/api/v1/gateways/P/S/dataports/device_info';

function refused(answer: RawAnswer): void {
  assert.match(answer.status, / 503 /);
  assert.match(header(answer, 'Retry-After') ?? '', /^\d+$/);
}

const isReady = (platform: RunningTestPlatform) =>
  eventually('it is ready', async () => (await platform.call('GET', '/readyz')).status.includes(' 200 '));

async function allThere(platform: RunningTestPlatform, acknowledged: readonly string[]): Promise<void> {
  const { points } = JSON.parse((await platform.operate('GET', `${PORT}?points=200`)).body.toString());
  const kept = new Set(points.map(({ value }: { value: string }) => value));
  assert.ok(acknowledged.length > 0);
  assert.equal(acknowledged.filter((value) => !kept.has(value)).length, 0, 'missing');
}

/** Reports until one is not taken. */
const firstRefusal = (report: () => Promise<RawAnswer>) =>
  eventually('a refusal', async () => {
    const each = await report();
    return !/ 204 /.test(each.status) && each;
  });

test(
  'a full disk is 503 with Retry-After and said by /readyz; what was acknowledged is there, and with room it goes on by itself',
  needs,
  async (t) => {
    const disk = smallDisk(t, 64 * MIB);
    if (disk === undefined) return;
    const server = await startPostgres({ isDurable: false });
    t.after(() => server.stop());
    server.ask(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
    const platform = await platformFor(t, { store: server.database({ tablespace: 'small' }) });
    const { acknowledged, report } = reporter(platform, await platform.gateway('P', 'S'));
    assert.match((await report()).status, / 204 /);
    disk.fill();
    refused(await firstRefusal(report));
    refused(
      await platform.operate('PUT', PORT, JSON.stringify({ value: randomBytes(50_000).toString('hex') })),
    );
    const ready = await platform.call('GET', '/readyz');
    refused(ready);
    assert.match(ready.body.toString(), /^not ready: .*No space left on device/);
    assert.match((await platform.call('GET', '/healthz')).status, / 200 /);
    await allThere(platform, acknowledged);
    for (const path of ['/api/v1/gateways', '/api/v1/overview'])
      assert.match((await platform.operate('GET', path)).status, / 200 /, 'who looks on still sees');
    disk.makeRoom();
    await isReady(platform);
    assert.match((await report()).status, / 204 /);
    await allThere(platform, acknowledged);
  },
);

test(
  'when the disk of the write-ahead log is full PostgreSQL breaks down: 503, and nothing acknowledged is missing when it is back',
  needs,
  async (t) => {
    const disk = smallDisk(t, 32 * MIB);
    if (disk === undefined) return;
    const server = await startPostgres({ isDurable: true, wal: join(disk.folder, 'wal') });
    t.after(() => server.stop());
    const platform = await platformFor(t, { store: server.database() });
    const { acknowledged, report } = reporter(platform, await platform.gateway('P', 'S'));
    assert.match((await report()).status, / 204 /);
    disk.fill();
    refused(await firstRefusal(report));
    assert.match((await platform.call('GET', '/healthz')).status, / 200 /);
    disk.makeRoom();
    await server.start();
    await eventually('check-ins go on', async () => / 204 /.test((await report()).status));
    await allThere(platform, acknowledged);
    await isReady(platform);
  },
);
