/** How much memory an install takes: what V8 would take for speed that nobody asks of it, and large buffers that nobody uses any more. */

/**
 * What whoever moves bulk now and then does without; it counts for the whole process, so a server would be slowed down.
 * - V8 looks for garbage after each 4 MB of fresh buffers, not after each 64 MB: on a small gateway that is all there is.
 *   Measured for a download of 500 MB and its unpacking: 40 MB less at the peak, and no more time.
 * - Its last compiler stays out. Before an install is over it has hardly paid, and 5,000 files took 6 MB more with it.
 * - It collects garbage in one thread: there is so little that waiting for the others takes longer where they get no processor.
 */
const FLAGS = '--scavenger-max-new-space-capacity-mb=1 --no-turbofan --no-parallel-scavenge';

/**
 * From now on V8 takes little memory. Once a flag has changed, it takes none of Node.js's code caches any more: what is loaded
 * after that takes three times as long. So what an install needs and has not loaded yet is loaded before.
 */
export async function takeLittleMemory(): Promise<void> {
  await import('node:zlib');
  // Not imported: a gateway that wakes up with nothing to install need not load it.
  process.getBuiltinModule('node:v8').setFlagsFromString(FLAGS);
}

/**
 * Gives the memory of a large buffer back at once, in place of when V8 next looks for garbage: nobody may use it any more.
 * Where buffers share one memory, as those that a stream of node:zlib hands out one after the other do, it goes with the
 * last of them; what may still be in use, or is small, is left to V8.
 */
export function freeBuffer({ buffer, byteOffset, byteLength }: Buffer): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength <= Buffer.poolSize) return;
  if (byteOffset + byteLength === buffer.byteLength) buffer.transfer(0);
}
