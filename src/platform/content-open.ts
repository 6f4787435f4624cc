/** Which place content lies in: the data folder, or the one that `--content` names, which is loaded only then. */
import { join } from 'node:path';
import { GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { type ContentStore, openContentStore } from './content-store.ts';

export interface ContentPlace {
  /** This machine's folder for the platform: content itself, or the spool and the cache of a place elsewhere. */
  dataFolder: string;
  /** `s3://BUCKET?endpoint=…` (s3-address.ts); absent: the folder. */
  content?: string;
  /** Where credentials are looked for; this process's environment when left out. */
  env?: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
}

/** What the place must know of the database. */
export interface ContentNames {
  digestIsUsed(sha256: string): Promise<boolean>;
  digests(): Promise<ReadonlySet<string>>;
}

/** Opens it. Raises `usage` (no such address), `config` (credentials, bucket), `io`. */
export async function openContent(place: ContentPlace, names: ContentNames): Promise<ContentStore> {
  const { dataFolder: folder, content, env = process.env, clock, log } = place;
  const isUsed = (sha256: string) => names.digestIsUsed(sha256);
  const used = await names.digests();
  if (content === undefined) {
    return await noticeLoss(await openContentStore(join(folder, 'content'), isUsed, used), used, log);
  }
  if (!content.startsWith('s3:')) {
    throw new GweError('usage', 'Cannot keep content there: the address does not begin with s3://', {
      hint: 'For instance --content "s3://fleet?endpoint=https://s3.example.com"; without it content lies in the data folder.',
    });
  }
  const [{ parseS3Address }, { openS3Content }] = await Promise.all([
    import('./s3-address.ts'),
    import('./content-s3.ts'),
  ]);
  const address = parseS3Address(content, env);
  return await noticeLoss(await openS3Content({ address, folder, isUsed, env, clock, log }), used, log);
}

/** Digests that are looked for at a start. */
const LOOKS_MAX = 3;

/** A `--content` that was forgotten or changed is no reason to stay away from check-ins, but must be said before a gateway finds out. */
async function noticeLoss(place: ContentStore, used: ReadonlySet<string>, log: Log): Promise<ContentStore> {
  const looked = [...used].filter((sha256) => sha256 !== '').slice(0, LOOKS_MAX);
  // A place out of reach has said so itself.
  const sizes = await Promise.all(looked.map((sha256) => place.size(sha256).catch(() => 0)));
  if (looked.length > 0 && sizes.every((size) => size === undefined)) {
    log.error(
      `The content that the database names is not in this place (${looked[0]} for instance): is it the right --content?`,
    );
  }
  return place;
}
