/** The keys that tarballs may be signed by: keys/*.pub in the configuration folder. A key that is removed is revoked. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PublicKey, parsePublicKey } from '../app/minisign-format.ts';
import type { Places } from '../config/places.ts';
import { asGweError } from '../errors.ts';
import type { Log } from '../host/log.ts';

/** The keys in keys/*.pub; one that cannot be read is said, and trusted as little as an absent one. */
export function readPublicKeys(places: Places, log: Log): PublicKey[] {
  return keyFiles(places.keys).flatMap((name) => {
    try {
      return [parsePublicKey(readFileSync(join(places.keys, name), 'utf8'))];
    } catch (error) {
      log.error(`Cannot use the key ${name}: ${asGweError(error).message}`);
      return [];
    }
  });
}

function keyFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pub'))
      .sort();
  } catch {
    return [];
  }
}
