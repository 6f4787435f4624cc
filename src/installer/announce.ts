/** Before anything is written: what the Content Area has, whether the version is wanted, and whether there is room for all of it. */
import { isRetryable } from '../client/errors.ts';
import type { ContentInfo } from '../client/wire.ts';
import { asGweError, GweError } from '../errors.ts';
import { VERSION } from '../host/version.ts';
import { OWN_PROGRAM } from '../supervisor/supervisor.ts';
import { chooseDelta, deltasIn } from './delta.ts';
import { partBytes } from './download.ts';
import type { Hold, Job, Session, Step } from './job.ts';
import type { Announced, ItemResult, JournalItem } from './journal-format.ts';
import { fetchSignature, isSignatureRequired } from './signature.ts';
import { roomForAll, shortage } from './space.ts';
import { mayInstall } from './versions.ts';

/** The phase `announce`. Raises the client's errors. */
export async function announce(job: Job): Promise<Step> {
  const { deps, session } = job;
  const { name } = job.item();
  const unwanted = refuseDowngrade(job);
  if (unwanted !== undefined) return { to: 'report', set: { result: unwanted } };
  const content = await ask(session, name.file);
  if (content === undefined) return gone(job);
  const max_bytes = deps.settings['download.max_tarball_bytes'];
  if (content.size_bytes > max_bytes) return { to: 'report', set: { result: tooLarge(content, max_bytes) } };
  const signature = isSignatureRequired(deps) ? await fetchSignature(job) : undefined;
  const hold = await lackOfRoom(job);
  if (hold !== undefined) return { hold };
  const delta = await chooseDelta(job, content, signature);
  return { to: 'download', set: { content, signature, delta } };
}

/**
 * What the Content Area announces for `id`, or `undefined` when it has no such content. In one run of `workOff` it is
 * asked once, a 404 too. Raises the client's errors.
 */
export async function ask({ infos, deps, signal }: Session, id: string): Promise<Announced | undefined> {
  if (!infos.has(id)) infos.set(id, announcedBy(await deps.contentInfo(id, signal)));
  return infos.get(id);
}

/** A digest in the content's meta (`sha256:HEX`) is taken at its word: the tarball must have it. So are its deltas. */
function announcedBy(info: ContentInfo | undefined): Announced | undefined {
  if (info === undefined) return undefined;
  const sha256 = info.meta.match(/\bsha256[:=]([0-9a-f]{64})\b/i)?.[1]?.toLowerCase();
  const deltas = deltasIn(info.meta);
  const { size_bytes, updated_s } = info;
  return {
    size_bytes,
    updated_s,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(deltas === undefined ? {} : { deltas }),
  };
}

/** The step of a tarball that the Content Area has not (any more). */
export function gone(job: Job): Step {
  const result: ItemResult = { outcome: 'gone', why: 'not in the Content Area' };
  return { to: job.item().attempt === 0 ? 'report' : 'rollback', set: { result } };
}

function refuseDowngrade(job: Job): ItemResult | undefined {
  const { name, downgrade } = job.item();
  const installed = name.app === OWN_PROGRAM ? VERSION : job.session.apps.read(name.app).good?.version;
  const setting = job.deps.settings['install.allow_downgrade'];
  if (mayInstall(name.version, installed, { setting, command: downgrade })) return undefined;
  return {
    outcome: 'discarded',
    check: 'downgrade',
    why: `v${name.version} is older than v${installed}, which is installed`,
    note: setting
      ? 'Leave "downgrade": false out of the instruction to install it all the same.'
      : 'This gateway refuses older versions: see its setting install.allow_downgrade.',
  };
}

function tooLarge({ size_bytes }: Announced, max_bytes: number): ItemResult {
  return {
    outcome: 'discarded',
    check: 'limits',
    why: `it is ${size_bytes} bytes long, and download.max_tarball_bytes is ${max_bytes}`,
    note: 'Leave out what the gateway does not need, or raise download.max_tarball_bytes.',
  };
}

/** Room for this item and all that come after it in its instruction. */
async function lackOfRoom(job: Job): Promise<Hold | undefined> {
  const { deps, session } = job;
  const items = session.journal.entry(job.entryId)?.items.filter(({ phase }) => phase === 'announce') ?? [];
  const tarballs = [];
  for (const item of items) {
    const size_bytes = await sizeOf(session, item);
    tarballs.push({ size_bytes, done_bytes: partBytes(deps.places.downloads, item.name.file) });
  }
  const need = roomForAll(tarballs, deps.settings['install.max_unpacked_bytes'], reserveOf(job));
  return holdFor(shortage(need, deps.room(deps.places.state)));
}

async function sizeOf(session: Session, item: JournalItem): Promise<number> {
  try {
    return (await ask(session, item.name.file))?.size_bytes ?? 0;
  } catch (error) {
    // What is wrong with another tarball is said when it is that one's turn.
    if (isRetryable(asGweError(error))) throw error;
    return 0;
  }
}

/** What an install must leave free. */
export function reserveOf({ deps }: Job): { bytes: number; inodes: number } {
  return {
    bytes: deps.settings['install.reserve_bytes'],
    inodes: deps.settings['install.reserve_inodes'],
  };
}

/** The hold for a lack of room, if there is one. */
export function holdFor(lack: { why: string; key: string } | undefined): Hold | undefined {
  if (lack === undefined) return undefined;
  const hint = 'Free some disk space; gwe tries again by itself.';
  return { kind: 'disk', error: new GweError('disk-full', lack.why, { hint }), key: lack.key };
}
