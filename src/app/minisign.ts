/**
 * Signing a tarball and verifying its signature, to the byte as minisign does. The name in the trusted comment binds
 * the signature to one application and one version: a good tarball of another name does not pass.
 */
import { createHash, type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { failed, quoted } from './checks.ts';
import {
  boundName,
  boundTar,
  commentOf,
  formatSignature,
  type PublicKey,
  parseSignature,
  type Signature,
  signedAt,
} from './minisign-format.ts';
import { publicKeyObject, type SecretKey } from './minisign-keys.ts';

export interface VerifiedSignature {
  /** Of the key that signed, as minisign prints it. */
  keyId: string;
  algorithm: Signature['algorithm'];
  trustedComment: string;
  /** When it was signed by the signer's clock, seconds since 1970. */
  signed_s: number | undefined;
}

/** What was signed: its BLAKE2b-512 digest, or for a legacy signature (`needsContents`) the file itself. */
export type Signed = { blake2b512: Buffer } | { contents: Buffer };

/**
 * Verifies a .minisig text: made by one of the keys, over this content, with an unaltered trusted comment that names
 * `fileName`. Raises `signature` (the check of that name), saying which of these is not so.
 */
export function verifySignature(args: {
  signature: string;
  publicKeys: readonly PublicKey[];
  fileName: string;
  digest: Signed;
}): VerifiedSignature {
  const signature = parseSignature(args.signature);
  const keys = keysFor(signature, args.publicKeys);
  const message = messageOf(signature, args.digest);
  const key = keys.find((k) => verifyBytes(null, message, k, signature.bytes));
  if (key === undefined)
    throw failed('signature', `the signature by key ${signature.keyId} is not of this tarball`);
  return verifyComment(signature, [key], args.fileName);
}

/**
 * Verifies a .minisig text for a tarball of which only the unpacked stream is here, by its SHA-256 (hex): made by one of
 * the keys, with an unaltered trusted comment that names `fileName` and this digest. The comment is signed together with
 * the signature of the tarball, so nothing but the digest vouches for the stream, and nothing more is needed. Raises
 * `signature`.
 */
export function verifyTarSignature(args: {
  signature: string;
  publicKeys: readonly PublicKey[];
  fileName: string;
  tar_sha256: string;
}): VerifiedSignature {
  const signature = parseSignature(args.signature);
  const verified = verifyComment(signature, keysFor(signature, args.publicKeys), args.fileName);
  if (signature.algorithm === 'prehashed' && signedTar(args.signature) === args.tar_sha256) return verified;
  throw failed('signature', `the signature by key ${signature.keyId} is not of this unpacked stream`);
}

/** The SHA-256 (hex) of the unpacked stream that a .minisig text binds, if it binds one. Raises `signature`. */
export function signedTar(signature: string): string | undefined {
  return boundTar(parseSignature(signature).trustedComment);
}

function keysFor({ keyId }: Signature, publicKeys: readonly PublicKey[]): KeyObject[] {
  const keys = publicKeys.filter((key) => key.keyId === keyId);
  if (keys.length === 0) throw unknownKey(keyId, publicKeys);
  return keys.map(({ bytes }) => publicKeyObject(bytes));
}

function verifyComment(
  signature: Signature,
  keys: readonly KeyObject[],
  fileName: string,
): VerifiedSignature {
  const all = Buffer.concat([signature.bytes, Buffer.from(signature.trustedComment)]);
  if (!keys.some((key) => verifyBytes(null, all, key, signature.globalBytes))) {
    throw failed('signature', 'the trusted comment was altered after signing');
  }
  const name = boundName(signature.trustedComment);
  if (name !== fileName) {
    throw failed('signature', `the signature was made for ${quoted(name)}, not for ${quoted(fileName)}`);
  }
  const { keyId, algorithm, trustedComment } = signature;
  return { keyId, algorithm, trustedComment, signed_s: signedAt(trustedComment) };
}

/** Whether a signature is of minisign's older kind, for which the file itself is needed. Raises `signature`. */
export function needsContents(signature: string): boolean {
  return parseSignature(signature).algorithm === 'legacy';
}

/**
 * The .minisig text for a file called `fileName` with this digest, signed at `signed_s` (seconds since 1970); for a tarball
 * with the SHA-256 (hex) of its unpacked stream, so that one that was rebuilt from a delta can be verified too.
 */
export function sign(
  secret: SecretKey,
  blake2b512: Buffer,
  fileName: string,
  signed_s: number,
  tar_sha256?: string,
): string {
  const trustedComment = commentOf(signed_s, fileName, tar_sha256);
  const bytes = signBytes(null, blake2b512, secret.key);
  const globalBytes = signBytes(null, Buffer.concat([bytes, Buffer.from(trustedComment)]), secret.key);
  return formatSignature(secret.keyId, bytes, trustedComment, globalBytes);
}

/** Signs the file at `path`, in constant memory, and returns the text of its .minisig file. Raises what node:fs raises. */
export async function signFile(path: string, secret: SecretKey, signed_s: number): Promise<string> {
  const { blake2b512 } = await prehashOf(createReadStream(path));
  const tar_sha256 = path.endsWith('.tar.gz') ? await tarDigestOf(path) : undefined;
  return sign(secret, blake2b512, basename(path), signed_s, tar_sha256);
}

/** SHA-256 (hex) of the unpacked stream; `undefined` for what cannot be unpacked: a gateway would discard it anyway. */
async function tarDigestOf(path: string): Promise<string | undefined> {
  const { unpacked } = await import('./base-window.ts');
  const hash = createHash('sha256');
  try {
    for await (const block of unpacked(path)) hash.update(block);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}

/** The digest that a prehashed signature signs, of all that `source` delivers. Raises its errors. */
export async function prehashOf(source: Readable): Promise<{ blake2b512: Buffer }> {
  const hash = createHash('blake2b512');
  for await (const chunk of source) hash.update(chunk);
  return { blake2b512: hash.digest() };
}

function messageOf({ algorithm }: Signature, signed: Signed): Buffer {
  if (algorithm === 'legacy') {
    if ('contents' in signed) return signed.contents;
    throw failed(
      'signature',
      'the signature is of the legacy kind, for which the tarball is too large',
      undefined,
      'Sign it again with "gwe sign FILE", or with minisign 0.8 or later without its option -l.',
    );
  }
  return 'contents' in signed ? createHash('blake2b512').update(signed.contents).digest() : signed.blake2b512;
}

function unknownKey(keyId: string, publicKeys: readonly PublicKey[]) {
  const trusted = publicKeys.length === 0 ? 'none' : publicKeys.map((key) => key.keyId).join(', ');
  return failed(
    'signature',
    `it is signed by key ${keyId}, which is not trusted here (trusted: ${trusted})`,
    undefined,
    'Lay the public key of the signer into the folder keys/, or sign the tarball with a trusted key.',
  );
}
