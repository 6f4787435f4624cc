/**
 * Starts the reader's thread from the source. In the single file, which has no files to start a thread from, the bundler
 * puts a module in the place of this one that holds the thread's code as text (packaging/bundle.ts).
 */
import { Worker } from 'node:worker_threads';

export function startReaderThread(workerData: object): Worker {
  return new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData });
}
