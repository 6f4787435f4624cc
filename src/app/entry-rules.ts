/**
 * What an entry of an application tarball may be: a table of pure rules over what its header says and what came before
 * it in the same tarball. An entry is judged here before anything of it is written, so whoever writes may trust
 * what `admit` returns.
 */
import { type CheckId, failed } from './checks.ts';
import type { TarEntry } from './tar-header.ts';

/** Longest path of an entry, and longest single name in it (what Linux file systems take). */
export const PATH_MAX_BYTES = 1024;
export const COMPONENT_MAX_BYTES = 255;
/** Longest target of a symbolic link (Linux: PATH_MAX less its ending zero). */
export const LINK_TARGET_MAX_BYTES = 4095;
/** All paths of a tarball together: they are kept in memory while it is unpacked. */
export const ALL_PATHS_MAX_BYTES = 32 * 1024 * 1024;

export type EntryKind = 'file' | 'folder' | 'symlink' | 'hardlink';

/** An entry that kept every rule. */
export interface Admitted {
  kind: EntryKind;
  /** Relative to the folder, without ".", "//" and a "/" at the end; empty for the folder itself. */
  path: string;
  /** Permissions alone: nothing but rwxrwxrwx. */
  mode: number;
  size_bytes: number;
  mtime_s: number;
  /** Symbolic link: the target as it stands there. Hard link: the path of the file, as `path` is written. */
  target: string;
  /** Folders on the way to it that no entry has named, from the top down. */
  missingFolders: string[];
}

/** What has come before in the tarball: path → what is there. A hard link counts as the file it is. */
export interface Seen {
  kinds: Map<string, 'file' | 'folder' | 'symlink'>;
  paths_bytes: number;
}

export function nothingSeen(): Seen {
  return { kinds: new Map([['', 'folder']]), paths_bytes: 0 };
}

const PERMISSIONS = 0o777;
const SET_UID_OR_GID = 0o6000;

/** Type flags of POSIX ustar and of GNU tar, as people call them. */
const KINDS: Readonly<Record<string, EntryKind>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'folder',
  '7': 'file',
};
const REFUSED_TYPES: Readonly<Record<string, string>> = {
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a fifo',
  D: 'a listing of an incremental backup',
  M: 'the second part of a file that began in another volume',
  S: 'a sparse file',
  V: 'the label of a volume',
};

interface Candidate {
  entry: TarEntry;
  /** Of its path, without empty ones and "." */
  names: string[];
  path: string;
  seen: Seen;
}

/** Says what is wrong, as it goes on after the quoted path; `undefined` when nothing is. */
type Rule = (candidate: Candidate) => string | undefined;

const RULES: ReadonlyArray<readonly [CheckId, Rule]> = [
  ['path', wrongPath],
  ['type', wrongType],
  [
    'set-uid',
    ({ entry }) => (entry.mode & SET_UID_OR_GID && entry.type !== '2' ? setBits(entry.mode) : undefined),
  ],
  ['through-link', wrongWay],
  ['twice', wrongSecond],
  ['hard-link', wrongHardLink],
  ['limits', ({ seen, path }) => tooManyPaths(seen.paths_bytes + Buffer.byteLength(path))],
];

/**
 * Judges the next entry of a tarball and notes it in `seen`. Raises `check`, naming the entry, the rule, and what to do.
 */
export function admit(entry: TarEntry, seen: Seen): Admitted {
  const names = namesOf(entry.path);
  const path = names.join('/');
  const candidate = { entry, names, path, seen };
  for (const [check, rule] of RULES) {
    const why = rule(candidate);
    if (why !== undefined) throw failed(check, why, entry.path);
  }
  const kind = KINDS[entry.type] ?? 'file';
  const missingFolders = noteFolders(parentOf(path), seen);
  note(path, kind === 'hardlink' ? 'file' : kind, seen);
  const target = kind === 'hardlink' ? namesOf(entry.linkPath).join('/') : entry.linkPath;
  const { size_bytes, mtime_s } = entry;
  return { kind, path, mode: entry.mode & PERMISSIONS, size_bytes, mtime_s, target, missingFolders };
}

