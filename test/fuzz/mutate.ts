/** Inputs that are nearly right: good ones with some edits, as fast-check values, so that a failing one is made smaller by itself. */
import fc from 'fast-check';

const OPERATIONS = ['flip', 'set', 'delete', 'insert', 'copy', 'token', 'cut', 'repeat'] as const;

interface Edit {
  operation: (typeof OPERATIONS)[number];
  /** Taken modulo what there is. */
  at: number;
  from: number;
  length: number;
  bytes: Uint8Array;
}

export interface Mutant {
  base: number;
  edits: readonly Edit[];
}

/** Longest input that repeating may make. */
const LENGTH_MAX_BYTES = 1024 * 1024;

/** Arbitrary mutants of a corpus of `size` inputs. */
export function mutants(size: number): fc.Arbitrary<Mutant> {
  const edit = fc.record({
    // Meaningful pieces in odd places find most; a cut early on hides what comes after it.
    operation: fc.constantFrom(...OPERATIONS, 'token', 'token', 'token', 'copy', 'flip', 'delete'),
    at: fc.nat(),
    from: fc.nat(),
    length: fc.oneof(fc.nat(8), fc.nat(600)),
    bytes: fc.uint8Array({ maxLength: 8 }),
  });
  return fc.record({ base: fc.nat(size - 1), edits: fc.array(edit, { minLength: 1, maxLength: 4 }) });
}

/** The input that a mutant stands for. `tokens` are pieces that mean something in this format. */
export function inputOf(mutant: Mutant, corpus: readonly Buffer[], tokens: readonly string[]): Buffer {
  return mutant.edits.reduce(
    (input, edit) => applied(input, edit, tokens),
    corpus[mutant.base] ?? Buffer.alloc(0),
  );
}

function applied(
  input: Buffer,
  { operation, at, from, length, bytes }: Edit,
  tokens: readonly string[],
): Buffer {
  const place = at % (input.length + 1);
  const [head, tail] = [input.subarray(0, place), input.subarray(place)];
  const piece = input.subarray(from % (input.length + 1)).subarray(0, length);
  switch (operation) {
    case 'flip':
      return Buffer.concat([
        head,
        tail.subarray(0, 1).map((byte) => byte ^ (1 << (from % 8))),
        tail.subarray(1),
      ]);
    case 'set':
      return Buffer.concat([head, bytes, tail.subarray(bytes.length)]);
    case 'delete':
      return Buffer.concat([head, tail.subarray(length)]);
    case 'insert':
      return Buffer.concat([head, bytes, tail]);
    case 'copy':
      return Buffer.concat([head, piece, tail]);
    case 'token':
      return Buffer.concat([head, Buffer.from(tokens[from % Math.max(1, tokens.length)] ?? ''), tail]);
    case 'cut':
      return head;
    case 'repeat': {
      const times = Math.min(length, Math.floor((LENGTH_MAX_BYTES - input.length) / (piece.length || 1)));
      return Buffer.concat([head, ...Array.from({ length: Math.max(0, times) }, () => piece), tail]);
    }
  }
}
