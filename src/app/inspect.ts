/** Checking an application tarball without writing anything: for `--check-tarball`, `--build-app` and the platform. */
import { DEFAULT_LIMITS, type TarballLimits } from './checks.ts';
import { parseTarballName, type TarballName } from './name.ts';
import { passTarball, type TarballFacts, type TarballSource } from './pass.ts';

/**
 * Reads `source` to its end, writes nothing, and returns what the tarball is. Raises `check` for the first check that
 * fails, and the errors of the source. The source is not destroyed on failure: an upload can still be answered.
 */
export async function inspectTarball(
  source: TarballSource,
  name: TarballName,
  limits: TarballLimits,
  announced_bytes?: number,
): Promise<TarballFacts> {
  return await passTarball(source, { name, limits, announced_bytes });
}

/** Checks the tarball at `path`, its name too. Raises `check`, and what node:fs raises. */
export async function inspectFile(
  path: string,
  limits: TarballLimits = DEFAULT_LIMITS,
): Promise<TarballFacts> {
  const [{ piecesOf }, { basename }] = await Promise.all([import('./file-source.ts'), import('node:path')]);
  const source = piecesOf(path);
  try {
    return await inspectTarball(source, parseTarballName(basename(path)), limits);
  } finally {
    await source.return();
  }
}
