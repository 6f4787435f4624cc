/** The places for content, one by one against the same demands: whatever holds for the folder holds for S3. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { migrateContent } from '../../src/platform/content-migrate.ts';
import { openS3Content } from '../../src/platform/content-s3.ts';
import { type ContentStore, openContentStore } from '../../src/platform/content-store.ts';
import { parseS3Address } from '../../src/platform/s3-address.ts';
import { lacks } from '../debian.ts';
import { CREDENTIALS, type ObjectStore, startObjectStore } from './object-store.ts';

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
}

async function readAll(content: ContentStore, sha256: string, from: number, to: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await content.read(sha256, from, to)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Uploads as a handler does, with the name given in between. */
async function upload(content: ContentStore, bytes: Buffer, used: Set<string>): Promise<string> {
  const received = await content.receive(inPieces(bytes));
  await received.keep();
  used.add(received.sha256);
  await received.release();
  return received.sha256;
}

type Open = (folder: string, used: Set<string>) => Promise<ContentStore>;

const inFolder: Open = (folder, used) => openContentStore(folder, async (sha256) => used.has(sha256), used);

/** Demands on every place. `open` is given an empty folder of this machine. */
function demands(open: Open): void {
  let folder = '';
  const used = new Set<string>();
  let content: ContentStore;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gwe-content-'));
    content = await open(folder, used);
  });
  after(async () => {
    await content.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('what was kept is read back, whole and in any range, its ends included', async () => {
    const bytes = randomBytes(300_000);
    const sha256 = await upload(content, bytes, used);
    assert.equal(sha256, digestOf(bytes));
    assert.equal(await content.size(sha256), bytes.length);
    assert.deepEqual(await readAll(content, sha256, 0, bytes.length - 1), bytes);
    for (const [from, to] of [
      [0, 0],
      [299_999, 299_999],
      [65_535, 131_073],
    ] as const) {
      assert.deepEqual(await readAll(content, sha256, from, to), bytes.subarray(from, to + 1));
    }
  });

  test('a long upload, which may travel in parts, is whole, and the second time no other', async () => {
    const bytes = randomBytes(17 * 1024 ** 2 + 5);
    const sha256 = await upload(content, bytes, used);
    assert.equal(await upload(content, bytes, used), sha256);
    assert.equal(digestOf(await readAll(content, sha256, 0, bytes.length - 1)), sha256);
    const over = 8 * 1024 ** 2;
    assert.deepEqual(await readAll(content, sha256, over - 2, over + 2), bytes.subarray(over - 2, over + 3));
  });

  test('nobody sees an upload before it is kept, and one that is given up leaves nothing', async () => {
    const received = await content.receive(inPieces(Buffer.from('not yet')));
    assert.equal(await content.size(received.sha256), undefined);
    await received.release();
    assert.equal(await content.size(received.sha256), undefined);
    const isLeft = (name: string) => name.endsWith('.part');
    assert.deepEqual(readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isLeft), []);
  });

  test('bytes that nobody has any more go; those of another name, or of an upload under way, stay', async () => {
    const named = await upload(content, Buffer.from('has a name'), used);
    await content.sweep(named);
    assert.equal(await content.size(named), 10);
    used.delete(named);
    const again = await content.receive(inPieces(Buffer.from('has a name')));
    await content.sweep(named);
    await again.keep();
    assert.equal(await content.size(named), 10, 'kept while it was being uploaded again');
    used.add(named);
    await again.release();
    const unnamed = await content.receive(inPieces(Buffer.from('lost its name')));
    await unnamed.keep();
    await unnamed.release();
    await untilSwept(content, unnamed.sha256);
  });

  test('bytes that are not there are no empty answer, but an error', async () => {
    const isLost = (error: unknown) => error instanceof GweError && error.code === 'io';
    await assert.rejects(content.read('0'.repeat(64), 0, 9), isLost);
    assert.equal(await content.trouble(), undefined);
  });
}

/** A place that looks again after an upload holds it until then. */
async function untilSwept(content: ContentStore, sha256: string): Promise<void> {
  const deadline_ms = performance.now() + 20_000;
  for (;;) {
    await content.sweep(sha256);
    if ((await content.size(sha256)) === undefined) return;
    assert.ok(performance.now() < deadline_ms, 'it is still there');
    await new Promise((again) => setTimeout(again, 20));
  }
}

/** Digests whose file is not empty. */
async function filled(folder: string, used: ReadonlySet<string>): Promise<string[]> {
  return [...used].filter((sha256) => statSync(join(folder, sha256)).size > 0);
}

describe('content in a folder', () => demands(inFolder));

describe('content in S3', { skip: lacks('objectStore') }, () => {
  let store: ObjectStore;
  before(async () => {
    store = await startObjectStore();
  });
  after(() => store.stop());
  const inS3 =
    (more: string): Open =>
    async (folder, used) =>
      openS3Content({
        address: parseS3Address((await store.bucket(more)).address, {}),
        folder,
        isUsed: async (sha256) => used.has(sha256),
        env: CREDENTIALS,
        clock: systemClock,
        log: createLog('WARNING', systemClock.now, () => {}),
        settle_ms: 20,
      });
  describe('without a cache', () => demands(inS3('')));

  test('content moves from the folder to S3, is compared there, and a second time nothing is sent', async (t) => {
    const [old, here] = [mkdtempSync(join(tmpdir(), 'gwe-old-')), mkdtempSync(join(tmpdir(), 'gwe-new-'))];
    const used = new Set<string>();
    const [from, to] = [await inFolder(old, used), await inS3('')(here, used)];
    t.after(async () => {
      await to.close();
      for (const folder of [old, here]) rmSync(folder, { recursive: true, force: true });
    });
    for (const size of [0, 1, 100_000, 9 * 1024 ** 2]) await upload(from, randomBytes(size), used);
    assert.deepEqual(await migrateContent(from, to, used), { copied: 4, present: 0, bytes: 9_537_185 });
    assert.deepEqual(await migrateContent(from, to, used), { copied: 0, present: 4, bytes: 9_537_185 });
    const [victim = ''] = await filled(old, used);
    writeFileSync(join(old, victim), randomBytes(100));
    await assert.rejects(migrateContent(from, to, [victim]), /its bytes in the old place are others/);
    await assert.rejects(migrateContent(from, to, ['0'.repeat(64)]), /its bytes are missing/);
  });
  describe('with one', () => demands(inS3('&cache=50M')));
});
