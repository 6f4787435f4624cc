/** Waiting for the data budget: no failure, no attempt, and told once a day. */
import { GweError } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import { partBytes } from './download.ts';
import type { Hold, Job } from './job.ts';
import { toFetch } from './journal-format.ts';

/** The hold for what did not fit into the data budget, with how much of the download is here already. */
export function budgetHold(job: Job, error: GweError): Hold {
  // Here it is the tarball's name that stands before it.
  const clause = error.message.replace(/^Cannot .*?: /, '');
  const { id, size_bytes } = toFetch(job.item());
  const done_bytes = partBytes(job.deps.places.downloads, id);
  const progress =
    size_bytes === undefined ? '' : `; ${formatSize(done_bytes)} of ${formatSize(size_bytes)} are here`;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  const date = new Date(job.deps.clock.now()).toISOString().slice(0, 10);
  return {
    kind: 'budget',
    error: new GweError('budget', `${clause}${progress}`, hint),
    key: `budget on ${date}`,
  };
}
