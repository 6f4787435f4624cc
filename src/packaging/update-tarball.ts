/**
 * The application tarball by which gwe updates gwe: the single files and the install.sh that picks one of them. One tarball
 * for the whole fleet, whatever the gateways' architectures are. Packing and checking are --build-app's.
 */
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packTarball } from '../app/pack.ts';
import { updateScript } from './scripts.ts';
import { type Architecture, singleFile } from './targets.ts';

/** The highest takes twice as long for 0.3 % fewer bytes. */
const GZIP_LEVEL = 6;

/** Name of the tarball of a version. */
export const updateTarball = (version: string): string => `gwe.v${version}.tar.gz`;

/** Makes the tarball in `folder` from the single files that lie there. Raises `check` when a gateway would discard it. */
export async function makeUpdateTarball(
  folder: string,
  version: string,
  architectures: readonly Architecture[],
): Promise<void> {
  const root = mkdtempSync(join(folder, '.update-'));
  try {
    const names = architectures.map(singleFile);
    writeFileSync(join(root, 'install.sh'), updateScript(), { mode: 0o755 });
    for (const name of names) linkSync(join(folder, name), join(root, name));
    const to = join(folder, updateTarball(version));
    await packTarball({ root, files: ['install.sh', ...names], to, gzipLevel: GZIP_LEVEL });
  } finally {
    rmSync(root, { recursive: true });
  }
}
