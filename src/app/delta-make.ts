/**
 * Making a delta between two tarballs: what both streams have in long runs is copied, and for the rest zstd finds what is
 * alike, with a stretch of the old stream as its dictionary. It takes time (some seconds for 10 MB that changed) and room
 * on disk for both unpacked streams, and is done where tarballs are published, never on a gateway.
 */
import { createHash } from 'node:crypto';
import { closeSync, createWriteStream, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, zstdCompressSync } from 'node:zlib';
import { GweError } from '../errors.ts';
import { unpacked } from './base-window.ts';
import {
  type DeltaHeader,
  type DeltaRecord,
  deltaName,
  encodeHeader,
  encodeRecord,
  memoryNeeded,
  memoryOf,
  ZSTD_DICTIONARY_MAGIC,
} from './delta-format.ts';
import { CELL_BYTES, PIECE_BYTES, planWindows, Sampler } from './delta-plan.ts';
import { rebuildTarball } from './delta-rebuild.ts';
import { type Run, runIn } from './delta-runs.ts';
import { piecesOf } from './file-source.ts';
import { parseTarballName } from './name.ts';

/** Measured: with these a larger dictionary finds nothing more, and takes time here and memory on the gateway. */
const WINDOW_CELLS = 4;
const WINDOW_BYTES = WINDOW_CELLS * CELL_BYTES;
/** So much of it is enough for a short piece between two runs. */
const NEAR_BYTES = CELL_BYTES;
const LEVEL = 19;
/** A run goes on in steps of this size. */
const RUN_STEP_BYTES = 1024 * 1024;
/** What a record can say. */
const RUN_MAX_BYTES = 2 ** 30;

export interface DeltaMade {
  /** Its name in the Content Area. */
  name: string;
  size_bytes: number;
  header: DeltaHeader;
}

/** An unpacked stream on disk. */
interface Unpacked {
  file: number;
  bytes: number;
  tar_sha256: string;
  sha256: string;
  tarball_bytes: number;
  samples: Sampler;
}

/**
 * Makes the delta that leads from the tarball at `base` to the one at `target`, both by their names, writes it to `to` and
 * follows it once to see that it leads there. `scratch` is a folder with room for both unpacked streams. Raises `check` for
 * a wrong name, `usage` for two applications or one version, and what node:fs and node:zlib raise.
 */
