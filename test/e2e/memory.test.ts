/** What an install takes of a small gateway's memory does not grow with the tarball: the built file, the whole sequence. */
import assert from 'node:assert/strict';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { createGzip } from 'node:zlib';
import { app, block } from '../app/craft.ts';
import { expectZero, GWE, makeGateway, start, startPlatform, tempFolder } from './machine.ts';

const MB = 1_000_000;
/** More than this the largest tarball may not take beyond the smallest. */
const MORE_AT_MOST_KIB = 20 * 1024;
const LOOK_EACH_MS = 10;

test('a tarball of 500 MB is installed within 20 MB more memory than one of 5 MB', async (t) => {
  const platform = await startPlatform(t);
  const folder = tempFolder(t);
  const peaks: number[] = [];
  for (const size_MB of [5, 500]) {
    const file = `app.v${size_MB}.tar.gz`;
    const gateway = makeGateway(t, {
      server: platform.url,
      product: platform.product,
      serial: `gw-${size_MB}`,
    });
    await makeLargeTarball(join(folder, file), size_MB * MB);
    expectZero(platform.operator('content', 'upload', join(folder, file)));
    expectZero(platform.operator('gateway', 'add', gateway.serial));
    expectZero(platform.operator('deploy', gateway.serial, file, '--no-wait'));
    peaks.push(await peakOf_KiB(t, [GWE, '--once'], gateway.env));
    const ends = await platform.points(gateway.serial, 'fetch_status');
    assert.match(ends[0] ?? '', new RegExp(`^${file}: installed in `));
  }
  const [small = 0, large = 0] = peaks;
  t.diagnostic(`peak: ${small} KiB for 5 MB, ${large} KiB for 500 MB`);
  assert.ok(small > 0 && large <= small + MORE_AT_MOST_KIB, `${small} KiB for 5 MB, ${large} KiB for 500 MB`);
});

/** A tarball of this size with one file in it: stored, not deflated, for what cannot be compressed comes that way. */
async function makeLargeTarball(path: string, size_bytes: number): Promise<void> {
  const piece = Buffer.alloc(MB, 'what cannot be compressed');
  function* archive() {
    for (const entry of app()) yield block(entry);
    yield block({ name: 'payload', size: size_bytes });
    for (let done = 0; done < size_bytes; done += piece.length) yield piece;
    yield Buffer.alloc(-size_bytes & 511);
    yield Buffer.alloc(1024);
  }
  await pipeline(Readable.from(archive()), createGzip({ level: 0 }), createWriteStream(path));
}

/** Runs a program to its good end, and returns how much memory it had resident at most. */
async function peakOf_KiB(
  t: TestContext,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const running = start(t, command, env);
  let peak_KiB = 0;
  const looking = setInterval(() => {
    const known = statusOf(running.process.pid).match(/^VmHWM:\s+(\d+) kB/m)?.[1];
    // The line is missing once it has ended.
    peak_KiB = Math.max(peak_KiB, Number(known ?? 0));
  }, LOOK_EACH_MS);
  const status = await running.ended;
  clearInterval(looking);
  assert.equal(status, 0, running.said.stderr);
  return peak_KiB;
}

function statusOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
