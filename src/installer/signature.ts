/** Whether a tarball's signature is required, fetching it, and verifying it before anything is unpacked. The formats are minisign.ts's. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { failed } from '../app/checks.ts';
import type { InstallerDeps, Job } from './job.ts';

/** Largest NAME.minisig. */
export const SIGNATURE_MAX_BYTES = 8 * 1024;
/** A signature of minisign's older kind is over the whole contents, which must then be in memory: only so much. */
export const LEGACY_SIGNED_MAX_BYTES = 32 * 1024 * 1024;

/** `on`; or `auto` and a key lies in keys/. */
export function isSignatureRequired({
  settings,
  publicKeys,
}: Pick<InstallerDeps, 'settings' | 'publicKeys'>): boolean {
  const required = settings['security.require_signature'];
  return required === 'on' || (required === 'auto' && publicKeys().length > 0);
}

/** Fetches NAME.minisig. Raises `signature` when there is none, or it is none; the client's errors. */
export async function fetchSignature(job: Job): Promise<string> {
  const { deps, session } = job;
  const id = `${job.item().name.file}.minisig`;
  const info = await deps.contentInfo(id, session.signal);
  if (info === undefined) throw failed('signature', `${id} is not in the Content Area`);
  const chunks: Buffer[] = [];
  let length = 0;
  const { body } = await deps.download(id, 0, session.signal);
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    length += chunk.length;
    if (length > SIGNATURE_MAX_BYTES) throw failed('signature', `${id} is over ${SIGNATURE_MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Verifies the tarball at `path` against the keys that are trusted now. Raises `signature`, saying what is wrong. */
export async function verifyTarball(job: Job, path: string, signature: string): Promise<void> {
  const { verifySignature, needsContents, prehashOf } = await import('../app/minisign.ts');
  const publicKeys = job.deps.publicKeys();
  if (publicKeys.length === 0) {
    const hint = 'Put the public key into the folder keys/ of the configuration.';
    throw failed('signature', 'a signature is required, and no key is trusted', undefined, hint);
  }
  const digest = needsContents(signature)
    ? { contents: await contentsOf(path, job) }
    : await prehashOf(createReadStream(path, { highWaterMark: 1024 * 1024 }));
  verifySignature({ signature, publicKeys, fileName: job.item().name.file, digest });
}

async function contentsOf(path: string, job: Job): Promise<Buffer> {
  const size_bytes = job.item().content?.size_bytes ?? 0;
  if (size_bytes > LEGACY_SIGNED_MAX_BYTES) {
    const hint = 'Sign it with "gwe sign FILE" (prehashed, any size).';
    const why = `a signature of the legacy kind over ${size_bytes} bytes needs too much memory`;
    throw failed('signature', why, undefined, hint);
  }
  return await readFile(path);
}
