/**
 * BLAKE2b with a digest of 32 bytes, for the checksum in minisign's secret keys: node:crypto only has the 64-byte one.
 * One block of input, which is all that is needed; nobody's secrets pass through a loop here that depends on them.
 * Source: RFC 7693.
 */
import { GweError } from '../errors.ts';

export const BLOCK_BYTES = 128;
const DIGEST_BYTES = 32;
const MASK = 0xffff_ffff_ffff_ffffn;

const IV: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** Which word of the message each step of a round takes; rounds 10 and 11 are 0 and 1 again. */
const SIGMA: readonly string[] = [
  '0123456789abcdef',
  'ea489fd61c02b753',
  'b8c052fdae367194',
  '7931dcbe265a40f8',
  '905724afe1bc683d',
  '2c6a0b834d75fe19',
  'c51fed4a0763928b',
  'db7ec13950f4862a',
  '6fe9b308c2d714a5',
  'a2847615fb9e3cd0',
];
const ROUNDS = 12;

/** Columns, then diagonals, of the 4 × 4 state. */
const STEPS: ReadonlyArray<readonly [number, number, number, number]> = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

/** The digest of at most 128 bytes. */
export function blake2b256(input: Buffer): Buffer {
  if (input.length > BLOCK_BYTES) {
    throw new GweError('internal', `Cannot hash ${input.length} bytes: one block has ${BLOCK_BYTES}`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  input.copy(block);
  const words = Array.from({ length: 16 }, (_, i) => block.readBigUInt64LE(i * 8));
  const start = IV.map((word, i) => (i === 0 ? word ^ BigInt(0x01010000 | DIGEST_BYTES) : word));
  const v = [...start, ...IV];
  xor(v, 12, BigInt(input.length));
  xor(v, 14, MASK);
  for (let round = 0; round < ROUNDS; round++) mixAll(v, words, SIGMA[round % SIGMA.length] ?? '');
  const digest = Buffer.alloc(BLOCK_BYTES / 2);
  start.forEach((word, i) => {
    digest.writeBigUInt64LE(word ^ at(v, i) ^ at(v, i + 8), i * 8);
  });
  return digest.subarray(0, DIGEST_BYTES);
}

function mixAll(v: bigint[], words: readonly bigint[], order: string): void {
  STEPS.forEach(([a, b, c, d], step) => {
    const x = at(words, Number.parseInt(order[2 * step] ?? '', 16));
    const y = at(words, Number.parseInt(order[2 * step + 1] ?? '', 16));
    half(v, a, b, c, d, x, 32n, 24n);
    half(v, a, b, c, d, y, 16n, 63n);
  });
}

function half(
  v: bigint[],
  a: number,
  b: number,
  c: number,
  d: number,
  word: bigint,
  r1: bigint,
  r2: bigint,
): void {
  v[a] = (at(v, a) + at(v, b) + word) & MASK;
  v[d] = rotate(at(v, d) ^ at(v, a), r1);
  v[c] = (at(v, c) + at(v, d)) & MASK;
  v[b] = rotate(at(v, b) ^ at(v, c), r2);
}

function rotate(word: bigint, bits: bigint): bigint {
  return ((word >> bits) | (word << (64n - bits))) & MASK;
}

function xor(v: bigint[], index: number, word: bigint): void {
  v[index] = at(v, index) ^ word;
}

function at(words: readonly bigint[], index: number): bigint {
  return words[index] ?? 0n;
}
