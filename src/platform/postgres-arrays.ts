/**
 * Arrays as PostgreSQL takes them in binary: a text of a megabyte is copied as it is, where the text form would have each of its
 * characters looked at, marked and unmarked again on both sides. Pure.
 */

export type ArrayKind = 'bigint' | 'text';
export type Element = string | number | null;

const ELEMENT_OIDS: Readonly<Record<ArrayKind, number>> = { bigint: 20, text: 25 };
const HEAD_BYTES = 20;
const LENGTH_BYTES = 4;
const INT8_BYTES = 8;
const NULL_LENGTH = -1;
const LOW = 2 ** 32;

/**
 * The array as the protocol has it: dimensions, whether it has nulls, type of the elements; then their number and the first index;
 * then each with its length. `undefined` when an element is not of the kind: what PostgreSQL says of it is clearer.
 */
export function binaryArray(elements: readonly Element[], kind: ArrayKind): Buffer | undefined {
  const isFit = kind === 'text' ? isTextOrNull : isIntegerOrNull;
  if (!elements.every(isFit)) return undefined;
  const sizes = elements.map(sizeOf);
  const body_bytes = sizes.reduce((sum, size) => sum + LENGTH_BYTES + Math.max(size, 0), 0);
  const isEmpty = elements.length === 0;
  const made = Buffer.allocUnsafe(isEmpty ? HEAD_BYTES - INT8_BYTES : HEAD_BYTES + body_bytes);
  made.writeInt32BE(isEmpty ? 0 : 1, 0);
  made.writeInt32BE(elements.includes(null) ? 1 : 0, 4);
  made.writeInt32BE(ELEMENT_OIDS[kind], 8);
  if (isEmpty) return made;
  made.writeInt32BE(elements.length, 12);
  made.writeInt32BE(1, 16);
  let at = HEAD_BYTES;
  elements.forEach((element, n) => {
    const size = sizes[n] ?? NULL_LENGTH;
    at = made.writeInt32BE(size, at);
    if (element !== null) at += put(made, element, at, size);
  });
  return made;
}

const isTextOrNull = (element: Element) => element === null || typeof element === 'string';
const isIntegerOrNull = (element: Element) => element === null || Number.isSafeInteger(element);

function sizeOf(element: Element): number {
  if (element === null) return NULL_LENGTH;
  return typeof element === 'string' ? Buffer.byteLength(element) : INT8_BYTES;
}

/** Returns how many bytes it wrote. */
function put(to: Buffer, element: string | number, at: number, size: number): number {
  if (typeof element === 'string') return to.write(element, at, size === element.length ? 'latin1' : 'utf8');
  to.writeInt32BE(Math.floor(element / LOW), at);
  to.writeUInt32BE(element >>> 0, at + LENGTH_BYTES);
  return INT8_BYTES;
}
