/**
 * Taking a delta in place of a whole tarball: whether there is one, following it to the tarball, and when to leave it.
 * What a delta is made of is app/'s business. Whatever is wrong with one, the whole tarball is fetched, and the report says
 * so: a bill should not come as a surprise.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { announcedDeltas, type DeltaHeader, deltaName } from '../app/delta-format.ts';
import type { Rebuilt } from '../app/delta-rebuild.ts';
import { isRetryable } from '../client/errors.ts';
import type { ContentInfo } from '../client/wire.ts';
import { asGweError, GweError } from '../errors.ts';
import { renameDurably } from '../host/files.ts';
import { formatSize } from '../reports/sizes.ts';
import type { GoodVersion } from './apps.ts';
import { dropPart, fetchPart, partBytes, partPath } from './download.ts';
import type { Job, Step } from './job.ts';
import type { Announced, DeltaUse } from './journal-format.ts';

/** A smaller tarball is not worth a question for a delta. */
export const DELTA_WORTH_BYTES = 64 * 1024;
/** A delta that is not smaller than this part of the whole is not worth its work. */
export const DELTA_MAX_PART = 0.6;
/** What a tar stream holds beside the contents of files, for each of them at most: headers, long names, padding. */
const ENTRY_OVERHEAD_BYTES = 4096;

/** The delta from the last good version, or `undefined`. Asks the Content Area, unless the tarball's meta tells. Raises the client's errors. */
export async function chooseDelta(
  job: Job,
  content: Announced,
  signature: string | undefined,
): Promise<DeltaUse | undefined> {
  const { session } = job;
  const { name } = job.item();
  const good = session.apps.read(name.app).good;
  if (good === undefined || good.version === name.version || !isWorthIt(job, content)) return undefined;
  if (content.deltas !== undefined && !content.deltas.includes(good.version)) return undefined;
  const id = deltaName(name.file, good.version);
  if (id === undefined || !(await vouchesForStream(signature))) return undefined;
  const info = await infoOf(job, id);
  if (info === undefined || info.size_bytes > content.size_bytes * DELTA_MAX_PART) return undefined;
  return { id, size_bytes: info.size_bytes, updated_s: info.updated_s };
}

/** What the Content Area knows of a delta. Only what is worth waiting for is raised: all else means that there is none. */
async function infoOf({ deps, session }: Job, id: string): Promise<ContentInfo | undefined> {
  try {
    return await deps.contentInfo(id, session.signal);
  } catch (thrown) {
    const error = asGweError(thrown);
    if (isForNow(error) || session.signal.aborted) throw thrown;
    deps.log.warning(`${id} is not asked for again: ${error.message}`);
    return undefined;
  }
}

const isForNow = (error: GweError): boolean =>
  error.code === 'stopped' || error.code === 'budget' || isRetryable(error);

function isWorthIt({ deps, item }: Job, { size_bytes }: Announced): boolean {
  const { name, noDelta } = item();
  if (noDelta !== undefined || size_bytes < DELTA_WORTH_BYTES) return false;
  // What is here of the whole one is not thrown away.
  return deps.settings['download.delta_max_memory'] > 0 && partBytes(deps.places.downloads, name.file) === 0;
}

/** Where a signature is required it must name the unpacked stream: all else of the tarball is packed anew here. */
async function vouchesForStream(signature: string | undefined): Promise<boolean> {
  if (signature === undefined) return true;
  return (await import('../app/minisign.ts')).signedTar(signature) !== undefined;
}

/** The versions from which a tarball's meta announces deltas; `undefined` when it does not tell. */
export function deltasIn(meta: string): string[] | undefined {
  const deltas = announcedDeltas(meta);
  return deltas === undefined ? undefined : [...deltas.keys()];
}

/** Brings the delta here and makes the tarball of it. Raises what is worth waiting for; all else leads to the whole one. */
export async function downloadDelta(job: Job, delta: DeltaUse): Promise<Step> {
  const { deps, session } = job;
  const { id, size_bytes, updated_s } = delta;
  const announced = { size_bytes, updated_s };
  const how = { folder: deps.places.downloads, id, announced, boot: deps.start().boot };
  try {
    const end = await fetchPart({ ...how, signal: session.signal, download: deps.download });
    if (end === 'changed') return leaveDelta(job, 'it changed while it was downloaded');
    return { to: 'unpack', set: { delta: { ...delta, rebuilt: await rebuild(job, delta) } } };
  } catch (thrown) {
    const error = asGweError(thrown);
    if (isForNow(error) || session.signal.aborted) throw thrown;
    return leaveDelta(job, error.message);
  }
}

