/**
 * Tarballs that no honest program makes: a raw tar writer that writes whatever it is told, byte for byte. Shared with
 * the tests of other parts: `tgz(app())` is the smallest tarball that keeps every check, `tgz(app(entry…))` adds to it.
 */
import { gzipSync } from 'node:zlib';

const BLOCK_BYTES = 512;

export interface CraftedEntry {
  name: string | Buffer;
  /** '0' file, '1' hard link, '2' symbolic link, '3' '4' devices, '5' folder, '6' fifo … */
  type?: string;
  mode?: number;
  contents?: string | Buffer;
  link?: string | Buffer;
  mtime_s?: number;
  /** What the header claims, where it lies. */
  size?: number;
  /** Any field of the header, as raw bytes at an offset, before the checksum is taken. */
  raw?: ReadonlyArray<readonly [offset: number, bytes: string]>;
  /** Added to the right checksum. */
  checksumError?: number;
}

/** An install.sh that only says so, as every tarball needs one. */
export const INSTALL: CraftedEntry = {
  name: 'install.sh',
  mode: 0o755,
  contents: '#!/bin/sh\necho installed\n',
};

/** The entries of a good application, and then `more`. */
export function app(...more: CraftedEntry[]): CraftedEntry[] {
  return [INSTALL, ...more];
}

/** One entry: header, contents, padding. */
export function block(entry: CraftedEntry): Buffer {
  const contents = Buffer.from(entry.contents ?? '');
  const header = Buffer.alloc(BLOCK_BYTES);
  Buffer.from(entry.name).copy(header, 0, 0, 100);
  octal(header, 100, 8, entry.mode ?? (entry.type === '5' ? 0o755 : 0o644));
  octal(header, 108, 8, 0);
  octal(header, 116, 8, 0);
  octal(header, 124, 12, entry.size ?? contents.length);
  octal(header, 136, 12, entry.mtime_s ?? 1_700_000_000);
  header.write(entry.type ?? '0', 156, 'latin1');
  Buffer.from(entry.link ?? '').copy(header, 157, 0, 100);
  header.write('ustar\u000000', 257, 'latin1');
  for (const [offset, bytes] of entry.raw ?? []) header.write(bytes, offset, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0) + (entry.checksumError ?? 0);
  octal(header, 148, 8, sum);
  return Buffer.concat([header, contents, Buffer.alloc(-contents.length & (BLOCK_BYTES - 1))]);
}

/** A pax extended header (type 'x' for the next entry, 'g' for all) with these records. */
export function pax(records: Record<string, string>, type = 'x'): CraftedEntry {
  const contents = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return { name: 'PaxHeader', type, contents: contents.join('') };
}

/** A whole archive: its entries and the two empty blocks. */
export function tar(entries: readonly CraftedEntry[], end = Buffer.alloc(2 * BLOCK_BYTES)): Buffer {
  return Buffer.concat([...entries.map(block), end]);
}

/** A whole tarball. */
export function tgz(entries: readonly CraftedEntry[]): Buffer {
  return gzipSync(tar(entries));
}

function octal(header: Buffer, offset: number, length: number, value: number): void {
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + 1;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return `${length}${rest}`;
}
