/**
 * The credentials of an S3 API, from where every S3 client looks for them: the environment, else the shared credentials
 * file. Never from the command line, which other users of the machine can read.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { GweError, systemCode } from '../errors.ts';
import { type Ini, parseIni } from '../host/ini.ts';

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** How long the file is believed: keys that are exchanged in it are used within this time, without a restart. */
const FILE_BELIEVED_MS = 30_000;

/**
 * A function that tells the credentials of now. Raises `config` here and now when there are none, or the file cannot be
 * read; when it cannot be read later, those which were read before stay.
 */
export function openCredentials(
  env: NodeJS.ProcessEnv,
  now: () => number,
  home: string = homedir(),
): () => S3Credentials {
  const fixed = fromEnvironment(env);
  if (fixed !== undefined) return () => fixed;
  const file = env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws', 'credentials');
  const profile = env['AWS_PROFILE'] || 'default';
  let read = fromFile(file, profile);
  let read_ms = now();
  return () => {
    if (Math.abs(now() - read_ms) >= FILE_BELIEVED_MS) {
      read_ms = now();
      try {
        read = fromFile(file, profile);
      } catch {
        // Whoever exchanges them may be half-way through; S3 will say when the old ones are no good.
      }
    }
    return read;
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): S3Credentials | undefined {
  return made(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']);
}

function fromFile(file: string, profile: string): S3Credentials {
  const section = readFile(file).get(profile);
  const found = made(
    section?.get('aws_access_key_id'),
    section?.get('aws_secret_access_key'),
    section?.get('aws_session_token'),
  );
  if (found !== undefined) return found;
  throw new GweError('config', `Cannot use ${file}: [${profile}] holds no key id and secret`, {
    hint: 'It needs aws_access_key_id and aws_secret_access_key; AWS_PROFILE names another section.',
  });
}

function readFile(file: string): Ini {
  try {
    return parseIni(readFileSync(file, 'utf8'));
  } catch (error) {
    const state = error instanceof GweError ? error.message : (systemCode(error) ?? String(error));
    throw new GweError('config', `Cannot read the credentials of S3 in ${file}: ${state}`, {
      cause: error,
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file: AWS_SHARED_CREDENTIALS_FILE.',
    });
  }
}

function made(id: string | undefined, secret: string | undefined, token: string | undefined) {
  if (!id || !secret) return undefined;
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
}
