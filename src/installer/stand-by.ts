/**
 * What a run of a script needs beside itself, made ready while its tarball is still being unpacked: to start a program
 * takes Node.js 3 ms and the program as much, and unpacking leaves a processor idle.
 */
import type { Flusher } from '../host/flush.ts';
import { dropPipe, makeOutputPipe, type OutputPipe } from '../host/output-pipe.ts';
import type { Job } from './job.ts';

export interface StandBy {
  /** For what the script prints. */
  pipe: Promise<OutputPipe | undefined>;
  flusher: Promise<Flusher>;
}

/** Begins to make it ready, in `folder`, which is there, unless that was done. Whoever calls this sees to `dismissStandBy`. */
export function standBy({ session, deps, key }: Job, folder: string): StandBy {
  const ready = session.standBys.get(key) ?? { pipe: makeOutputPipe(folder), flusher: deps.flusher() };
  // Whoever takes it hears of an error.
  ready.flusher.catch(() => {});
  session.standBys.set(key, ready);
  return ready;
}

/** Hands it over, to be used once; it is made now where it was not. Then it is the caller's to dismiss the flusher. */
export function takeStandBy(job: Job, folder: string): StandBy {
  const ready = standBy(job, folder);
  job.session.standBys.delete(job.key);
  return ready;
}

/** Ends what no script came to use. When it resolves nothing of it touches the folder any more. Never rejects. */
export async function dismissStandBy({ session, key }: Job): Promise<void> {
  const ready = session.standBys.get(key);
  session.standBys.delete(key);
  dropPipe(await ready?.pipe);
  const flusher = await ready?.flusher.catch(() => undefined);
  flusher?.dismiss();
}
