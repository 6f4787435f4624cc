/**
 * The other direction of tar-header.ts: headers of entries that depend on nothing but their path, their contents and
 * whether they may be executed, so that the same input gives the same bytes on every machine.
 */
import { BLOCK_BYTES, checksumOf, FIELDS } from './tar-header.ts';

/** Every entry is as old as this: 1980-01-01, which no program complains of (1970 looks like a lost clock). */
export const FIXED_MTIME_S = 315_532_800;
const MODES = { file: 0o644, program: 0o755, folder: 0o755, symlink: 0o777 } as const;
const TYPES = { file: '0', program: '0', folder: '5', symlink: '2' } as const;
const OCTAL_SIZE_MAX_BYTES = 8 ** 11 - 1;

export interface PackedEntry {
  path: string;
  kind: keyof typeof TYPES;
  /** Of a file or a program, else 0. */
  size_bytes: number;
  /** Of a symbolic link, else empty. */
  target: string;
}

/** The two empty blocks at the end of an archive. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);

/** The header of an entry, with a pax extended header before it where the plain one has no room. */
export function headerOf(entry: PackedEntry): Buffer {
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  const records = [
    ...(Buffer.byteLength(path) > FIELDS.name[1] ? [paxRecord('path', path)] : []),
    ...(Buffer.byteLength(entry.target) > FIELDS.linkName[1] ? [paxRecord('linkpath', entry.target)] : []),
    ...(entry.size_bytes > OCTAL_SIZE_MAX_BYTES ? [paxRecord('size', String(entry.size_bytes))] : []),
  ];
  const plain = block(path, TYPES[entry.kind], MODES[entry.kind], entry.size_bytes, entry.target);
  if (records.length === 0) return plain;
  const contents = Buffer.from(records.join(''));
  return Buffer.concat([
    block('PaxHeader', 'x', MODES.file, contents.length, ''),
    contents,
    paddingOf(contents.length),
    plain,
  ]);
}

/** What fills the last block of `size_bytes` bytes of contents. */
export function paddingOf(size_bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (size_bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function block(path: string, type: string, mode: number, size_bytes: number, target: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  // Cut names are no harm: a pax header before says them whole. Owner and group stay unnamed, their numbers 0.
  Buffer.from(path).copy(header, FIELDS.name[0], 0, FIELDS.name[1]);
  Buffer.from(target).copy(header, FIELDS.linkName[0], 0, FIELDS.linkName[1]);
  octal(header, FIELDS.mode, mode);
  octal(header, FIELDS.uid, 0);
  octal(header, FIELDS.gid, 0);
  octal(header, FIELDS.size, Math.min(size_bytes, OCTAL_SIZE_MAX_BYTES));
  octal(header, FIELDS.mtime, FIXED_MTIME_S);
  header.write(type, FIELDS.type[0], 'latin1');
  header.write('ustar\u000000', FIELDS.magic[0], 'latin1');
  octal(header, FIELDS.checksum, checksumOf(header));
  return header;
}

function octal(header: Buffer, [offset, length]: readonly [number, number], value: number): void {
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. */
function paxRecord(key: string, value: string): string {
  const rest_bytes = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest_bytes + 1;
  while (length !== rest_bytes + String(length).length) length = rest_bytes + String(length).length;
  return `${length} ${key}=${value}\n`;
}
