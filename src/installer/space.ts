/** How much disk an install needs, and the words for too little of it. Pure; disk.ts of host looks at the disk. */
import type { Room } from '../host/disk.ts';

/** Before a tarball is there, it is taken to unpack to so many times its size. */
export const ESTIMATED_UNPACK_FACTOR = 3;
/** One inode is reckoned with for so many unpacked bytes: a low guess, lest we wait for nothing; the disk has the last word. */
export const BYTES_PER_INODE = 64 * 1024;
/** Inodes for our own few files. */
export const OWN_INODES = 16;
/** A file system hands out whole blocks: the unpacked bytes are taken to be so much more on disk. */
export const BLOCK_OVERHEAD = 1.05;

export interface Reserve {
  bytes: number;
  inodes: number;
}

/**
 * What must be free before anything of an instruction is written: all downloads that are still to come (each becomes the
 * kept copy), the largest unpacked folder among them (they are unpacked one after the other), and the reserve.
 */
export function roomForAll(
  tarballs: readonly { size_bytes: number; done_bytes: number }[],
  maxUnpacked_bytes: number,
  reserve: Reserve,
): Room {
  const downloads_bytes = tarballs.reduce(
    (sum, each) => sum + Math.max(0, each.size_bytes - each.done_bytes),
    0,
  );
  const unpacked_bytes = Math.max(
    0,
    ...tarballs.map(({ size_bytes }) => Math.min(size_bytes * ESTIMATED_UNPACK_FACTOR, maxUnpacked_bytes)),
  );
  return {
    bytes: Math.ceil(downloads_bytes + unpacked_bytes * BLOCK_OVERHEAD + reserve.bytes),
    inodes: Math.ceil(unpacked_bytes / BYTES_PER_INODE) + OWN_INODES + reserve.inodes,
  };
}

/** What must be free before a tarball that has arrived is unpacked; without `entries` their number is guessed. */
export function roomToUnpack(tarball: { bytes: number; entries?: number }, reserve: Reserve): Room {
  const entries = tarball.entries ?? tarball.bytes / BYTES_PER_INODE;
  return {
    bytes: Math.ceil(tarball.bytes * BLOCK_OVERHEAD + reserve.bytes),
    inodes: Math.ceil(entries) + OWN_INODES + reserve.inodes,
  };
}

/** What is lacking, for `fetch_status`, and the part of it that tells whether it is news; `undefined` = there is room. */
export function shortage(need: Room, free: Room): { why: string; key: string } | undefined {
  if (need.bytes > free.bytes) {
    const needs = `needs ${megabytes(need.bytes, Math.ceil)} MB of disk`;
    return { why: `${needs}, ${megabytes(free.bytes, Math.floor)} MB are free`, key: needs };
  }
  if (need.inodes > free.inodes) {
    const needs = `needs ${need.inodes} inodes`;
    return { why: `${needs}, ${free.inodes} are free`, key: needs };
  }
  return undefined;
}

/** Megabytes of 10^6 bytes, with one digit after the point below ten. */
function megabytes(bytes: number, round: (n: number) => number): string {
  const mb = bytes / 1e6;
  return mb < 10 ? String(round(mb * 10) / 10) : String(round(mb));
}
