/** The target that follows deltas: whatever comes, it is the stream that was promised, or it is refused in bounded memory. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type DeltaRecord, encodeHeader, encodeRecord, memoryNeeded } from '../../src/app/delta-format.ts';
import { rebuildTarball } from '../../src/app/delta-rebuild.ts';
import { systemCode } from '../../src/errors.ts';
import type { Target } from './targets.ts';

const OLD = Buffer.from(Array.from({ length: 5000 }, (_, n) => `line ${n}\n`).join(''));
const PART = Buffer.from('what is new: line 17\nline 18\nline 19\n'.repeat(20));
const NEW = Buffer.concat([OLD.subarray(0, 9000), PART, OLD.subarray(12_000)]);
const DIGEST = createHash('sha256').update(NEW).digest('hex');
const MAX_MEMORY_BYTES = memoryNeeded({ memory_bytes: 1024 * 1024 });

const step = (record: Omit<DeltaRecord, 'payload_bytes'>, payload = Buffer.alloc(0)) =>
  Buffer.concat([encodeRecord({ ...record, payload_bytes: payload.length }), payload]);
const copy = (base_from: number, length: number) =>
  step({ kind: 'copy', base_from, base_bytes: length, output_bytes: length });

const GOOD = Buffer.concat([
  encodeHeader({
    name: 'app.v2.tar.gz',
    tarball_sha256: DIGEST,
    tarball_bytes: NEW.length,
    tar_sha256: DIGEST,
    tar_bytes: NEW.length,
    base: '1',
    base_sha256: DIGEST,
    window_bytes: 20_000,
    memory_bytes: 100_000,
  }),
  copy(0, 9000),
  step(
    { kind: 'patch', base_from: 0, base_bytes: 9000, output_bytes: PART.length },
    zstdCompressSync(PART, { dictionary: OLD.subarray(0, 9000) }),
  ),
  copy(12_000, OLD.length - 12_000),
]);

async function checkDelta(input: Buffer): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-fuzz-delta-'));
  const [base, delta, to] = ['base', 'delta', 'to'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  try {
    writeFileSync(base, gzipSync(OLD));
    writeFileSync(delta, input);
    const { tar_sha256, tar_bytes } = await rebuildTarball({
      base,
      delta,
      to,
      max_memory_bytes: MAX_MEMORY_BYTES,
    });
    if (input.equals(GOOD)) assert.equal(tar_sha256, DIGEST);
    assert.ok(tar_bytes >= 0);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    const code = systemCode(error) ?? (error instanceof Error && 'code' in error ? error.code : undefined);
    const isRefused = code === 'malformed' || /^(Z_|ZSTD_|ERR_BUFFER_TOO_LARGE)/.test(String(code));
    assert.ok(isRefused, `raised ${String(error)} (${String(code)})`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const deltaTarget: Target = {
  name: 'delta',
  corpus: [GOOD, Buffer.from('gwe delta 1\n{}\n'), Buffer.alloc(0)],
  tokens: ['gwe delta 1\n', '\0\0\0\0', '\xff\xff\xff\xff', '"tar_bytes":9', '"memory_bytes":0', '\x01\0'],
  runs: 300,
  check: checkDelta,
};