function wrongPath({ entry, names, path }: Candidate): string | undefined {
  const isLink = entry.type === '1' || entry.type === '2';
  if (!entry.isUtf8) return `has a ${isLink ? 'name or a target' : 'name'} that is not UTF-8`;
  if (entry.path === '') return 'has no name';
  const why = wrongWords(entry.path, names);
  if (why !== undefined) return why;
  if (path === '' && entry.type !== '5') return 'is the folder itself, yet not a folder';
  if (isLink && entry.linkPath === '') return 'is a link without a target';
  if (entry.linkPath.includes('\0')) return 'is a link whose target has a zero byte in it';
  if (Buffer.byteLength(entry.linkPath) > LINK_TARGET_MAX_BYTES) {
    return `is a link whose target is longer than ${LINK_TARGET_MAX_BYTES} bytes`;
  }
  return undefined;
}

function wrongWords(path: string, names: string[]): string | undefined {
  if (path.startsWith('/')) return 'is an absolute path';
  if (names.includes('..')) return 'has ".." in its path';
  if (path.includes('\0')) return 'has a zero byte in its path';
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) return `has a path longer than ${PATH_MAX_BYTES} bytes`;
  if (names.some((name) => Buffer.byteLength(name) > COMPONENT_MAX_BYTES)) {
    return `has a name longer than ${COMPONENT_MAX_BYTES} bytes in its path`;
  }
  return undefined;
}

function wrongType({ entry }: Candidate): string | undefined {
  if (entry.isSparse) return 'is a sparse file (packed with "tar --sparse")';
  if (KINDS[entry.type] !== undefined) return undefined;
  return `is ${REFUSED_TYPES[entry.type] ?? `of the unknown type ${JSON.stringify(entry.type)}`}`;
}

function setBits(mode: number): string {
  if ((mode & SET_UID_OR_GID) === SET_UID_OR_GID) return 'has its set-uid and its set-gid bit';
  return mode & 0o4000 ? 'has its set-uid bit' : 'has its set-gid bit';
}

function wrongWay({ names, seen }: Candidate): string | undefined {
  for (let end = names.length - 1; end > 0; end--) {
    const way = names.slice(0, end).join('/');
    const kind = seen.kinds.get(way);
    if (kind === 'folder') return undefined;
    if (kind !== undefined) return `would be written through ${named(kind)} ${JSON.stringify(way)}`;
  }
  return undefined;
}

function wrongSecond({ entry, path, seen }: Candidate): string | undefined {
  const before = seen.kinds.get(path);
  if (before === undefined || (before === 'folder' && KINDS[entry.type] === 'folder')) return undefined;
  return `comes twice: ${named(before)} of that path came before it`;
}

function wrongHardLink({ entry, seen }: Candidate): string | undefined {
  if (entry.type !== '1') return undefined;
  const names = namesOf(entry.linkPath);
  const why = wrongWords(entry.linkPath, names);
  const target = JSON.stringify(entry.linkPath.slice(0, COMPONENT_MAX_BYTES));
  if (why !== undefined) return `is a hard link out of the folder: its target ${target} ${why}`;
  const kind = seen.kinds.get(names.join('/'));
  if (kind === 'file') return undefined;
  if (kind !== undefined) return `is a hard link to ${named(kind)}: ${target}`;
  return `is a hard link to ${target}, and no such file came before it`;
}

function tooManyPaths(paths_bytes: number): string | undefined {
  if (paths_bytes <= ALL_PATHS_MAX_BYTES) return undefined;
  return `is one path too many: all of them together may have ${ALL_PATHS_MAX_BYTES} bytes`;
}

function noteFolders(folder: string, seen: Seen): string[] {
  const missing: string[] = [];
  for (let way = folder; !seen.kinds.has(way); way = parentOf(way)) {
    missing.unshift(way);
    note(way, 'folder', seen);
  }
  return missing;
}

function note(path: string, kind: 'file' | 'folder' | 'symlink', seen: Seen): void {
  if (!seen.kinds.has(path)) seen.paths_bytes += Buffer.byteLength(path);
  seen.kinds.set(path, kind);
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function named(kind: 'file' | 'folder' | 'symlink'): string {
  return kind === 'symlink' ? 'the symbolic link' : `the ${kind}`;
}
