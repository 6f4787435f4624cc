import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  announcedDeltas,
  type DeltaRecord,
  decodeHeader,
  decodeRecord,
  deltaName,
  encodeHeader,
  encodeRecord,
  metaWithDeltas,
  parseDeltaName,
  RECORD_HEAD_BYTES,
} from '../../src/app/delta-format.ts';
import { makeDelta } from '../../src/app/delta-make.ts';
import { rebuildTarball } from '../../src/app/delta-rebuild.ts';

const MIB = 1024 * 1024;
const ENOUGH_BYTES = 32 * MIB;
let folder = '';
const at = (name: string) => join(folder, name);
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-delta-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Text of many words, of which no two lines are alike: as programs are. */
function prose(length_bytes: number, seed: number): Buffer {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8).toString(36);
  };
  const lines: string[] = [];
  for (let length = 0; length < length_bytes; length += lines.at(-1)?.length ?? 0)
    lines.push(`function ${next()}_${next()}(${next()}) { return ${next()} + ${next()}; }\n`);
  return Buffer.from(lines.join('').slice(0, length_bytes));
}

/** Writes two streams as tarballs (what is in them does not matter here) and makes the delta between them. */
async function deltaBetween(old: Buffer, fresh: Buffer, name = 'app') {
  const [base, target, to] = [at(`${name}.v1.tar.gz`), at(`${name}.v2.tar.gz`), at(`${name}.delta`)];
  writeFileSync(base, gzipSync(old));
  writeFileSync(target, gzipSync(fresh, { level: 9 }));
  return { base, target, to, made: await makeDelta({ base, target, to, scratch: folder }) };
}

const rebuild = (base: string, delta: string, max_memory_bytes = ENOUGH_BYTES) =>
  rebuildTarball({ base, delta, to: at('rebuilt'), max_memory_bytes });

interface Step extends DeltaRecord {
  payload: Buffer;
}

function stepsOf(delta: Buffer): Step[] {
  const steps: Step[] = [];
  for (let from = decodeHeader(delta).length; from < delta.length; ) {
    const record = decodeRecord(delta.subarray(from, from + RECORD_HEAD_BYTES));
    from += RECORD_HEAD_BYTES;
    steps.push({ ...record, payload: delta.subarray(from, from + record.payload_bytes) });
    from += record.payload_bytes;
  }
  return steps;
}

test('a delta leads to the very same stream, whatever was inserted, removed, moved along or changed', async () => {
  const old = prose(4 * MIB, 1);
  const fresh = Buffer.concat([
    prose(5000, 2),
    old.subarray(0, 2 * MIB),
    old.subarray(2 * MIB + 777, 3 * MIB),
    prose(100_000, 3),
    Buffer.from(old.subarray(3 * MIB).map((byte, i) => (i % 50_000 === 0 ? byte ^ 1 : byte))),
  ]);
  const { base, to, made } = await deltaBetween(old, fresh);
  const rebuilt = await rebuild(base, to);
  assert.equal(rebuilt.tar_sha256, digestOf(fresh));
  assert.deepEqual(gunzipSync(readFileSync(at('rebuilt'))), fresh);
  assert.equal(rebuilt.sha256, digestOf(readFileSync(at('rebuilt'))));
  // The new text alone takes some 60 kB.
  assert.ok(made.size_bytes < 100_000, `${made.size_bytes} bytes`);
  assert.ok(made.header.memory_bytes < 10 * MIB, `${made.header.memory_bytes} bytes of memory`);
});

test('its frames are what zstd --patch-from makes, and what it makes can be a delta', async () => {
  const old = prose(MIB, 4);
  const fresh = Buffer.from(old.map((byte, i) => (i % 20_000 === 7 ? byte ^ 3 : byte)));
  const { base, to } = await deltaBetween(old, fresh);
  const delta = readFileSync(to);
  const theirs: Buffer[] = [encodeHeader({ ...decodeHeader(delta).header, memory_bytes: ENOUGH_BYTES / 2 })];
  let done = 0;
  for (const { payload, ...record } of stepsOf(delta)) {
    assert.equal(record.kind, 'patch');
    const part = fresh.subarray(done, done + record.output_bytes);
    done += record.output_bytes;
    writeFileSync(at('stretch'), old.subarray(record.base_from, record.base_from + record.base_bytes));
    writeFileSync(at('frame.zst'), payload);
    writeFileSync(at('part'), part);
    const zstd = (...args: string[]) =>
      execFileSync('zstd', ['-q', '-f', `--patch-from=${at('stretch')}`, ...args], { stdio: 'pipe' });
    zstd('-d', at('frame.zst'), '-o', at('unpatched'));
    assert.deepEqual(readFileSync(at('unpatched')), part);
    zstd('-19', at('part'), '-o', at('frame.zst'));
    const frame = readFileSync(at('frame.zst'));
    theirs.push(encodeRecord({ ...record, payload_bytes: frame.length }), frame);
  }
  writeFileSync(at('theirs'), Buffer.concat(theirs));
  assert.equal((await rebuild(base, at('theirs'))).tar_sha256, digestOf(fresh));
});

