import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { CHECKS, CheckFailure, DEFAULT_LIMITS, type TarballLimits } from '../../src/app/checks.ts';
import { ALL_PATHS_MAX_BYTES, admit, nothingSeen } from '../../src/app/entry-rules.ts';
import { extractTarball } from '../../src/app/extract.ts';
import { inspectTarball } from '../../src/app/inspect.ts';
import { parseTarballName } from '../../src/app/name.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { app, block, INSTALL, tar, tgz } from './craft.ts';
import { flip, GOOD, HOSTILE_BYTES, type Hostile } from './hostile-bytes.ts';
import { HOSTILE_ENTRIES } from './hostile-entries.ts';
import { HOSTILE_TOP_FILES } from './hostile-top-files.ts';

const NAME = parseTarballName('demo.v1.tar.gz');
const KIB = 1024;

let scratch = '';
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'gwe-checks-'));
  writeFileSync(join(scratch, 'outside'), 'untouched');
});
after(() => rmSync(scratch, { recursive: true }));

const HOSTILE = [...HOSTILE_BYTES, ...HOSTILE_ENTRIES, ...HOSTILE_TOP_FILES];

for (const hostile of HOSTILE) {
  test(`a tarball with ${hostile.what} is discarded by the check "${hostile.check}"`, async () => {
    const bytes = hostile.bytes();
    const limits = { ...DEFAULT_LIMITS, ...hostile.limits };
    const into = join(scratch, 'into');
    mkdirSync(into);
    try {
      // In chunks of all sizes: nothing may hang on where a chunk ends.
      for (const chunk_bytes of [1, 511, 64 * KIB]) {
        await assert.rejects(
          inspectTarball(inChunks(bytes, chunk_bytes), NAME, limits, hostile.announced_bytes),
          (error) => isFailure(error, hostile),
        );
      }
      await assert.rejects(
        extractTarball(inChunks(bytes, 700), NAME, limits, into, hostile.announced_bytes),
        (error) => isFailure(error, hostile),
      );
      assert.deepEqual(readdirSync(scratch).sort(), ['into', 'outside'], 'something was written outside');
      assert.equal(readFileSync(join(scratch, 'outside'), 'utf8'), 'untouched');
      assertNothingSpecial(into);
    } finally {
      rmSync(into, { recursive: true });
    }
  });
}

test('every check but the name and the signature is proved by a hostile tarball', () => {
  const proved = new Set(HOSTILE.map(({ check }) => check));
  const missing = CHECKS.map(({ id }) => id).filter((id) => !proved.has(id));
  assert.deepEqual(missing, ['name', 'signature']);
});

test('a small tarball that is cut short anywhere is discarded', async () => {
  const whole = tar(app({ name: 'a', contents: 'x'.repeat(600) }, { name: 'd', type: '5' }));
  for (let length = 0; length < whole.length; length += 512) {
    const error = await failureOf(gzipSync(whole.subarray(0, length)));
    assert.equal(error?.check, 'tar', `cut at ${length}`);
  }
  const packed = gzipSync(whole);
  for (let length = 0; length < packed.length; length++) {
    const error = await failureOf(packed.subarray(0, length));
    assert.equal(error?.check, 'gzip', `cut at ${length}`);
  }
});

test('any flipped bit of the gzip data is noticed', async () => {
  const packed = GOOD;
  for (let at = 10; at < packed.length; at++) {
    assert.equal((await failureOf(flip(packed, at)))?.check, 'gzip', `byte ${at}`);
  }
});

test('a gzip bomb is stopped when the limit is passed, not when it has been unpacked', async () => {
  const header = block({ name: 'zeros', size: 0o77777777777 });
  const bomb = gzipSync(Buffer.concat([block(INSTALL), header, Buffer.alloc(64 * KIB * KIB)]));
  const error = await failureOf(bomb, { maxUnpacked_bytes: KIB * KIB });
  assert.equal(error?.check, 'limits');
});

