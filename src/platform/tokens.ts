/**
 * Keys of devices and tokens of operators. Only their SHA-256 is kept, and what a caller sends is looked up by its own:
 * a stolen database opens no door, and the time of a look-up tells nothing about a stored key.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Log } from '../host/log.ts';
import type { Store } from './store.ts';

/** Below so many characters a token that was preset is called weak in the log. */
const TOKEN_WEAK_BELOW_CHARACTERS = 20;

/** What is stored in place of a key or a token. */
export function digestOf(secret: string): string {
  return hash('sha256', secret);
}

/** A new device key, token or resource id: 40 lower-case hex digits, the only form that old clients in C take. */
export function newSecret(): string {
  return randomBytes(20).toString('hex');
}

/**
 * Sees to it that an operator can get in: the preset token is accepted, and where there is neither one nor any other, a
 * first one is made. Returns it, the only time that it can be read.
 */
export async function ensureToken(
  store: Store,
  preset: string | undefined,
  now_ms: number,
  log: Log,
): Promise<string | undefined> {
  if (preset !== undefined && preset !== '') {
    if (preset.length < TOKEN_WEAK_BELOW_CHARACTERS) {
      log.warning(
        `The preset token has fewer than ${TOKEN_WEAK_BELOW_CHARACTERS} characters: it can be guessed`,
      );
    }
    await store.putToken({ name: 'preset', role: 'admin', hash: digestOf(preset), now_ms });
    return undefined;
  }
  if ((await store.countTokens()) > 0) return undefined;
  const token = newSecret();
  // Of replicas that start at once, one makes it.
  const made = await store.addToken({ name: 'first', role: 'admin', hash: digestOf(token), now_ms });
  return made === 'added' ? token : undefined;
}
