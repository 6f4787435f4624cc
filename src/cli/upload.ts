/**
 * Bringing files into a product's Content Area, for `gwe content upload` and `gwe deploy`: a tarball is checked here by
 * the very rules of the gateway before a byte is sent, what is there already is not sent again, and the signature beside
 * a file goes with it.
 */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TarballFacts } from '../app/pass.ts';
import { asGweError, explain, GweError, systemCode } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import type { CommandContext } from './context.ts';
import { deltasBeside } from './delta.ts';
import type { Operator } from './operator.ts';
import { startProgress } from './progress.ts';

export interface UploadOptions {
  /** Send even what a gateway would discard, and what is there already. */
  force: boolean;
}

interface LocalFile {
  path: string;
  id: string;
  size_bytes: number;
  sha256: string;
}

/** Ending of a signature file beside what it signs. */
const SIGNATURE_ENDING = '.minisig';
const isTarball = (id: string) => id.endsWith('.tar.gz');

/** `files` with what lies beside each, its signature and the deltas that lead to it, before it; each file once. */
export function withCompanions(files: readonly string[]): string[] {
  return [
    ...new Set(
      files.flatMap((file) => {
        const signature = `${file}${SIGNATURE_ENDING}`;
        if (!isTarball(file) || !existsSync(file)) return existsSync(signature) ? [signature, file] : [file];
        return [...deltasBeside(file), ...(existsSync(signature) ? [signature] : []), file];
      }),
    ),
  ];
}

/** Checks one file and sends it unless it is there already. Raises `check` for a tarball that a gateway would discard. */
export async function uploadFile(
  context: CommandContext,
  operator: Operator,
  product: string,
  path: string,
  options: UploadOptions,
): Promise<void> {
  const file = await examine(context, path, options);
  const there = (await operator.content(product)).find((each) => each.id === file.id);
  if (there?.sha256 === file.sha256 && !options.force) {
    context.err(`${file.id}: already there (${formatSize(file.size_bytes)})\n`);
    return;
  }
  await send(
    context,
    operator,
    product,
    file,
    there === undefined ? 'uploaded' : 'uploaded, replacing other contents',
    options,
  );
}

async function send(
  context: CommandContext,
  operator: Operator,
  product: string,
  file: LocalFile,
  outcome: string,
  options: UploadOptions,
): Promise<void> {
  const progress = startProgress(file.id, file.size_bytes, {
    onTerminal: context.isErrorTerminal ?? false,
    write: context.err,
    clock: context.clock,
  });
  try {
    const upload = { file: file.path, size_bytes: file.size_bytes, onProgress: progress.update };
    const uploaded = await operator.upload(product, file.id, upload, options.force);
    if (uploaded.sha256 !== file.sha256) {
      throw new GweError(
        'protocol',
        `Cannot trust the upload of ${file.id}: the platform holds other bytes`,
        {
          hint: 'Did the file change while it was sent? Upload it again.',
        },
      );
    }
    progress.end(outcome);
  } catch (error) {
    progress.end('not uploaded');
    throw error;
  }
}

/** Size and digest of a file; for a tarball all checks, and what is in it. */
async function examine(context: CommandContext, path: string, options: UploadOptions): Promise<LocalFile> {
  const id = basename(path);
  const size_bytes = sizeOf(path);
  if (isTarball(id)) {
    try {
      const { inspectFile } = await import('../app/inspect.ts');
      const facts = await inspectFile(path);
      context.err(`${id}: ${factsInWords(facts)}; every check passed\n`);
      return { path, id, size_bytes, sha256: facts.sha256 };
    } catch (error) {
      if (!options.force) throw refused(error, id);
      context.err(`${id}: a gateway will discard it. ${explain(error)}\n`);
    }
  }
  return { path, id, size_bytes, sha256: await digestOf(path) };
}

function sizeOf(path: string): number {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return stat.size;
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'there is no such file' : asGweError(error).message;
    throw new GweError('usage', `Cannot upload ${path}: ${found}`, { cause: error });
  }
  throw new GweError('usage', `Cannot upload ${path}: it is not a file`);
}

function factsInWords(facts: TarballFacts): string {
  const extras = [
    facts.hasSupervisorConf ? 'supervisor.conf' : [],
    facts.hasHealth ? 'health.sh' : [],
    facts.hasUninstall ? 'uninstall.sh' : [],
  ].flat();
  const size = `${facts.name.app} ${facts.name.version}, ${facts.entries} entries, ${formatSize(facts.unpacked_bytes)} unpacked`;
  return extras.length === 0 ? size : `${size}, with ${extras.join(', ')}`;
}

function refused(thrown: unknown, id: string): GweError {
  const error = asGweError(thrown);
  if (error.code !== 'check') return error;
  const hint = `${error.hint === undefined ? '' : `${error.hint} `}(--force uploads it as it is; a gateway discards it.)`;
  return new GweError('check', `Cannot upload ${id}: ${error.message}`, { hint, cause: error });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