test('a bomb of headers and of zeros after the end stops reading the source early', async () => {
  const step = deflateRawSync(Buffer.alloc(KIB * KIB), { finishFlush: 2 });
  let sent = 0;
  async function* endless() {
    yield Buffer.from([31, 139, 8, 0, 0, 0, 0, 0, 0, 3]);
    for (; sent < 10_000; sent++) yield step;
  }
  const limits = { maxTarball_bytes: DEFAULT_LIMITS.maxTarball_bytes, maxUnpacked_bytes: 10, maxEntries: 10 };
  await assert.rejects(inspectTarball(Readable.from(endless()), NAME, limits), { check: 'limits' });
  assert.ok(sent < 100, `${sent} MiB were read`);
});

test('paths are kept in memory, so all of them together have a limit', () => {
  const seen = nothingSeen();
  const header = {
    type: '0',
    mode: 0o644,
    size_bytes: 0,
    mtime_s: 0,
    linkPath: '',
    isUtf8: true,
    isSparse: false,
  };
  const paths = Math.ceil(ALL_PATHS_MAX_BYTES / 1000) + 1;
  assert.throws(
    () => {
      for (let i = 0; i < paths; i++)
        admit(
          { ...header, path: `${String(i).padStart(9, '0')}${'/long'.repeat(198)}`.slice(0, 1000) },
          seen,
        );
    },
    { check: 'limits', message: /one path too many/ },
  );
});

test('a source that stalls does not hold up the end of a tarball that passed a limit', async () => {
  const bomb = gzipSync(Buffer.concat([block(INSTALL), block({ name: 'x', size: 1e6, contents: 'x' })]));
  const stalling = new Readable({ read: () => {} });
  stalling.push(bomb);
  const limits = { ...DEFAULT_LIMITS, maxUnpacked_bytes: 1000 };
  await assert.rejects(inspectTarball(stalling, NAME, limits), { check: 'limits' });
  assert.equal(stalling.destroyed, false, 'an upload could not be answered any more');
  stalling.destroy();
});

test('of two failures the one that comes first in the list is told', async () => {
  const bad = gzipSync(tar(app({ name: '../x' })));
  assert.equal((await failureOf(bad))?.check, 'path');
  assert.equal((await failureOf(flip(bad, bad.length - 8)))?.check, 'gzip');
  assert.equal((await failureOf(gzipSync(tar(app({ name: '../x' }), Buffer.alloc(0)))))?.check, 'tar');
});

test('a failure says what to do', async () => {
  const error = await failureOf(tgz(app({ name: 'bin/su', mode: 0o4755 })));
  assert.equal(error?.message, 'set-uid: "bin/su" has its set-uid bit');
  assert.equal(error?.entry, 'bin/su');
  assert.match(error?.hint ?? '', /chmod -s/);
});

test('control characters in the name of an entry cannot reach a terminal', async () => {
  const error = await failureOf(tgz(app({ name: '../\x1b[2J\x9b' })));
  assert.doesNotMatch(error?.message ?? '', /[\u0000-\u001f\u007f-\u009f]/);
});

test('the limits that a workbench takes are those of a gateway with default settings', () => {
  assert.deepEqual(DEFAULT_LIMITS, {
    maxTarball_bytes: SETTINGS['download.max_tarball_bytes'].default,
    maxUnpacked_bytes: SETTINGS['install.max_unpacked_bytes'].default,
    maxEntries: SETTINGS['install.max_entries'].default,
  });
});

function inChunks(bytes: Buffer, chunk_bytes: number): Readable {
  const step_bytes = Math.max(chunk_bytes, Math.ceil(bytes.length / 2000));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += step_bytes) chunks.push(bytes.subarray(at, at + step_bytes));
  return Readable.from(chunks);
}

async function failureOf(
  bytes: Buffer,
  limits: Partial<TarballLimits> = {},
): Promise<CheckFailure | undefined> {
  try {
    await inspectTarball(Readable.from([bytes]), NAME, { ...DEFAULT_LIMITS, ...limits });
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailure) return error;
    throw error;
  }
}

function isFailure(error: unknown, hostile: Hostile): boolean {
  assert.ok(error instanceof CheckFailure, `${error}`);
  assert.equal(error.check, hostile.check, error.message);
  assert.match(error.message, hostile.says);
  assert.ok((error.hint ?? '').length > 0);
  return true;
}

function assertNothingSpecial(folder: string): void {
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    assert.ok(item.isFile() || item.isDirectory() || item.isSymbolicLink(), path);
    assert.equal(lstatSync(path).mode & 0o7000, 0, path);
  }
  assert.ok(existsSync(folder));
}
