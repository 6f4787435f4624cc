/** Which files below a folder a buildfile means. Nothing here reads a file or follows a link. */
import { type Dirent, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { GweError } from '../errors.ts';

export interface Wanted {
  includes: readonly string[];
  excludes: readonly string[];
}

/**
 * The paths below `root` that are included and not excluded, sorted by their bytes. A pattern (`*`, `**`, `?`, `[…]`,
 * `{a,b}`) matches whole paths relative to `root`; what it matches stands for all that is in it. `*` does not match names
 * that begin with a dot, unless they lie in a folder that is included. An exclude without "/" matches at any depth.
 * Raises `config` when one of the includes matches nothing, and what node:fs raises.
 */
export function collectFiles(root: string, { includes, excludes }: Wanted): string[] {
  const wanted = includes.map(plain);
  const unwanted = excludes.map((pattern) => ({
    pattern: plain(pattern),
    isAnchored: pattern.includes('/'),
  }));
  const used = new Set<string>();
  const found: string[] = [];
  const walk = (folder: string, isInside: boolean): void => {
    for (const item of itemsOf(join(root, folder))) {
      const path = folder === '' ? item.name : `${folder}/${item.name}`;
      if (isExcluded(path, unwanted)) continue;
      const matching = wanted.filter((pattern) => matches(path, pattern));
      for (const pattern of matching) used.add(pattern);
      const isIn = isInside || matching.length > 0;
      if (isIn) found.push(path);
      if (item.isDirectory()) walk(path, isIn);
    }
  };
  const wantsAll = wanted.includes('');
  if (wantsAll) used.add('');
  walk('', wantsAll);
  const missing = wanted.find((pattern) => !used.has(pattern));
  if (missing !== undefined) throw nothingMatches(includes[wanted.indexOf(missing)] ?? missing, root);
  return found.sort(byBytes);
}

/** The order of entries in a tarball: the same in every locale. */
export function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function itemsOf(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true });
}

function isExcluded(
  path: string,
  unwanted: ReadonlyArray<{ pattern: string; isAnchored: boolean }>,
): boolean {
  const name = posix.basename(path);
  return unwanted.some(({ pattern, isAnchored }) => matches(isAnchored ? path : name, pattern));
}

function matches(path: string, pattern: string): boolean {
  return path === pattern || posix.matchesGlob(path, pattern);
}

/** `./bin/` as `bin`, `.` as the empty string: the folder itself. */
function plain(pattern: string): string {
  return pattern
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/');
}

function nothingMatches(pattern: string, root: string) {
  return new GweError('config', `Cannot build: "${pattern}" in "includes" matches nothing in ${root}`, {
    hint: 'Paths are relative to the folder of the buildfile.',
  });
}
