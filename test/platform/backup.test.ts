import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { backUp } from '../../src/platform/backup.ts';
import { restore } from '../../src/platform/backup-archive.ts';
import { platformFor } from './raw.ts';

const ALIAS = '/onep:v1/stack/alias';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A platform with a gateway that reported, and content. */
async function inhabited(t: TestContext) {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const key = [`X-Exosite-CIK: ${cik}`];
  await platform.call('POST', ALIAS, key, 'device_info=before');
  const path = '/provision/manage/content/P1/';
  await platform.operate('POST', path, 'id=file.bin&meta=');
  await platform.operate('POST', `${path}file.bin`, 'the bytes', ['Content-Type: application/octet-stream']);
  return { platform, key };
}

test('a backup made under writes is restored as the state of one instant, with keys and content', async (t) => {
  const folder = folderFor(t);
  const { platform, key } = await inhabited(t);
  let writes = 0;
  let done = false;
  const writing = (async () => {
    for (; !done; writes += 1) {
      await platform.call('POST', ALIAS, key, `device_info=n${writes}&usage_report=n${writes}`);
    }
  })();
  const file = join(folder, 'fleet.tar');
  const manifest = await backUp(platform.folder, file);
  done = true;
  await writing;
  assert.equal(manifest.content.length, 1);
  assert.deepEqual(
    readdirSync(platform.folder).filter((name) => name.startsWith('backup-')),
    [],
  );

  const copy = join(folder, 'copy');
  await restore(file, copy);
  const restored = await platformFor(t, { folder: copy });
  const read = await restored.call('GET', `${ALIAS}?device_info&usage_report`, key);
  const [info, usage] = read.body
    .toString()
    .split('&')
    .map((pair) => pair.split('=')[1]);
  assert.ok(info === usage || info === 'before', `${info} ${usage}`);
  const bytes = await restored.call('GET', '/provision/download?vendor=P1&model=P1&id=file.bin', key);
  assert.equal(bytes.body.toString(), 'the bytes');
});

test('a backup with one wrong byte is refused, and leaves no folder behind', async (t) => {
  const folder = folderFor(t);
  const { platform } = await inhabited(t);
  const file = join(folder, 'fleet.tar');
  await backUp(platform.folder, file);
  const bytes = readFileSync(file);
  for (const at of [bytes.indexOf('the bytes'), bytes.indexOf('SQLite format 3') + 5000]) {
    const broken = Buffer.from(bytes);
    broken[at] = (broken[at] ?? 0) ^ 1;
    writeFileSync(join(folder, 'broken.tar'), broken);
    await assert.rejects(restore(join(folder, 'broken.tar'), join(folder, 'copy')), { code: 'check' });
  }
  writeFileSync(join(folder, 'short.tar'), bytes.subarray(0, bytes.length - 9000));
  await assert.rejects(restore(join(folder, 'short.tar'), join(folder, 'copy')), { code: 'check' });
  assert.ok(!existsSync(join(folder, 'copy')));
});

test('nothing is written over: neither a file by a backup nor a folder in use by a restore', async (t) => {
  const folder = folderFor(t);
  const { platform } = await inhabited(t);
  const file = join(folder, 'fleet.tar');
  await backUp(platform.folder, file);
  await assert.rejects(backUp(platform.folder, file), { code: 'conflict' });
  await assert.rejects(restore(file, platform.folder), { code: 'conflict' });
  await assert.rejects(backUp(folder, join(folder, 'other.tar')), { code: 'not-found' });
});