test('it is about as small as zstd -19 --patch-from makes it with all of the old version in memory', async () => {
  const old = prose(2 * MIB, 5);
  const [head, tail] = [old.subarray(0, MIB), old.subarray(MIB)];
  const changed = Buffer.from(tail.map((byte, i) => (i % 3000 === 0 ? byte ^ 1 : byte)));
  const fresh = Buffer.concat([head, prose(40_000, 6), changed]);
  const { made } = await deltaBetween(old, fresh);
  for (const [name, bytes] of Object.entries({ old, fresh })) writeFileSync(at(name), bytes);
  const patch = execFileSync('zstd', ['-19', '-q', '-c', `--patch-from=${at('old')}`, at('fresh')], {
    stdio: 'pipe',
  });
  assert.ok(made.size_bytes <= 1.5 * patch.length, `${made.size_bytes} against ${patch.length} bytes`);
});

test('streams of nothing, of a few bytes and of one byte over and over are streams too', async () => {
  const cases: Array<[Buffer, Buffer]> = [
    [Buffer.alloc(0), prose(1000, 7)],
    [prose(1000, 7), Buffer.alloc(0)],
    [Buffer.from('a'), Buffer.from('b')],
    [Buffer.alloc(5 * MIB), Buffer.alloc(7 * MIB)],
    [randomBytes(MIB), randomBytes(2 * MIB + 1)],
    // What zstd would take for a dictionary of its own making.
    [Buffer.concat([Buffer.from('37a430ec', 'hex'), prose(5000, 8)]), prose(6000, 8)],
  ];
  for (const [n, [old, fresh]] of cases.entries()) {
    const { base, to } = await deltaBetween(old, fresh, `case${n}`);
    assert.equal((await rebuild(base, to)).tar_sha256, digestOf(fresh), `case ${n}`);
  }
});

test('between two applications, or from a version to itself, there is no delta', async () => {
  for (const name of ['app.v1.tar.gz', 'other.v2.tar.gz']) writeFileSync(at(name), gzipSync('x'));
  const make = (base: string, target: string) =>
    makeDelta({ base: at(base), target: at(target), to: at('none'), scratch: folder });
  await assert.rejects(make('app.v1.tar.gz', 'other.v2.tar.gz'), /they are of app and other/);
  await assert.rejects(make('app.v1.tar.gz', 'app.v1.tar.gz'), /both are of one version/);
});

test('a delta that lies about memory, goes back, makes too much or ends early is not followed', async () => {
  const old = prose(6 * MIB, 9);
  const fresh = Buffer.from(old.map((byte, i) => (i % MIB === 70_000 ? byte ^ 3 : byte)));
  const { base, to } = await deltaBetween(old, fresh);
  const delta = readFileSync(to);
  const { header } = decodeHeader(delta);
  const steps = stepsOf(delta);
  const spoil = (changes: Partial<typeof header>, change: (steps: Step[]) => Step[] = (all) => all) => {
    const records = change(steps).flatMap(({ payload, ...record }) => [encodeRecord(record), payload]);
    writeFileSync(at('spoiled'), Buffer.concat([encodeHeader({ ...header, ...changes }), ...records]));
    return rebuild(base, at('spoiled'));
  };
  const first = steps[0];
  assert.ok(first !== undefined);
  const whole: Step = {
    ...first,
    kind: 'copy',
    base_from: 0,
    base_bytes: 100,
    output_bytes: 100,
    payload_bytes: 0,
    payload: Buffer.alloc(0),
  };
  await assert.rejects(rebuild(base, to, MIB), /needs \d+ bytes of memory/);
  await assert.rejects(spoil({ memory_bytes: 2 * MIB }), /more memory than it says/);
  await assert.rejects(spoil({ tar_bytes: 1000 }), /more bytes than it says/);
  await assert.rejects(
    spoil({}, (all) => all.slice(0, -1)),
    /cut short/,
  );
  await assert.rejects(
    spoil({}, (all) => [...all.slice(0, -1), whole]),
    /goes back further|cut short/,
  );
  const beyond = { ...whole, base_from: old.length };
  await assert.rejects(
    spoil({}, () => [beyond]),
    /shorter than it says/,
  );
  const bomb = { ...first, output_bytes: first.output_bytes - 1 };
  await assert.rejects(spoil({}, () => [bomb]));
});

test('names and meta say which delta leads from where to where', () => {
  const name = deltaName('app.v2.0.tar.gz', '1.9-rc1') ?? '';
  assert.equal(name, 'app.v2.0.tar.gz.from.v1.9-rc1.delta');
  const { tarball, base } = parseDeltaName(name) ?? {};
  assert.deepEqual([tarball?.app, tarball?.version, base], ['app', '2.0', '1.9-rc1']);
  for (const other of ['app.v2.tar.gz', 'app.v2.tar.gz.delta', 'x.from.v1.delta'])
    assert.equal(parseDeltaName(other), undefined, other);
  assert.equal(deltaName('a'.repeat(190), '1.0.0'), undefined);
  const meta = metaWithDeltas('of the spring deltas:none', new Map([['1.9', 310]]));
  assert.equal(meta, 'of the spring delta:1.9:310');
  assert.deepEqual(announcedDeltas(meta), new Map([['1.9', 310]]));
  assert.deepEqual(announcedDeltas(metaWithDeltas(meta, new Map())), new Map());
  assert.equal(announcedDeltas(metaWithDeltas(meta, undefined)), undefined);
});
