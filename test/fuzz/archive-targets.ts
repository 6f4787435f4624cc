/** Targets that read what is downloaded: tarballs as they come and as they would be unpacked, and minisign's files. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { extractTarball } from '../../src/app/extract.ts';
import { inspectTarball } from '../../src/app/inspect.ts';
import { verifySignature } from '../../src/app/minisign.ts';
import {
  formatPublicKey,
  formatSignature,
  keyIdOf,
  parsePublicKey,
  parseSealedKey,
  parseSignature,
} from '../../src/app/minisign-format.ts';
import { parseTarballName } from '../../src/app/name.ts';
import { GweError } from '../../src/errors.ts';
import { app, type CraftedEntry, pax, tar, tgz } from '../app/craft.ts';
import type { Target } from './targets.ts';
import { orRefused } from './text-targets.ts';

const NAME = parseTarballName('app.v1.tar.gz');
const LIMITS = { maxTarball_bytes: 4 * 1024 * 1024, maxUnpacked_bytes: 4 * 1024 * 1024, maxEntries: 100 };

const ENTRIES = app(
  { name: 'supervisor.conf', contents: '[supervisord]\ncommand=./run\n' },
  { name: 'lib/', type: '5' },
  { name: 'lib/tool', mode: 0o755, contents: 'x'.repeat(700) },
  { name: 'current', type: '2', link: '/opt/app' },
  { name: 'twin', type: '1', link: 'lib/tool' },
  pax({ path: 'lib/a long name', size: '3' }),
  { name: 'ignored', contents: 'abc' },
);

async function orCheckFailed<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    assert.ok(error instanceof GweError && error.code === 'check', `raised ${String(error)}`);
    return undefined;
  }
}

/** In pieces, so that no reader may count on whole headers. */
const streamOf = (bytes: Buffer, piece_bytes: number) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / piece_bytes) }, (_, n) =>
      bytes.subarray(n * piece_bytes, (n + 1) * piece_bytes),
    ),
  );

async function checkTarball(input: Buffer): Promise<void> {
  const whole = await orCheckFailed(() => inspectTarball(streamOf(input, 65_536), NAME, LIMITS));
  const pieces = await orCheckFailed(() =>
    inspectTarball(streamOf(input, 1 + (input.length % 700)), NAME, LIMITS),
  );
  assert.deepEqual(pieces, whole);
  if (whole === undefined) return;
  assert.equal(whole.size_bytes, input.length);
  assert.equal(whole.sha256, createHash('sha256').update(input).digest('hex'));
  assert.ok(whole.unpacked_bytes <= LIMITS.maxUnpacked_bytes && whole.entries <= LIMITS.maxEntries);
}

/** The same archive with the right checksum in whatever looks like a header: without, all that is tried would be the checksum. */
function withChecksums(archive: Buffer): Buffer {
  const mended = Buffer.from(archive);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    const header = mended.subarray(at, at + 512);
    if (header.toString('latin1', 257, 262) !== 'ustar') continue;
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return mended;
}

/** Unpacks a mutated archive into one of two sibling folders; whatever it holds, the other must stay as it was. */
async function checkUnpacking(input: Buffer): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-fuzz-'));
  const [into, beside] = [join(folder, 'into'), join(folder, 'beside')];
  mkdirSync(into);
  mkdirSync(beside);
  writeFileSync(join(beside, 'kept'), 'kept');
  try {
    const packed = gzipSync(withChecksums(input), { level: 1 });
    const facts = await orCheckFailed(() => extractTarball(streamOf(packed, 4096), NAME, LIMITS, into));
    assert.deepEqual(readdirSync(folder).sort(), ['beside', 'into']);
    assert.deepEqual(readdirSync(beside), ['kept']);
    assert.equal(readFileSync(join(beside, 'kept'), 'utf8'), 'kept');
    const inspected = await orCheckFailed(() => inspectTarball(streamOf(packed, 4096), NAME, LIMITS));
    assert.deepEqual(facts, inspected);
    checkTree(into);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PATHS = [
  'a',
  'b',
  'a/b',
  'a/b/c',
  './a//b',
  '../beside/kept',
  'a/../../beside/kept',
  '/tmp/gwe-fuzz-x',
  '.',
  '',
  '..',
  'A',
  'install.sh',
  'a/',
  'b/../../x',
  'a/b/../c',
];
const TYPES = ['0', '0', '5', '5', '2', '2', '1', '1', '3', '6', 'x', 'g', 'L', 'K', '7', '\0'];
const MODES = [0o644, 0o755, 0o777, 0, 0o4755, 0o2755, 0o1777, 0o7777];
const LINKS = [
  'a',
  'b',
  'a/b',
  '../beside',
  '../beside/kept',
  '/etc',
  '.',
  '',
  'install.sh',
  '/',
  'a/../..',
  'A',
];

/** Four bytes an entry: each of them picks from a list. What they make is whole as tar, and anything but honest. */
function entriesFrom(input: Buffer): CraftedEntry[] {
  const pick = <T>(list: readonly T[], at: number) => list[(input[at] ?? 0) % list.length] as T;
  return Array.from({ length: Math.min(24, Math.floor(input.length / 4)) }, (_, index) => {
    const [at, type] = [index * 4, pick(TYPES, index * 4 + 1)];
    const entry = { name: pick(PATHS, at), type, mode: pick(MODES, at + 2) };
    if (type === 'x' || type === 'g')
      return pax({ path: pick(PATHS, at + 3), linkpath: pick(LINKS, at + 2) }, type);
    if (type === 'L' || type === 'K') return { ...entry, contents: `${pick(PATHS, at + 3)}\0` };
    if (type === '1' || type === '2') return { ...entry, link: pick(LINKS, at + 3) };
    return type === '5' ? entry : { ...entry, contents: 'x'.repeat(input[at + 3] ?? 0) };
  });
}

function checkTree(folder: string): void {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    assert.ok(item.isFile() || item.isDirectory() || item.isSymbolicLink(), path);
    if (!item.isSymbolicLink()) assert.equal(lstatSync(path).mode & 0o7000, 0, path);
    if (item.isDirectory()) checkTree(path);
  }
}

