/** The part `size`: the built files on the disk and compressed. It writes size.json anew, which size.test.ts holds them to. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../parts.ts';
import { shown } from './figures.ts';
import { runToEnd } from './measure.ts';
import type { Bench, Findings, Part } from './part.ts';

const DIST = join(ROOT, 'dist');
export const BASELINE = join(import.meta.dirname, 'size.json');
/** A file may grow by so much before somebody has to look at it and say that it is all right. */
export const GROWTH_LIMIT = 1.01;

export const size: Part = {
  name: 'size',
  sentence:
    'The built files, on the disk and compressed. A test fails when one grew by more than 1 % since `npm run bench -- size` was last run ' +
    'and its test/bench/size.json committed.',
  needs: ['zstd'],
  run: sizes,
};

/** Bytes of what is built, by a name that does not hang on the version. */
export function builtSizes(): Record<string, number> {
  const files = existsSync(DIST)
    ? readdirSync(DIST).filter((name) => /^gwe-linux-|\.tar\.gz$/.test(name))
    : [];
  return Object.fromEntries(
    files.map((name) => [name.replace(/\.v.*\.tar\.gz$/, '.tar.gz'), statSync(join(DIST, name)).size]),
  );
}

/** What was said to be all right. */
export function acceptedSizes(): Record<string, number> {
  return JSON.parse(readFileSync(BASELINE, 'utf8'));
}

/** What has grown too much, or is not known at all, as sentences. */
export function grown(
  built: Readonly<Record<string, number>>,
  accepted: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(built).flatMap(([name, bytes]) => {
    const limit = accepted[name];
    if (limit === undefined) return [`${name} is not in size.json`];
    if (bytes <= limit * GROWTH_LIMIT) return [];
    return [`${name} grew from ${limit} to ${bytes} bytes, by ${((bytes / limit - 1) * 100).toFixed(1)} %`];
  });
}

async function sizes(bench: Bench): Promise<Findings> {
  const built = builtSizes();
  const before = existsSync(BASELINE) ? acceptedSizes() : {};
  // Side by side: zstd -19 takes a minute for each.
  const rows = await Promise.all(Object.entries(built).map((one) => rowOf(bench, one, before)));
  const changes = grown(built, before);
  writeFileSync(BASELINE, `${JSON.stringify(built, undefined, 2)}\n`);
  return {
    tables: [
      {
        caption: 'What is built, bytes',
        columns: ['', 'on the disk', 'gzip', 'zstd -19', 'since last time'],
        rows,
      },
    ],
    notes: changes.map((change) => `${change}; size.json has the new size`),
  };
}

async function rowOf(
  bench: Bench,
  [name, bytes]: readonly [string, number],
  before: Readonly<Record<string, number>>,
): Promise<string[]> {
  const isPacked = name.endsWith('.gz');
  const packed = (...command: string[]) => (isPacked ? '' : bytesOut(bench, join(DIST, name), command));
  const [gz, zst] = await Promise.all([packed('gzip', '-c'), packed('zstd', '-q', '-19', '-c')]);
  const known = before[name];
  const change = known === undefined ? '' : `${((bytes / known - 1) * 100).toFixed(2)} %`;
  return [name, bytes.toLocaleString('en'), gz, zst, change];
}

async function bytesOut(bench: Bench, file: string, command: readonly string[]): Promise<string> {
  const line = '"$@" <"$0" | wc -c';
  const { stdout } = await runToEnd(['/bin/sh', '-c', line, file, ...command], {
    PATH: '/usr/bin:/bin',
    HOME: bench.folder,
  });
  return shown(Number(stdout));
}
