/** Which version and which commit a build is of, and whether what was built before is still the same. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './targets.ts';

/** What `gwe --version` tells of a build. */
export interface BuildStamp {
  version: string;
  /** Abbreviated commit, with `-dirty` when the work tree differs from it; `unknown` outside of git. */
  commit: string;
}

/** Version of package.json, commit of git. Raises an Error when package.json has no version. */
export function buildStamp(root = ROOT): BuildStamp {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    if (typeof manifest.version === 'string') return { version: manifest.version, commit: commitOf(root) };
  }
  throw new Error('Cannot build: package.json has no version');
}

function commitOf(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    // A source tree that was unpacked inside somebody else's repository has no commit of its own.
    if (realpathSync(git('rev-parse', '--show-toplevel')) !== realpathSync(root)) return 'unknown';
    const dirty = git('status', '--porcelain') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (dirty ? '-dirty' : '');
  } catch {
    return 'unknown';
  }
}

/** What a build reads, besides git's commit. */
const INPUTS = ['build.mjs', 'package.json', 'package-lock.json', 'LICENSE', 'docs/gwe.1', 'src'];

/** Digest of all that a build reads, and of `stamp`: the same digest means the same results. */
export function inputsDigest(stamp: BuildStamp, root = ROOT): string {
  const hash = createHash('sha256').update(JSON.stringify(stamp));
  for (const path of INPUTS.flatMap((input) => filesBelow(root, input))) {
    const contents = readFileSync(join(root, path));
    hash.update(`\n${path} ${contents.length}\n`).update(contents);
  }
  return hash.digest('hex');
}

function filesBelow(root: string, path: string): string[] {
  const whole = join(root, path);
  if (!existsSync(whole)) return [];
  if (!statSync(whole).isDirectory()) return [path];
  return readdirSync(whole)
    .sort()
    .flatMap((name) => filesBelow(root, join(path, name)));
}
