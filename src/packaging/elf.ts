/**
 * Cuts an ELF file down to what the kernel loads: symbols and debug sections lie behind the last segment, and only the
 * section table says that they are there. What `strip` does, for any 64-bit architecture, on a machine without binutils.
 */

// Offsets and sizes of the fields of a 64-bit little-endian ELF header and program header (elf.h).
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const PROGRAM_TABLE_AT = 32;
const SECTION_TABLE_AT = 40;
const PROGRAM_HEADER_SIZE_AT = 54;
const PROGRAM_HEADER_COUNT_AT = 56;
const SECTION_FIELDS_AT = [58, 60, 62];
const SEGMENT_OFFSET_AT = 8;
const SEGMENT_SIZE_AT = 32;

/**
 * Returns `file` without what follows its last segment, its section table struck out.
 * Raises an Error when it is no 64-bit little-endian ELF file.
 */
export function cutSymbols(file: Buffer): Buffer {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error('Cannot cut symbols: this is no 64-bit little-endian ELF file');
  }
  const kept = Buffer.from(file.subarray(0, segmentsEnd(file)));
  kept.writeBigUInt64LE(0n, SECTION_TABLE_AT);
  for (const at of SECTION_FIELDS_AT) kept.writeUInt16LE(0, at);
  return kept;
}

function segmentsEnd(file: Buffer): number {
  const table = Number(file.readBigUInt64LE(PROGRAM_TABLE_AT));
  const size_bytes = file.readUInt16LE(PROGRAM_HEADER_SIZE_AT);
  const count = file.readUInt16LE(PROGRAM_HEADER_COUNT_AT);
  let end = table + size_bytes * count;
  for (let header = table; header < table + size_bytes * count; header += size_bytes) {
    const from = Number(file.readBigUInt64LE(header + SEGMENT_OFFSET_AT));
    end = Math.max(end, from + Number(file.readBigUInt64LE(header + SEGMENT_SIZE_AT)));
  }
  return end;
}
