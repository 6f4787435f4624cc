/**
 * Extended headers of a tar archive: pax records and GNU's long names. node-tar reads pax records line by line and passes
 * over those that do not fit, so that a name with a line break, or a damaged one, is silently another: here they are read
 * by their lengths, and what is damaged is refused.
 * Source: POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Basic Tar Format".
 */
import { isUtf8 } from 'node:buffer';
import { failed, quoted } from './checks.ts';

/** GNU long name, GNU long link name, pax header of the next entry, pax header of all that follow. */
export const EXTENDED_TYPES: ReadonlySet<string> = new Set(['L', 'K', 'x', 'g']);

/** A name out of an archive. */
export interface Name {
  text: string;
  /** If not, `text` holds U+FFFD in place of what could not be read. */
  isUtf8: boolean;
}

/** What the extended headers before an entry say of it. */
export interface Extension {
  path?: Name;
  linkPath?: Name;
  size_bytes?: number;
  mtime_s?: number;
  isSparse?: boolean;
}

/** What the contents of one extended header of this type say. Raises `check` (tar) when they are damaged. */
export function extensionOf(type: string, bytes: Buffer): Extension {
  if (type === 'L') return { path: nameIn(upToZero(bytes)) };
  if (type === 'K') return { linkPath: nameIn(upToZero(bytes)) };
  const records = readPax(bytes);
  const path = records.get('path');
  const linkPath = records.get('linkpath');
  const size = records.get('size')?.toString('latin1');
  const mtime = records.get('mtime')?.toString('latin1');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw failed('tar', `an extended header gives ${quoted(size)} as a size`);
  }
  return {
    // A pax value may hold zero bytes: they are kept, for the rules to refuse.
    ...(path === undefined ? {} : { path: nameIn(path) }),
    ...(linkPath === undefined ? {} : { linkPath: nameIn(linkPath) }),
    ...(size === undefined ? {} : { size_bytes: Number(size) }),
    ...(mtime === undefined ? {} : { mtime_s: Math.max(0, Math.floor(Number(mtime)) || 0) }),
    ...([...records.keys()].some((key) => key.startsWith('GNU.sparse.')) ? { isSparse: true } : {}),
  };
}

/** The name that these bytes are. */
export function nameIn(bytes: Buffer): Name {
  return { text: bytes.toString('utf8'), isUtf8: isUtf8(bytes) };
}

/** The records, key → value: each is `LENGTH KEY=VALUE\n`, the length counting all of it. */
function readPax(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, Math.min(space, at + 10));
    const end = at + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    const fits = /^[1-9]\d{0,8}$/.test(digits) && end <= bytes.length && bytes[end - 1] === 0x0a;
    if (!fits || equals <= space + 1 || equals >= end) {
      throw failed('tar', `has an extended header that is damaged at byte ${at} of it`);
    }
    records.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function upToZero(bytes: Buffer): Buffer {
  const zero = bytes.indexOf(0);
  return zero === -1 ? bytes : bytes.subarray(0, zero);
}