export async function makeDelta(args: {
  base: string;
  target: string;
  to: string;
  scratch: string;
  /** The names of the two where their paths do not end in them. */
  names?: { base: string; target: string };
}): Promise<DeltaMade> {
  const names = namesOf(args.names ?? { base: basename(args.base), target: basename(args.target) });
  const folder = mkdtempSync(join(args.scratch, 'delta-'));
  try {
    const base = await unpack(args.base, join(folder, 'base'));
    const target = await unpack(args.target, join(folder, 'target'));
    const records = join(folder, 'records');
    const memory_bytes = WINDOW_BYTES + writeRecords(base, target, records);
    const header: DeltaHeader = {
      name: names.target.file,
      tarball_sha256: target.sha256,
      tarball_bytes: target.tarball_bytes,
      tar_sha256: target.tar_sha256,
      tar_bytes: target.bytes,
      base: names.base.version,
      base_sha256: base.sha256,
      window_bytes: WINDOW_BYTES,
      memory_bytes,
    };
    for (const { file } of [base, target]) closeSync(file);
    const size_bytes = await assemble(header, records, args.to);
    await prove(header, args, join(folder, 'proof'));
    return { name: names.delta, size_bytes, header };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function namesOf(given: { base: string; target: string }) {
  const [base, target] = [parseTarballName(given.base), parseTarballName(given.target)];
  if (base.app !== target.app || base.version === target.version) {
    const why =
      base.app === target.app ? 'both are of one version' : `they are of ${base.app} and ${target.app}`;
    throw new GweError('usage', `Cannot make a delta from ${base.file} to ${target.file}: ${why}`);
  }
  const delta = deltaName(target.file, base.version);
  if (delta === undefined)
    throw new GweError('usage', `Cannot make a delta to ${target.file}: its name is too long`);
  return { base, target, delta };
}

async function unpack(path: string, to: string): Promise<Unpacked> {
  const [outer, inner, samples] = [createHash('sha256'), createHash('sha256'), new Sampler()];
  let [tarball_bytes, bytes] = [0, 0];
  for await (const piece of piecesOf(path)) {
    outer.update(piece);
    tarball_bytes += piece.length;
  }
  const file = openSync(to, 'w+', 0o600);
  for await (const block of unpacked(path)) {
    inner.update(block);
    samples.push(block);
    for (let done = 0; done < block.length; ) done += writeSync(file, block, done);
    bytes += block.length;
  }
  return {
    file,
    bytes,
    tarball_bytes,
    samples,
    sha256: outer.digest('hex'),
    tar_sha256: inner.digest('hex'),
  };
}

/** Writes the records into a file; returns how much memory the hungriest takes beside the window. */
function writeRecords(base: Unpacked, target: Unpacked, to: string): number {
  const plan = planWindows(base.samples, target.samples, WINDOW_CELLS);
  const out = openSync(to, 'w', 0o600);
  let memory_bytes = 0;
  // What has been had of the old stream: what lies further back than a window from here has gone.
  let [at, reached] = [0, 0];
  const emit = (record: DeltaRecord, payload: Buffer) => {
    writeSync(out, Buffer.concat([encodeRecord(record), payload]));
    memory_bytes = Math.max(memory_bytes, memoryOf(record));
    at += record.output_bytes;
    reached = Math.max(reached, record.base_from + record.base_bytes);
  };
  while (at < target.bytes) {
    const piece = read(target, at, PIECE_BYTES);
    const planned = (plan[Math.floor(at / CELL_BYTES)] ?? 0) * CELL_BYTES;
    const window = stretchOf(base, Math.max(planned, reached - WINDOW_BYTES));
    const run = runIn(piece, window.bytes);
    const begin = at;
    if (run === undefined || run.at > 0) emitPatch(piece.subarray(0, run?.at), nearTo(window, run), emit);
    if (run !== undefined)
      emitCopy(base, target, { ...run, base_from: window.from + run.from }, begin + run.at, emit);
  }
  closeSync(out);
  return memory_bytes;
}

type Emit = (record: DeltaRecord, payload: Buffer) => void;
type Stretch = { from: number; bytes: Buffer };

function stretchOf(base: Unpacked, from: number): Stretch {
  return { from, bytes: read(base, from, WINDOW_BYTES) };
}

/** Of the window what lies around the place where the piece came from, if that is known by the run behind it: it takes less time. */
function nearTo(window: Stretch, run: Run | undefined): Stretch {
  if (run === undefined || run.at > NEAR_BYTES / 2) return usable(window);
  const middle = run.from - run.at / 2;
  const from = Math.max(0, Math.floor(middle - NEAR_BYTES / 2));
  return usable({ from: window.from + from, bytes: window.bytes.subarray(from, from + NEAR_BYTES) });
}

/** Without the first byte of what zstd would take for a dictionary of its own making. */
function usable({ from, bytes }: Stretch): Stretch {
  const isMistakable = bytes.length >= 4 && bytes.readUInt32LE() === ZSTD_DICTIONARY_MAGIC;
  return isMistakable ? { from: from + 1, bytes: bytes.subarray(1) } : { from, bytes };
}

function emitPatch(piece: Buffer, window: Stretch, emit: Emit): void {
  const windowLog = Math.max(17, Math.ceil(Math.log2(window.bytes.length + piece.length)));
  const options = {
    ...(window.bytes.length === 0 ? {} : { dictionary: window.bytes }),
    // Else whoever unpacks it keeps a window of all that the tables could reach.
    pledgedSrcSize: piece.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      // With a dictionary zstd takes the tables of a small input, unless it is told.
      [constants.ZSTD_c_windowLog]: windowLog,
      [constants.ZSTD_c_hashLog]: windowLog - 1,
      [constants.ZSTD_c_chainLog]: windowLog,
      [constants.ZSTD_c_searchLog]: 8,
    },
  };
  const payload = zstdCompressSync(piece, options);
  emit(
    {
      kind: 'patch',
      base_from: window.from,
      base_bytes: window.bytes.length,
      output_bytes: piece.length,
      payload_bytes: payload.length,
    },
    payload,
  );
}

/** A copy of the run, which may go on far beyond the piece in which it was found. */
function emitCopy(
  base: Unpacked,
  target: Unpacked,
  run: Run & { base_from: number },
  at: number,
  emit: Emit,
): void {
  let { length } = run;
  for (let isSame = true; isSame && length < RUN_MAX_BYTES; ) {
    const [a, b] = [
      read(base, run.base_from + length, RUN_STEP_BYTES),
      read(target, at + length, RUN_STEP_BYTES),
    ];
    isSame = a.length > 0 && a.equals(b);
    if (isSame) length += a.length;
  }
  const { base_from } = run;
  emit(
    { kind: 'copy', base_from, base_bytes: length, output_bytes: length, payload_bytes: 0 },
    Buffer.alloc(0),
  );
}

/** Up to `length` bytes of a stream from `from` on; less at its end. */
function read({ file, bytes }: Unpacked, from: number, length: number): Buffer {
  const there = Buffer.allocUnsafe(Math.max(0, Math.min(length, bytes - from)));
  for (let done = 0; done < there.length; )
    done += readSync(file, there, done, there.length - done, from + done);
  return there;
}

async function assemble(header: DeltaHeader, records: string, to: string): Promise<number> {
  const head = encodeHeader(header);
  let size_bytes = 0;
  await pipeline(
    async function* () {
      for await (const bytes of chained(head, records)) {
        size_bytes += bytes.length;
        yield bytes;
      }
    },
    createWriteStream(to, { flush: true }),
  );
  return size_bytes;
}

async function* chained(head: Buffer, records: string): AsyncGenerator<Buffer> {
  yield head;
  for await (const piece of piecesOf(records)) yield Buffer.from(piece);
}

/** Nothing is published that does not lead where it says. Raises `internal`. */
async function prove(
  header: DeltaHeader,
  { base, to }: { base: string; to: string },
  proof: string,
): Promise<void> {
  const rebuilt = await rebuildTarball({
    base,
    delta: to,
    to: proof,
    max_memory_bytes: memoryNeeded(header),
  });
  if (rebuilt.tar_sha256 === header.tar_sha256) return;
  rmSync(to);
  throw new GweError('internal', `Cannot make a delta to ${header.name}: it leads to other bytes`);
}
