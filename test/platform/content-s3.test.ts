/** A platform whose content lies in S3, as those see it who use it: also when S3 is slow, busy, gone, or breaks off. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { createDeviceClient } from '../../src/client/client.ts';
import { explain, GweError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { backUp } from '../../src/platform/backup.ts';
import { restore } from '../../src/platform/backup-archive.ts';
import { openS3Content, type S3ContentOptions } from '../../src/platform/content-s3.ts';
import type { ContentStore } from '../../src/platform/content-store.ts';
import { parseS3Address } from '../../src/platform/s3-address.ts';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { CREDENTIALS, layLine, type ObjectStore, startObjectStore } from './object-store.ts';
import { header, platformFor, type RawAnswer, TOKEN } from './raw.ts';

const MiB = 1024 ** 2;
const log = createLog('CRITICAL', systemClock.now, () => {});
const text = (answer: RawAnswer) => answer.body.toString();

describe('a platform with content in S3', { skip: lacks('objectStore') }, () => {
  let store: ObjectStore;
  before(async () => {
    store = await startObjectStore();
  });
  after(() => store.stop());

  /** A platform behind a line that can be cut, with a gateway that downloads `file.bin`. */
  async function platformOn(t: TestContext, more = '') {
    const line = await layLine(t, store.port);
    const bucket = await store.bucket(more);
    const content = bucket.address.replace(`:${store.port}`, `:${line.port}`);
    const platform = await platformFor(t, { content, env: CREDENTIALS });
    const key = `X-Exosite-CIK: ${await platform.gateway('P1', 'SN1')}`;
    return {
      line,
      platform,
      key,
      upload: (bytes: Buffer | string, id = 'file.bin') =>
        platform.operate('PUT', `/api/v1/products/P1/content/${id}`, bytes),
      download: (...headers: string[]) =>
        platform.call('GET', '/provision/download?vendor=acme&model=P1&id=file.bin', [key, ...headers]),
      /** Keys in the bucket. */
      async keys() {
        const { text } = await store.ask('GET', `/${bucket.name}?list-type=2`);
        return [...text.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, name]) => name);
      },
    };
  }

  test('a gateway downloads what an operator uploaded, whole and from any byte', async (t) => {
    const { upload, download } = await platformOn(t);
    const bytes = randomBytes(9 * MiB);
    assert.equal((await upload(bytes)).status, 'HTTP/1.1 201 Created');
    const whole = await download();
    assert.equal(whole.status, 'HTTP/1.1 200 OK');
    assert.ok(bytes.equals(whole.body));
    const part = await download('Range: bytes=8388600-');
    assert.equal(part.status, 'HTTP/1.1 206 Partial Content');
    assert.equal(header(part, 'Content-Range'), `bytes 8388600-${bytes.length - 1}/${bytes.length}`);
    assert.ok(bytes.subarray(8388600).equals(part.body));
  });

  test('a tarball that no gateway would take, and an upload that broke off, never reach S3', async (t) => {
    const { upload, platform, keys } = await platformOn(t);
    assert.equal((await upload('no tarball', 'app.v1.tar.gz')).status, 'HTTP/1.1 422 Unprocessable Entity');
    const connection = platform.connect();
    connection.send(
      `PUT /api/v1/products/P1/content/half HTTP/1.1\r\nX-Exosite-Token: a-token-for-the-tests-of-the-platform\r\nContent-Length: 1000\r\n\r\nhalf`,
    );
    connection.socket.end();
    await connection.ended;
    await upload('whole');
    assert.equal((await keys()).length, 2, 'the mark of the platform, and one content');
  });

  test('while S3 is gone or busy, content is 503 with Retry-After, check-ins go on, and nothing is lost', async (t) => {
    const { upload, download, platform, key, line } = await platformOn(t);
    const bytes = randomBytes(2 * MiB);
    await upload(bytes);
    for (const weather of ['refused', 'busy'] as const) {
      line.set(weather);
      const refused = await download();
      assert.equal(refused.status, 'HTTP/1.1 503 Service Unavailable', weather);
      assert.match(header(refused, 'Retry-After') ?? '', /^\d+$/);
      assert.equal((await upload('another', 'other.bin')).status, 'HTTP/1.1 503 Service Unavailable');
      const checkIn = await platform.call('POST', '/onep:v1/stack/alias', [key], 'usage_report=1');
      assert.equal(checkIn.status, 'HTTP/1.1 204 No Content');
      const ready = await platform.call('GET', '/readyz');
      assert.equal(ready.status, 'HTTP/1.1 200 OK');
      assert.match(text(ready), /^ready, but without content: Cannot /);
      assert.match(text(await platform.operate('GET', '/metrics')), /^gwe_content_up 0$/m);
    }
    line.set('fine');
    assert.ok(bytes.equals((await download()).body));
    assert.equal(text(await platform.call('GET', '/readyz')), 'ready\n');
    const missing = await platform.operate('GET', '/api/v1/products/P1/content/other.bin');
    assert.equal(missing.status, 'HTTP/1.1 404 Not Found', 'what was refused is not there by half');
  });

  test('an S3 that takes connections and says nothing holds nobody for long', async (t) => {
    const { upload, download, line, platform } = await platformOn(t);
    await upload('content');
    line.set('refused');
    await download();
    line.set('silent');
    const [refused, ready] = await Promise.all([download(), platform.call('GET', '/readyz')]);
    assert.equal(refused.status, 'HTTP/1.1 503 Service Unavailable');
    assert.match(text(ready), /^ready, but/);
  });

  test('a download goes on at its byte when the connection to S3 breaks, again and again', async (t) => {
    const { upload, download, line } = await platformOn(t);
    const bytes = randomBytes(6 * MiB);
    await upload(bytes);
    line.set({ breaksAfter_bytes: 2 * MiB });
    const whole = await download();
    assert.equal(whole.status, 'HTTP/1.1 200 OK');
    assert.ok(bytes.equals(whole.body));
    assert.ok(line.broken >= 3, `broken ${line.broken} times`);
  });

  test('who can follow a redirect is sent to a link that needs no key; who does not say so is served', async (t) => {
    const { upload, download } = await platformOn(t, '&redirect=on');
    const bytes = randomBytes(100_000);
    await upload(bytes);
    assert.equal((await download()).status, 'HTTP/1.1 200 OK');
    const sent = await download('Accept-Redirect: 1', 'Range: bytes=10-19');
    assert.equal(sent.status, 'HTTP/1.1 302 Found');
    const link = header(sent, 'Location') ?? '';
    const part = await fetch(link, { headers: { Range: 'bytes=10-19' } });
    assert.equal(part.status, 206);
    assert.ok(bytes.subarray(10, 20).equals(Buffer.from(await part.arrayBuffer())));
    assert.equal((await fetch(link.replace(/Signature=\w{6}/, 'Signature=000000'))).status, 403);
  });

  test('gwe fetches from S3 itself where it is sent there, and through the platform where that leads nowhere', async (t) => {
    const { upload, platform, key, line } = await platformOn(t, '&redirect=on');
    const bytes = randomBytes(3 * MiB);
    await upload(bytes);
    const client = createDeviceClient({
      server: new URL(`http://127.0.0.1:${platform.port}`),
      userAgent: 'test',
      timeout_ms: 20_000,
      allowHttp: false,
    });
    t.after(() => client.close());
    const where = { vendor: 'acme', model: 'P1', id: 'file.bin' };
    const cik = key.replace('X-Exosite-CIK: ', '');
    const got = await client.download(cik, where, { from_byte: 5 });
    assert.ok(bytes.subarray(5).equals(await buffer(got.body)));
    assert.equal(got.total_bytes, bytes.length);
    line.set('refused');
    const failed = await client.download(cik, where, { from_byte: 0 }).catch((error: unknown) => error);
    assert.ok(
      failed instanceof GweError && failed.code === 'busy',
      'the platform tells it to come back later',
    );
  });

  test('what the cache holds is served while S3 is gone, and it never outgrows its limit', async (t) => {
    const { upload, download, line, platform } = await platformOn(t, '&cache=3M');
    const size = async () => {
      const metrics = text(await platform.operate('GET', '/metrics'));
      return Number(/^gwe_content_cache_bytes (\d+)$/m.exec(metrics)?.[1]);
    };
    const bytes = randomBytes(2 * MiB);
    await upload(randomBytes(2 * MiB), 'older.bin');
    await upload(bytes);
    await download();
    await eventually('the newer content in the cache, alone', async () => (await size()) === 2 * MiB);
    await eventually('the download from the cache', async () => {
      line.set('refused');
      const answer = await download();
      line.set('fine');
      return answer.status === 'HTTP/1.1 200 OK' && bytes.equals(answer.body);
    });
  });

  test('a backup of such a platform is its database; without --content it says what is missing', async (t) => {
    const { upload, platform } = await platformOn(t);
    await upload('content');
    const folder = mkdtempSync(join(tmpdir(), 'gwe-s3-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'fleet.tar');
    await assert.rejects(backUp(platform.folder, file), (error) =>
      explain(error).includes('--database-only'),
    );
    assert.deepEqual((await backUp(platform.folder, file, true)).content, []);
    const restored = join(folder, 'restored');
    await restore(file, restored);
    const said: string[] = [];
    await platformFor(t, { folder: restored, log: (line) => said.push(line) });
    assert.match(said.join(''), /The content that the database names is not in this place/);
  });

  test('the content of a running platform is brought to S3, again without sending, and served from there', async (t) => {
    const platform = await platformFor(t);
    const key = `X-Exosite-CIK: ${await platform.gateway('P1', 'SN1')}`;
    const bytes = randomBytes(MiB);
    await platform.operate('PUT', '/api/v1/products/P1/content/file.bin', bytes);
    const { address } = await store.bucket();
    const main = join(import.meta.dirname, '../../src/main.ts');
    const words = [main, 'platform', 'migrate', '--from', platform.folder, '--content', address];
    const migrate = async () => {
      const env = { ...process.env, ...CREDENTIALS };
      return (await promisify(execFile)(process.execPath, words, { env })).stdout;
    };
    assert.match(await migrate(), /^1 content files, 1\.0 MB: 1 sent, 0 were there; /);
    assert.match(await migrate(), /: 0 sent, 1 were there; /);
    await platform.close();
    rmSync(join(platform.folder, 'content'), { recursive: true });
    const after = await platformFor(t, { folder: platform.folder, content: address, env: CREDENTIALS });
    const answer = await after.call('GET', '/provision/download?vendor=acme&model=P1&id=file.bin', [key]);
    assert.ok(bytes.equals(answer.body));
  });

  test('content that was acknowledged is there when the platform was killed in that very moment', async (t) => {
    const { address } = await store.bucket();
    const folder = mkdtempSync(join(tmpdir(), 'gwe-s3-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const script = join(import.meta.dirname, 'child.ts');
    const env = { ...process.env, ...CREDENTIALS };
    const child = spawn(process.execPath, [script, folder, address], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = await once(child.stdout, 'data');
    const bytes = randomBytes(MiB);
    const api = `http://127.0.0.1:${String(port).trim()}/api/v1/products`;
    const headers = { 'X-Exosite-Token': TOKEN };
    await fetch(api, { method: 'POST', headers, body: '{"id":"P1"}' });
    const uploaded = await fetch(`${api}/P1/content/file.bin`, { method: 'PUT', headers, body: bytes });
    assert.equal(uploaded.status, 201);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const again = await platformFor(t, { folder, content: address, env: CREDENTIALS });
    const answer = await again.operate('GET', '/api/v1/products/P1/content/file.bin');
    assert.ok(bytes.equals(answer.body));
    assert.deepEqual(readdirSync(join(folder, 'spool')), [], 'what the killed one had spooled is gone');
  });

  const used = new Set<string>();
  async function place(t: TestContext, more: Partial<S3ContentOptions> = {}): Promise<ContentStore> {
    const folder = mkdtempSync(join(tmpdir(), 'gwe-s3-'));
    let content: ContentStore | undefined;
    t.after(async () => {
      await content?.close();
      rmSync(folder, { recursive: true, force: true });
    });
    content = await openS3Content({
      address: more.address ?? parseS3Address((await store.bucket()).address, {}),
      folder,
      isUsed: async (sha256) => used.has(sha256),
      env: CREDENTIALS,
      clock: systemClock,
      log,
      ...more,
    });
    return content;
  }

  test('an upload outlives a removal of the same bytes that another replica had begun before', async (t) => {
    const address = parseS3Address((await store.bucket()).address, {});
    const [here, there] = [await place(t, { address, settle_ms: 30 }), await place(t, { address })];
    const take = (content: ContentStore) => content.receive(asStream('the same bytes'));
    const before = await take(here);
    await before.keep();
    await before.release();
    const again = await take(here);
    await again.keep();
    await there.sweep(again.sha256);
    assert.equal(await there.size(again.sha256), undefined, 'nobody had it yet, as the other one saw it');
    used.add(again.sha256);
    await again.release();
    await eventually('the bytes again', async () => (await there.size(again.sha256)) === 14);
  });

  test('an upload that a killed platform began and never completed is aborted a day later', async (t) => {
    const { name, address } = await store.bucket();
    await store.ask('POST', `/${name}/${'a'.repeat(64)}?uploads`);
    const begun = async () => (await store.ask('GET', `/${name}?uploads`)).text.includes('<UploadId>');
    await place(t, { address: parseS3Address(address, {}) });
    assert.ok(await begun(), 'it may still be under way');
    const clock = { ...systemClock, now: () => Date.now() + 25 * 3_600_000 };
    await place(t, { address: parseS3Address(address, {}), clock });
    await eventually('the upload to be aborted', async () => !(await begun()));
  });

  test('a platform does not start on credentials or a bucket that S3 refuses, but does while S3 is away', async (t) => {
    const isConfig = (error: unknown) => error instanceof GweError && error.code === 'config';
    const wrong = { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: 'wrong' };
    await assert.rejects(place(t, { env: wrong }), isConfig);
    await assert.rejects(place(t, { env: { AWS_SHARED_CREDENTIALS_FILE: '/none' } }), isConfig);
    const noBucket = parseS3Address(`s3://no-such-bucket?endpoint=http://127.0.0.1:${store.port}`, {});
    await assert.rejects(place(t, { address: noBucket }), isConfig);
    const line = await layLine(t, store.port);
    line.set('refused');
    const { name } = await store.bucket();
    const address = parseS3Address(`s3://${name}?endpoint=http://127.0.0.1:${line.port}`, {});
    const content = await place(t, { address });
    assert.match((await content.trouble()) ?? '', /^Cannot /);
    line.set('fine');
    const received = await content.receive(asStream('now'));
    await received.keep();
    assert.equal(await content.size(received.sha256), 3);
    await received.release();
  });

  test('credentials may lie in a file, and who exchanges them there need not restart anything', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gwe-s3-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'credentials');
    const write = (secret: string) =>
      writeFileSync(
        file,
        `[fleet]\naws_access_key_id = ${CREDENTIALS.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${secret}\n`,
      );
    write(CREDENTIALS.AWS_SECRET_ACCESS_KEY);
    let now_ms = 1_800_000_000_000;
    const content = await place(t, {
      env: { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'fleet' },
      clock: { ...systemClock, now: () => now_ms },
    });
    assert.equal(await content.size('0'.repeat(64)), undefined);
    rmSync(file);
    now_ms += 60_000;
    assert.equal(await content.size('0'.repeat(64)), undefined, 'the file is away for a moment');
    write('of another key');
    now_ms += 60_000;
    await assert.rejects(content.size('0'.repeat(64)), /403/);
    write(CREDENTIALS.AWS_SECRET_ACCESS_KEY);
    now_ms += 60_000;
    assert.equal(await content.size('0'.repeat(64)), undefined);
  });
});

async function* asStream(words: string): AsyncGenerator<Buffer> {
  yield Buffer.from(words);
}
