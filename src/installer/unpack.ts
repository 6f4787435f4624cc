/** The phase `unpack`: signature, checks and unpacking, from the finished download into a fresh folder. The checks are app/'s. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { failed } from '../app/checks.ts';
import type { TarballName } from '../app/name.ts';
import type { TarballFacts } from '../app/pass.ts';
import { asGweError } from '../errors.ts';
import { makeScratchFolder, readIfThere, removeFolder } from '../host/files.ts';
import { programText } from '../supervisor/program.ts';
import { OWN_PROGRAM } from '../supervisor/supervisor.ts';
import { holdFor, reserveOf } from './announce.ts';
import { leaveDelta, verifyStream } from './delta.ts';
import { dropPart, partBytes, partPath, readPartNote, syncPart } from './download.ts';
import type { Hold, Job, Step } from './job.ts';
import { completeBytes, type JournalItem, type Unpacked } from './journal-format.ts';
import { jobFolder } from './script.ts';
import { isSignatureRequired, verifyTarball } from './signature.ts';
import { roomToUnpack, shortage } from './space.ts';
import { dismissStandBy, standBy } from './stand-by.ts';
import { programPath } from './supervise.ts';

const GZIP_TRAILER_LENGTH_BYTES = 4;

/** The folder in which a tarball of this item is unpacked. */
export const unpackedFolder = (job: Job): string => join(jobFolder(job), 'app');

/** Makes everything ready for the next run of install.sh, or finds that there have been enough. Raises `check`, `signature`. */
export async function unpack(job: Job): Promise<Step> {
  const { deps } = job;
  const item = job.item();
  if (item.attempt >= deps.settings['install.max_attempts']) return tooOften(item);
  const part = partPath(deps.places.downloads, item.name.file);
  const isSigned = isSignatureRequired(deps);
  if (partBytes(deps.places.downloads, item.name.file) !== completeBytes(item)) return { to: 'announce' };
  if (isSigned && item.signature === undefined) return { to: 'announce' };
  removeFolder(unpackedFolder(job));
  try {
    if (isSigned) await verify(job, part, item.signature ?? '');
    const hold = await lackOfRoom(job, part);
    if (hold !== undefined) return { hold };
    makeScratchFolder(jobFolder(job));
    standBy(job, jobFolder(job));
    const [facts] = await allOf(checkedFacts(job, part), syncPart(deps.places.downloads, item.name.file));
    return ready(job, facts);
  } catch (error) {
    await dismissStandBy(job);
    if (item.delta !== undefined && isRefusal(error)) return leaveDelta(job, asGweError(error).message);
    if (!mayBeMispieced(job, error)) throw error;
    deps.log.warning(`${asGweError(error).message}; downloading ${item.name.file} once more, in one piece`);
    dropPart(deps.places.downloads, item.name.file);
    return { to: 'announce', set: { fetchedAgain: true } };
  }
}

/** Both, or the error of the first one that fails, once both are over: nothing goes on behind the back of what comes next. */
async function allOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return await Promise.all([one, other]);
}

/** Of a tarball that was made of a delta, the unpacked stream is what was signed. */
async function verify(job: Job, part: string, signature: string): Promise<void> {
  const tar_sha256 = job.item().delta?.rebuilt?.tar_sha256;
  if (tar_sha256 === undefined) await verifyTarball(job, part, signature);
  else await verifyStream(job, signature, tar_sha256);
}

function isRefusal(error: unknown): boolean {
  const { code } = asGweError(error);
  return code === 'check' || code === 'signature';
}

/** Whether the download was assembled from pieces: then a failing check may be our own fault, and it is fetched once more, whole. */
function mayBeMispieced(job: Job, error: unknown): boolean {
  const { name, fetchedAgain } = job.item();
  if (!isRefusal(error) || fetchedAgain === true) return false;
  return readPartNote(job.deps.places.downloads, name.file)?.pieced === true;
}

function ready(job: Job, tarball: Unpacked): Step {
  const { name, attempt } = job.item();
  const { apps, journal, unpacked } = job.session;
  unpacked.add(job.key);
  // A script that was begun may have changed it: what counts is what was there before the first run.
  if (attempt === 0) apps.keepProgram(name.app, readIfThere(programPath(job, name.app)));
  journal.reserve();
  return { to: 'script', set: { attempt: attempt + 1, tarball, rebootAsked: undefined } };
}

function tooOften({ attempt }: JournalItem): Step {
  const times = attempt === 1 ? '1 attempt' : `${attempt} attempts`;
  const why = `install.sh did not come to its end in ${times}`;
  return { to: 'rollback', set: { result: { outcome: 'failed', why } } };
}

