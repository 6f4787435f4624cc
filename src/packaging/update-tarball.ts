/**
 * The application tarball by which gwe updates gwe: the single files and the install.sh that picks one of them. One tarball
 * for the whole fleet, whatever the gateways' architectures are. Identical input makes identical bytes.
 */
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from 'tar';
import { updateScript } from './scripts.ts';
import { type Architecture, singleFile } from './targets.ts';

/** All entries bear the same time: when they were made is no part of what they are. */
const ENTRY_TIME = new Date('2000-01-01T00:00:00Z');
/** zlib's default; 9 takes twice as long for 0.3 % fewer bytes. */
const GZIP_LEVEL = 6;

/** Name of the tarball of a version. */
export const updateTarball = (version: string): string => `gwe.v${version}.tar.gz`;

/** Makes the tarball in `folder` from the single files that lie there. */
export async function makeUpdateTarball(
  folder: string,
  version: string,
  architectures: readonly Architecture[],
): Promise<void> {
  const contents = mkdtempSync(join(folder, '.update-'));
  try {
    const names = architectures.map(singleFile);
    writeFileSync(join(contents, 'install.sh'), updateScript(), { mode: 0o755 });
    for (const name of names) linkSync(join(folder, name), join(contents, name));
    const file = join(folder, updateTarball(version));
    const gzip = { level: GZIP_LEVEL };
    await create({ cwd: contents, file, gzip, portable: true, mtime: ENTRY_TIME }, ['install.sh', ...names]);
  } finally {
    rmSync(contents, { recursive: true });
  }
}
