/**
 * The three text files of minisign as values: public key, secret key, signature. Layout only; what is done with
 * the keys is up to minisign-keys.ts and minisign.ts.
 * Source: minisign's documentation, "Signature format", "Public key format", "Secret key format".
 */
import { GweError } from '../errors.ts';
import { failed, quoted } from './checks.ts';

const UNTRUSTED = 'untrusted comment: ';
const TRUSTED = 'trusted comment: ';
const KEY_ID_BYTES = 8;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Longest signature file that is read. */
export const SIGNATURE_FILE_MAX_BYTES = 64 * 1024;

export interface PublicKey {
  /** Eight bytes in hex, as minisign prints them. */
  keyId: string;
  bytes: Buffer;
}

/** A secret key as its file has it: maybe still encrypted. */
export interface SealedKey {
  isEncrypted: boolean;
  salt: Buffer;
  opsLimit: bigint;
  memLimit_bytes: bigint;
  /** Key id, secret key, checksum: 8 + 64 + 32 bytes. */
  payload: Buffer;
}

export interface Signature {
  /** `ED`: of the BLAKE2b-512 digest of the file; `Ed`, the older way: of the file itself. */
  algorithm: 'prehashed' | 'legacy';
  keyId: string;
  bytes: Buffer;
  trustedComment: string;
  /** Of signature and trusted comment together. */
  globalBytes: Buffer;
}

const ALGORITHMS = { prehashed: 'ED', legacy: 'Ed' } as const;

/** Reads a public key: minisign's two-line file, or its base64 line alone. Raises `signature`. */
export function parsePublicKey(text: string): PublicKey {
  const bytes = base64Line(text);
  if (bytes?.length === 2 + KEY_ID_BYTES + PUBLIC_KEY_BYTES && bytes.toString('latin1', 0, 2) === 'Ed') {
    return { keyId: keyIdOf(bytes.subarray(2, 10)), bytes: bytes.subarray(10) };
  }
  throw new GweError('signature', 'Cannot read the public key: it is not one of minisign', {
    hint: 'It is the file that "gwe keygen" or "minisign -G" makes, with the ending .pub.',
  });
}

export function formatPublicKey(keyId: Buffer, bytes: Buffer): string {
  const packed = Buffer.concat([Buffer.from('Ed'), keyId, bytes]);
  return `${UNTRUSTED}minisign public key ${keyIdOf(keyId)}\n${packed.toString('base64')}\n`;
}

/** Where the parts of a secret key file are: [offset, length]. */
const SEALED = { salt: [6, 32], opsLimit: 38, memLimit: 46, payload: [54, 104] } as const;
export const SEALED_BYTES = SEALED.payload[0] + SEALED.payload[1];

/** Reads a secret key file. Raises `signature`. */
export function parseSealedKey(text: string): SealedKey {
  const bytes = base64Line(text);
  const kinds = bytes?.toString('latin1', 0, 6);
  if (bytes?.length !== SEALED_BYTES || (kinds !== 'EdScB2' && kinds !== 'Ed\0\0B2')) {
    throw new GweError('signature', 'Cannot read the secret key: it is not one of minisign', {
      hint: 'It is the file that "gwe keygen" or "minisign -G" makes, with the ending .key.',
    });
  }
  return {
    isEncrypted: kinds === 'EdScB2',
    salt: bytes.subarray(SEALED.salt[0], SEALED.opsLimit),
    opsLimit: bytes.readBigUInt64LE(SEALED.opsLimit),
    memLimit_bytes: bytes.readBigUInt64LE(SEALED.memLimit),
    payload: bytes.subarray(SEALED.payload[0]),
  };
}

export function formatSealedKey(key: SealedKey): string {
  const bytes = Buffer.alloc(SEALED_BYTES);
  bytes.write(key.isEncrypted ? 'EdScB2' : 'Ed\0\0B2', 0, 'latin1');
  key.salt.copy(bytes, SEALED.salt[0]);
  bytes.writeBigUInt64LE(key.opsLimit, SEALED.opsLimit);
  bytes.writeBigUInt64LE(key.memLimit_bytes, SEALED.memLimit);
  key.payload.copy(bytes, SEALED.payload[0]);
  return `${UNTRUSTED}minisign encrypted secret key\n${bytes.toString('base64')}\n`;
}