/** What the gzip trailer says is believed as long as there is room for it; else the tarball is read through, writing nothing. */
async function lackOfRoom(job: Job, part: string): Promise<Hold | undefined> {
  const free = job.deps.room(job.deps.places.state);
  const trailer_bytes = Math.min(tarBytes(part), job.deps.settings['install.max_unpacked_bytes']);
  const guess = roomToUnpack({ bytes: trailer_bytes }, reserveOf(job));
  if (shortage(guess, free) === undefined) return undefined;
  const facts = await passOver(job, part, job.item().name);
  const need = roomToUnpack({ bytes: facts.unpacked_bytes, entries: facts.entries }, reserveOf(job));
  return holdFor(shortage(need, free));
}

async function checkedFacts(job: Job, part: string): Promise<Unpacked> {
  const { name, content, delta } = job.item();
  const facts = await unpackTarball(job, part, name, unpackedFolder(job));
  const expected = delta?.rebuilt?.sha256 ?? content?.sha256;
  if (expected !== undefined && expected !== facts.sha256) {
    throw failed('length', `its SHA-256 is ${facts.sha256}, and ${expected} was announced`);
  }
  if (facts.supervisorConf !== undefined) {
    checkProgramOf(job, facts.supervisorConf);
    await refuseForeignProgram(job);
  }
  return summary(facts);
}

/**
 * No program but the application's own is ever touched: one of the same name that supervisord has from another file is
 * somebody else's. Once install.sh was begun, the program may be ours.
 */
async function refuseForeignProgram(job: Job): Promise<void> {
  const { name, attempt } = job.item();
  const isOurs = attempt > 0 || job.session.apps.read(name.app).good !== undefined;
  if (isOurs || name.app === OWN_PROGRAM || existsSync(programPath(job, name.app))) return;
  const there = await job.deps.supervisor.programState(name.app).catch(() => []);
  if (there.length === 0) return;
  const why = `supervisord runs a program ${name.app} already, from a file that is not ${name.app}.conf`;
  throw failed(
    'supervisor.conf',
    why,
    undefined,
    'Give the application another name, or remove that program first.',
  );
}

/** Unpacks the tarball at `path` into `folder`, which is made anew. Raises `check`, and what the disk raises. */
export async function unpackTarball(
  job: Job,
  path: string,
  name: TarballName,
  folder: string,
): Promise<TarballFacts> {
  removeFolder(folder);
  makeScratchFolder(folder);
  try {
    return await passOver(job, path, name, folder);
  } catch (error) {
    // What is half unpacked must not fill the disk while it waits for room.
    removeFolder(folder);
    throw error;
  }
}

async function passOver(
  { deps }: Job,
  path: string,
  name: TarballName,
  into?: string,
): Promise<TarballFacts> {
  const limits = {
    maxTarball_bytes: deps.settings['download.max_tarball_bytes'],
    maxUnpacked_bytes: deps.settings['install.max_unpacked_bytes'],
    maxEntries: deps.settings['install.max_entries'],
  };
  const { piecesOf } = await import('../app/file-source.ts');
  const source = piecesOf(path);
  try {
    if (into === undefined)
      return await (await import('../app/inspect.ts')).inspectTarball(source, name, limits);
    return await (await import('../app/extract.ts')).extractTarball(source, name, limits, into);
  } finally {
    await source.return();
  }
}

/** The unpacked folder, made again where this run did not make it: after a power cut nobody knows what is in it. */
export async function ensureUnpacked(job: Job): Promise<string> {
  const folder = unpackedFolder(job);
  if (job.session.unpacked.has(job.key)) return folder;
  const { name, tarball } = job.item();
  const facts = await unpackTarball(job, partPath(job.deps.places.downloads, name.file), name, folder);
  if (facts.sha256 !== tarball?.sha256) throw failed('length', 'the download is no longer what was checked');
  job.session.unpacked.add(job.key);
  return folder;
}

/** Removes the unpacked folder; whoever needs it after all has it made again. */
export function dropUnpacked(job: Job): void {
  job.session.unpacked.delete(job.key);
  removeFolder(unpackedFolder(job));
}

/** One value that supervisord refuses makes it refuse all: so that is found before anything is run. */
function checkProgramOf(job: Job, section: ReadonlyMap<string, string>): void {
  try {
    programText(job.item().name.app, section, job.deps.settings['supervisor.log_dir']);
  } catch (error) {
    throw failed('supervisor.conf', asGweError(error).message);
  }
}

function summary(facts: TarballFacts): Unpacked {
  const { sha256, unpacked_bytes, entries, hasHealth, hasUninstall, supervisorConf } = facts;
  const program = supervisorConf === undefined ? {} : { supervisorConf: Object.fromEntries(supervisorConf) };
  return { sha256, unpacked_bytes, entries, hasHealth, hasUninstall, ...program };
}

/** Length of what is in the gzip file, modulo 2^32, as its last four bytes say (RFC 1952, ISIZE); not to be relied on. */
function tarBytes(path: string): number {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size < GZIP_TRAILER_LENGTH_BYTES) return 0;
    const trailer = Buffer.alloc(GZIP_TRAILER_LENGTH_BYTES);
    readSync(file, trailer, 0, trailer.length, size - trailer.length);
    return trailer.readUInt32LE();
  } finally {
    closeSync(file);
  }
}