const CONTENTS = Buffer.from('the tarball');
const DIGEST = createHash('blake2b512').update(CONTENTS).digest();
const COMMENT = 'timestamp:1700000000\tfile:app.v1.tar.gz\thashed';
const KEYS = generateKeyPairSync('ed25519');
const KEY_ID = Buffer.from('0102030405060708', 'hex');
const PUBLIC_BYTES = KEYS.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const SIGNED = sign(null, DIGEST, KEYS.privateKey);
const GLOBAL = sign(null, Buffer.concat([SIGNED, Buffer.from(COMMENT)]), KEYS.privateKey);
const SIGNATURE = formatSignature(KEY_ID, SIGNED, COMMENT, GLOBAL);
const PUBLIC_KEY = { keyId: keyIdOf(KEY_ID), bytes: PUBLIC_BYTES };

function checkMinisign(input: Buffer): void {
  const text = input.toString('utf8');
  orRefused(() => parsePublicKey(text), 'signature');
  orRefused(() => parseSealedKey(text), 'signature');
  orRefused(() => parseSignature(text), 'signature', 'check');
  for (const digest of [{ blake2b512: DIGEST }, { contents: CONTENTS }]) {
    const args = { signature: text, publicKeys: [PUBLIC_KEY], fileName: NAME.file, digest };
    if (orRefused(() => verifySignature(args), 'signature', 'check') === undefined) continue;
    assert.equal(parseSignature(text).trustedComment, COMMENT);
    assert.deepEqual(parseSignature(text).bytes, SIGNED);
  }
}

export const archiveTargets: readonly Target[] = [
  {
    name: 'tarball',
    corpus: [tgz(app()), tgz(ENTRIES), gzipSync(tar(ENTRIES), { level: 0 }), Buffer.alloc(0)],
    tokens: ['\x1f\x8b\x08', '\0\0\0\0', '\xff\xff\xff\xff', 'install.sh'],
    runs: 400,
    check: checkTarball,
  },
  {
    name: 'unpacking',
    corpus: [tar(app()), tar(ENTRIES)],
    tokens: [
      '../',
      '../../beside/kept',
      '/tmp/',
      'install.sh',
      '\0',
      '0004755',
      '0000777',
      'current/x',
      '27 path=../beside/kept\n',
      '77777777777',
    ],
    runs: 200,
    check: checkUnpacking,
  },
  {
    name: 'entries',
    corpus: [
      Buffer.alloc(4),
      Buffer.from([2, 0, 1, 9, 0, 2, 1, 0, 1, 4, 0, 3, 3, 0, 0, 5]),
      Buffer.from(Array.from({ length: 48 }, (_, n) => n * 7)),
    ],
    tokens: ['\0\x04\0\x03', '\x02\0\0\x05', '\x01\x04\0\x04', '\x0d\x02\x01\0', '\x05\x06\x04\x01'],
    runs: 300,
    check: (input) => checkUnpacking(tar(app(...entriesFrom(input)))),
  },
  {
    name: 'minisign',
    corpus: [Buffer.from(SIGNATURE), Buffer.from(formatPublicKey(KEY_ID, PUBLIC_BYTES)), Buffer.alloc(0)],
    tokens: [
      '\n',
      '\r\n',
      'trusted comment: ',
      'untrusted comment: ',
      'file:',
      '\tfile:b.v1.tar.gz',
      '=',
      'A'.repeat(88),
    ],
    runs: 2000,
    check: checkMinisign,
  },
];
