/** What lies in a folder, as facts that can be compared: kind, permissions, contents. Times and owners are left out. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** Facts by path. */
export type TreeFacts = Map<string, string>;

/** The facts of what is at `path`; `gone` when nothing is, or an overlay says that it was removed. Raises what node:fs raises. */
export function factsAt(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || isWhiteout(stat)) return 'gone';
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (stat.isDirectory()) return `folder, mode ${mode}`;
  if (!stat.isFile()) return `special file, mode ${mode}`;
  return `file, mode ${mode}, ${stat.size} bytes, sha256 ${digestOf(path)}`;
}

const PIECE_BYTES = 1024 * 1024;

function digestOf(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let got = readSync(file, piece); got > 0; got = readSync(file, piece))
      hash.update(piece.subarray(0, got));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex').slice(0, 16);
}

/** How an overlay notes that a file of the layer below is gone (Linux, overlayfs: whiteouts). */
const isWhiteout = (stat: Stats): boolean => stat.isCharacterDevice() && stat.rdev === 0;

/** Facts of everything below `folder`, under the paths that it stands for. Follows no link. */
export function factsBelow(folder: string, path: string, into: TreeFacts = new Map()): TreeFacts {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const [inner, name] = [join(folder, item.name), join(path, item.name)];
    into.set(name, factsAt(inner));
    if (item.isDirectory()) factsBelow(inner, name, into);
  }
  return into;
}

/** A path that is not as it should be. */
export interface Difference {
  path: string;
  expected: string;
  found: string;
}

/** Where `found` is not as `expected`; `otherwise` tells the facts of a path that only one of them knows. Pure but for it. */
export function differences(
  expected: TreeFacts,
  found: TreeFacts,
  otherwise: (path: string) => string,
): Difference[] {
  const paths = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return paths.flatMap((path) => {
    const [was, is] = [expected.get(path) ?? otherwise(path), found.get(path) ?? otherwise(path)];
    return was === is ? [] : [{ path, expected: was, found: is }];
  });
}
