/** What the benches of installing share: tarballs of three shapes, and the least that any install must do, to compare with. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Shape {
  name: string;
  files: number;
  bytes: number;
}

export const SHAPES = [
  { name: '100 MB in 200 files', files: 200, bytes: 100e6 },
  { name: '20 MB in 5,000 files', files: 5000, bytes: 20e6 },
  { name: '10 MB in 50 files', files: 50, bytes: 10e6 },
] as const satisfies readonly Shape[];

/** Makes `APP.v1.tar.gz` in `folder` with GNU tar, out of pieces of Node.js itself: programs are what applications hold. */
export function makeTarball(
  folder: string,
  app: string,
  { files, bytes }: Omit<Shape, 'name'>,
  script = '#!/bin/sh\necho installed\n',
): string {
  const root = join(folder, `${app}-root`);
  const piece = Buffer.alloc(Math.floor(bytes / files));
  const source = openSync(process.execPath, 'r');
  for (let n = 0; n < files; n++) {
    const sub = join(root, `lib${n % 20}`);
    mkdirSync(sub, { recursive: true });
    readSync(source, piece, 0, piece.length, 50e6 + ((n * piece.length) % 60e6));
    writeFileSync(join(sub, `part${n}`), piece);
  }
  closeSync(source);
  writeFileSync(join(root, 'install.sh'), script, { mode: 0o755 });
  const path = join(folder, `${app}.v1.tar.gz`);
  mustEnd(spawnSync('tar', ['czf', path, '-C', root, '.']));
  rmSync(root, { recursive: true });
  const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
  writeFileSync(`${path}.sha256`, `${digest}  ${path}\n`);
  return path;
}

/** Milliseconds of `sha256sum -c && tar xzf && sh install.sh` into the fresh folder `into`. */
export function floor_ms(tarball: string, into: string): number {
  mkdirSync(into);
  const line = `sha256sum -c --status "$1.sha256" && tar xzf "$1" -C "$2" && cd "$2" && sh install.sh`;
  return time_ms(() => mustEnd(spawnSync('/bin/sh', ['-c', line, 'sh', tarball, into])));
}

export function time_ms(act: () => void): number {
  const began_ms = performance.now();
  act();
  return performance.now() - began_ms;
}

/** Raises an Error unless the program ended well. */
export function mustEnd(end: {
  status: number | null;
  stdout: Buffer;
  stderr: Buffer;
  error?: Error;
}): Buffer {
  if (end.status === 0) return end.stdout;
  throw end.error ?? new Error(`ended with ${end.status}: ${end.stdout}${end.stderr}`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