/** On to the whole tarball, by way of `announce`; nothing of the delta stays. */
export function leaveDelta(job: Job, why: string): Step {
  const { deps } = job;
  const { name, delta } = job.item();
  deps.log.warning(`${name.file} is downloaded whole: ${why}`);
  if (delta !== undefined) dropPart(deps.places.downloads, delta.id);
  dropPart(deps.places.downloads, name.file);
  const spent = delta === undefined ? '' : ` (${formatSize(delta.size_bytes)})`;
  return { to: 'announce', set: { delta: undefined, noDelta: `The delta${spent} was of no use: ${why}` } };
}

/** The name under which the tarball is made; only the finished one gets that of a part. */
const unfinishedPart = (file: string): string => `${file}.rebuilt`;

async function rebuild(job: Job, delta: DeltaUse): Promise<NonNullable<DeltaUse['rebuilt']>> {
  const { deps, session } = job;
  const { name } = job.item();
  const { downloads } = deps.places;
  const { readDeltaHeader, rebuildTarball } = await import('../app/delta-rebuild.ts');
  const [path, base] = [partPath(downloads, delta.id), session.apps.goodTarball(name.app)];
  const header = await readDeltaHeader(path);
  const misfit = misfitOf(header, job, session.apps.read(name.app).good);
  if (misfit !== undefined || base === undefined) throw new GweError('malformed', misfit ?? 'it has no base');
  const to = join(downloads, unfinishedPart(name.file));
  try {
    const max_memory_bytes = deps.settings['download.delta_max_memory'];
    const made = await rebuildTarball({ base, delta: path, to, max_memory_bytes, signal: session.signal });
    await verify(job, header, made);
    deps.checkpoint?.(`rebuilt ${name.file}`);
    dropPart(downloads, name.file);
    renameDurably(to, partPath(downloads, name.file));
    const { sha256, size_bytes, tar_sha256 } = made;
    return { sha256, size_bytes, tar_sha256, published_sha256: header.tarball_sha256 };
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  }
}

/** Why a delta is not the one that is wanted here, before it is followed; `undefined` when it is. */
function misfitOf(header: DeltaHeader, job: Job, good: GoodVersion | undefined): string | undefined {
  const { settings } = job.deps;
  const { name, content } = job.item();
  const base = good?.published_sha256 ?? good?.sha256;
  if (header.name !== name.file || header.tarball_bytes !== content?.size_bytes)
    return 'it leads to another tarball';
  if (content.sha256 !== undefined && content.sha256 !== header.tarball_sha256)
    return 'it leads to a tarball of another digest';
  if (header.base_sha256 !== base) return `it leads from another v${header.base} than the one that is kept`;
  const most_bytes =
    settings['install.max_unpacked_bytes'] + settings['install.max_entries'] * ENTRY_OVERHEAD_BYTES;
  return header.tar_bytes > most_bytes ? `it leads to ${header.tar_bytes} bytes` : undefined;
}

/** Raises `malformed` or `signature` unless the unpacked stream is the published one, and signed where that is required. */
async function verify(job: Job, header: DeltaHeader, made: Rebuilt): Promise<void> {
  if (made.tar_sha256 !== header.tar_sha256)
    throw new GweError('malformed', 'it leads to other bytes than it says');
  const { signature } = job.item();
  if (signature !== undefined) await verifyStream(job, signature, made.tar_sha256);
}

/** Verifies the signature of an unpacked stream by the keys that are trusted now. Raises `signature`. */
export async function verifyStream(job: Job, signature: string, tar_sha256: string): Promise<void> {
  const { verifyTarSignature } = await import('../app/minisign.ts');
  const publicKeys = job.deps.publicKeys();
  verifyTarSignature({ signature, publicKeys, fileName: job.item().name.file, tar_sha256 });
}
