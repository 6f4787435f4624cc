/**
 * minisign's key pairs: made, sealed with a password, opened again. Where the files are kept, and who is asked for the
 * password, is up to the command.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { GweError } from '../errors.ts';
import { blake2b256 } from './blake2b-256.ts';
import {
  formatPublicKey,
  formatSealedKey,
  keyIdOf,
  parseSealedKey,
  type SealedKey,
} from './minisign-format.ts';

const KEY_ID_BYTES = 8;
const SEED_BYTES = 32;
const PAYLOAD_BYTES = 104;
const SALT_BYTES = 32;
/** libsodium's "sensitive" limits, which minisign takes: 1 GiB of memory, some seconds. */
export const SENSITIVE = { opsLimit: 33_554_432n, memLimit_bytes: 1_073_741_824n } as const;
/** Below these (libsodium's minimum) a password protects nothing. */
const LEAST_OPS_LIMIT = 32_768n;
/** Largest memory that a key file may ask for. */
const SCRYPT_MAX_MEMORY_BYTES = 4 * 1024 ** 3;

/** DER of an Ed25519 key in PKCS #8 and in SubjectPublicKeyInfo, up to the 32 bytes of the key (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export interface SecretKey {
  keyId: Buffer;
  key: KeyObject;
}

export interface KeyPair {
  /** As minisign prints it. */
  keyId: string;
  /** What goes into the .pub file. */
  publicKey: string;
  /** What goes into the .key file, mode 0600. */
  secretKey: string;
}

/**
 * Makes a key pair; without a password the secret key lies open in its file, as with `minisign -G -W`. Where there is
 * too little memory for the usual limits they are halved until there is enough, as minisign does.
 */
export async function generateKeyPair(
  password?: string,
  limits: { opsLimit: bigint; memLimit_bytes: bigint } = SENSITIVE,
): Promise<KeyPair> {
  const keyId = randomBytes(KEY_ID_BYTES);
  const seed = randomBytes(SEED_BYTES);
  const bytes = publicBytes(privateKey(seed));
  const secret = Buffer.concat([keyId, seed, bytes]);
  const sealed = password === undefined ? open(secret) : await seal(secret, password, limits);
  return {
    keyId: keyIdOf(keyId),
    publicKey: formatPublicKey(keyId, bytes),
    secretKey: formatSealedKey(sealed),
  };
}

/** Whether a secret key file asks for a password. Raises `signature` when it is no secret key. */
export function needsPassword(secretKeyText: string): boolean {
  return parseSealedKey(secretKeyText).isEncrypted;
}

/**
 * Opens a secret key file (minisign's, or one of `generateKeyPair`). Takes as long as minisign does: some seconds.
 * Raises `signature` when the text is no key, the password is missing or wrong.
 */
export async function parseSecretKey(text: string, password?: string): Promise<SecretKey> {
  const sealed = parseSealedKey(text);
  if (sealed.isEncrypted && password === undefined) {
    throw new GweError('signature', 'Cannot open the secret key: it needs a password', {
      hint: 'For use without a person, make one by "gwe keygen --no-password".',
    });
  }
  const stream = sealed.isEncrypted ? await keyStream(password ?? '', sealed) : undefined;
  const payload = stream === undefined ? sealed.payload : xor(sealed.payload, stream);
  const keyId = payload.subarray(0, KEY_ID_BYTES);
  const key = privateKey(payload.subarray(KEY_ID_BYTES, KEY_ID_BYTES + SEED_BYTES));
  if (!publicBytes(key).equals(payload.subarray(KEY_ID_BYTES + SEED_BYTES, KEY_ID_BYTES + 2 * SEED_BYTES))) {
    throw new GweError(
      'signature',
      `Cannot open the secret key: ${sealed.isEncrypted ? 'the password is wrong' : 'it is damaged'}`,
    );
  }
  return { keyId, key };
}

/** An Ed25519 public key of 32 bytes as node:crypto takes it. */
export function publicKeyObject(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
}

function privateKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
}

/** minisign leaves everything that belongs to the password at zero, the checksum too. */
function open(secret: Buffer): SealedKey {
  const payload = Buffer.concat([secret], PAYLOAD_BYTES);
  return { isEncrypted: false, salt: Buffer.alloc(SALT_BYTES), opsLimit: 0n, memLimit_bytes: 0n, payload };
}

async function seal(
  secret: Buffer,
  password: string,
  limits: { opsLimit: bigint; memLimit_bytes: bigint },
): Promise<SealedKey> {
  const checksum = blake2b256(Buffer.concat([Buffer.from('Ed'), secret]));
  const plain = Buffer.concat([secret, checksum]);
  let { opsLimit, memLimit_bytes } = limits;
  const salt = randomBytes(SALT_BYTES);
  for (;;) {
    const sealed = { isEncrypted: true, salt, opsLimit, memLimit_bytes, payload: plain };
    try {
      return { ...sealed, payload: xor(plain, await keyStream(password, sealed)) };
    } catch (error) {
      opsLimit /= 2n;
      memLimit_bytes /= 2n;
      if (opsLimit < LEAST_OPS_LIMIT) throw error;
    }
  }
}

async function keyStream(password: string, sealed: SealedKey): Promise<Buffer> {
  const { N, r, p } = scryptParameters(sealed.opsLimit, sealed.memLimit_bytes);
  if (128 * N * r > SCRYPT_MAX_MEMORY_BYTES) {
    throw new GweError(
      'signature',
      'Cannot open the secret key: its password asks for more than 4 GiB of memory',
    );
  }
  return await new Promise((resolve, reject) => {
    const maxmem = 128 * r * (N + p) + 1024 * 1024;
    scrypt(password, sealed.salt, PAYLOAD_BYTES, { N, r, p, maxmem }, (error, stream) => {
      if (error === null) resolve(stream);
      else
        reject(
          new GweError('signature', `Cannot derive a key from the password: ${error.message}`, {
            cause: error,
          }),
        );
    });
  });
}

/** The parameters of scrypt that libsodium derives from its two limits (`pickparams` of crypto_pwhash_scryptsalsa208sha256). */
export function scryptParameters(
  opsLimit: bigint,
  memLimit_bytes: bigint,
): { N: number; r: number; p: number } {
  const r = 8n;
  const ops = opsLimit < LEAST_OPS_LIMIT ? LEAST_OPS_LIMIT : opsLimit;
  if (ops < memLimit_bytes / 32n) return { N: 2 ** log2(ops / (r * 4n)), r: Number(r), p: 1 };
  const log2N = log2(memLimit_bytes / (r * 128n));
  const most = ops / 4n / 2n ** BigInt(log2N);
  const p = (most > 0x3fff_ffffn ? 0x3fff_ffffn : most) / r;
  return { N: 2 ** log2N, r: Number(r), p: Number(p) };
}

/** The least exponent from 1 on with 2^exponent > most / 2. */
function log2(most: bigint): number {
  let exponent = 1;
  while (exponent < 63 && 2n ** BigInt(exponent) <= most / 2n) exponent += 1;
  return exponent;
}

function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, i) => byte ^ (other[i] ?? 0)));
}
