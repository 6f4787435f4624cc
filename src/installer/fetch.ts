/** The phase `download`: bringing the tarball here, as far as the network lets us. The bytes are download.ts's. */
import { failed } from '../app/checks.ts';
import { GweError } from '../errors.ts';
import { ask, gone } from './announce.ts';
import { downloadDelta } from './delta.ts';
import { dropPart, fetchPart } from './download.ts';
import type { Job, Step } from './job.ts';
import type { Announced } from './journal-format.ts';

/** Downloads what was announced; what is announced otherwise by now goes back to `announce`. Raises the client's errors. */
export async function download(job: Job): Promise<Step> {
  const { deps, session } = job;
  const { name, content, delta } = job.item();
  const now = await ask(session, name.file);
  if (now === undefined) return gone(job);
  if (content === undefined || !isSame(now, content)) return { to: 'announce', set: { content: undefined } };
  if (delta !== undefined) return await downloadDelta(job, delta);
  const { downloads: folder } = deps.places;
  const how = { folder, id: name.file, announced: content, boot: deps.start().boot, signal: session.signal };
  if ((await fetchPart({ ...how, download: deps.download })) === 'complete') return { to: 'unpack' };
  return await startOver(job, content);
}

/** The Content Area sent something else than it announced: it was replaced just now, or it announces nonsense. */
async function startOver(job: Job, before: Announced): Promise<Step> {
  const { deps, session } = job;
  const { file } = job.item().name;
  dropPart(deps.places.downloads, file);
  session.infos.delete(file);
  const now = await ask(session, file);
  if (now === undefined) return gone(job);
  if (isSame(now, before)) {
    throw failed('length', `it is announced with ${before.size_bytes} bytes, and another number comes`);
  }
  if (session.startedOver.has(job.key)) {
    throw new GweError('protocol', `Cannot download ${file}: it changes while it is downloaded`);
  }
  session.startedOver.add(job.key);
  return { to: 'announce', set: { content: undefined } };
}

const isSame = (a: Announced, b: Announced): boolean =>
  a.size_bytes === b.size_bytes && a.updated_s === b.updated_s && a.sha256 === b.sha256;
