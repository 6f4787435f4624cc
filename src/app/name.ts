/** The name of an application tarball, which is all that an instruction says: which application, which version. */
import { failed } from './checks.ts';

/** Longest name of a tarball. */
export const NAME_MAX_BYTES = 200;

const SUFFIX = '.tar.gz';
const APP = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

export interface TarballName {
  /** The whole name, as the Content Area lists it. */
  file: string;
  app: string;
  version: string;
}

/**
 * Splits `APP.vVERSION.tar.gz` at the last `.v` ("dots in VERSION are allowed" since 1.1.4 of the original).
 * Raises `check`, naming what is wrong with the name.
 */
export function parseTarballName(file: string): TarballName {
  const wrong = (why: string) => failed('name', why, file);
  if (Buffer.byteLength(file) > NAME_MAX_BYTES) throw wrong(`is longer than ${NAME_MAX_BYTES} bytes`);
  if (file.includes('/')) throw wrong('holds a "/": it must be a bare file name');
  if (file.includes('..')) throw wrong('holds ".."');
  if (!file.endsWith(SUFFIX)) throw wrong(`does not end in ${SUFFIX}`);
  const stem = file.slice(0, -SUFFIX.length);
  const split = stem.lastIndexOf('.v');
  if (split === -1) throw wrong('has no ".v" between application and version');
  const app = stem.slice(0, split);
  const version = stem.slice(split + 2);
  if (!APP.test(app)) throw wrong(`has the application name "${app}", which is not of A-Z a-z 0-9 . _ -`);
  if (!VERSION.test(version))
    throw wrong(`has the version "${version}", which is not of A-Z a-z 0-9 . _ + -`);
  return { file, app, version };
}

/** The tarball's name for an application and a version. Raises `check` as `parseTarballName` does. */
export function tarballNameOf(app: string, version: string): TarballName {
  const name = parseTarballName(`${app}.v${version}${SUFFIX}`);
  if (name.app === app) return name;
  throw failed('name', 'has ".v" in its version: the name is split at the last one', name.file);
}