/** Reads a .minisig file. Raises `signature`, as a failed check. */
export function parseSignature(text: string): Signature {
  const [untrusted, packed, trusted, packedGlobal, ...rest] = text
    .replace(/\n$/, '')
    .split('\n')
    .map(withoutCr);
  const isWhole = untrusted?.startsWith('untrusted comment:') && rest.length === 0;
  const comment = trusted?.startsWith(TRUSTED) ? trusted.slice(TRUSTED.length) : undefined;
  const bytes = base64(packed ?? '');
  const globalBytes = base64(packedGlobal ?? '');
  const algorithm = bytes?.toString('latin1', 0, 2);
  if (
    !isWhole ||
    comment === undefined ||
    text.length > SIGNATURE_FILE_MAX_BYTES ||
    bytes?.length !== 2 + KEY_ID_BYTES + SIGNATURE_BYTES ||
    globalBytes?.length !== SIGNATURE_BYTES ||
    (algorithm !== ALGORITHMS.prehashed && algorithm !== ALGORITHMS.legacy)
  ) {
    throw failed('signature', 'the signature file is not one of minisign');
  }
  return {
    algorithm: algorithm === ALGORITHMS.prehashed ? 'prehashed' : 'legacy',
    keyId: keyIdOf(bytes.subarray(2, 10)),
    bytes: bytes.subarray(10),
    trustedComment: comment,
    globalBytes,
  };
}

/** A prehashed signature as a .minisig file. */
export function formatSignature(
  keyId: Buffer,
  bytes: Buffer,
  trustedComment: string,
  globalBytes: Buffer,
): string {
  const packed = Buffer.concat([Buffer.from(ALGORITHMS.prehashed), keyId, bytes]).toString('base64');
  return `${UNTRUSTED}signature from gwe secret key\n${packed}\n${TRUSTED}${trustedComment}\n${globalBytes.toString('base64')}\n`;
}

/**
 * The file name that the trusted comment binds (`timestamp:…\tfile:NAME\thashed`). Raises `signature` when there is
 * not exactly one.
 */
export function boundName(trustedComment: string): string {
  const names = trustedComment.split('\t').filter((field) => field.startsWith('file:'));
  const name = names[0]?.slice('file:'.length);
  if (name !== undefined && names.length === 1) return name;
  throw failed(
    'signature',
    `the trusted comment ${quoted(trustedComment)} does not bind the signature to a file name`,
    undefined,
    'Sign it with "gwe sign FILE", or with minisign without its option -t.',
  );
}

const TAR = 'tar-sha256:';

/** The trusted comment as minisign writes it; where it is known with the digest of the unpacked stream as one more field. */
export function commentOf(signed_s: number, fileName: string, tar_sha256: string | undefined): string {
  const comment = `timestamp:${Math.floor(signed_s)}\tfile:${fileName}\thashed`;
  return tar_sha256 === undefined ? comment : `${comment}\t${TAR}${tar_sha256}`;
}

/** The SHA-256 (hex) of the unpacked stream in a trusted comment, if there is exactly one. */
export function boundTar(trustedComment: string): string | undefined {
  const digests = trustedComment.split('\t').filter((field) => field.startsWith(TAR));
  const digest = digests[0]?.slice(TAR.length) ?? '';
  return digests.length === 1 && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}

/** The time in a trusted comment, seconds since 1970, if it tells one. */
export function signedAt(trustedComment: string): number | undefined {
  const digits = /(?:^|\t)timestamp:(\d{1,15})(?:\t|$)/.exec(trustedComment)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Key ids are little-endian numbers that minisign prints in upper-case hex, without zeros before them. */
export function keyIdOf(bytes: Buffer): string {
  return bytes.readBigUInt64LE().toString(16).toUpperCase();
}

function base64Line(text: string): Buffer | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length > 1 && !lines[0]?.startsWith('untrusted comment:')) return undefined;
  return lines.length > 2 ? undefined : base64(lines.at(-1) ?? '');
}

function base64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined;
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
