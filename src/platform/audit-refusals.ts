/**
 * Attempts that were refused, for the audit trail: wrong tokens, and calls that a token may not make. Only so many within a
 * window get a record, so that nobody can fill the disk or push out what others did; how many more there were is told.
 */
import { explain, GweError } from '../errors.ts';
import { secretIn } from './access.ts';
import { harmless } from './audit-note.ts';
import type { Call } from './context.ts';
import type { Token } from './fleet-store.ts';
import { LOGIN_ADDRESSES_MAX, REFUSALS_IN_ALL, REFUSALS_PER_ADDRESS, REFUSALS_WINDOW_MS } from './limits.ts';
import { createWindow } from './throttle.ts';

export interface Refusals {
  /** Counts an attempt. Returns whether it gets a record, and how many before it got none since the last record. */
  count(address: string): { isNoted: boolean; unnoted: number };
}

export function createRefusals(now: () => number): Refusals {
  const attempts = createWindow(now, REFUSALS_WINDOW_MS, LOGIN_ADDRESSES_MAX);
  let unnoted = 0;
  return {
    count(address) {
      const ofAddress = attempts.add(address);
      if (ofAddress > REFUSALS_PER_ADDRESS || attempts.total() > REFUSALS_IN_ALL) {
        unnoted += 1;
        return { isNoted: false, unnoted };
      }
      const before = unnoted;
      unnoted = 0;
      return { isNoted: true, unnoted: before };
    },
  };
}

/**
 * Does what an operator asks for; if that is refused, notes it and raises the same again. Who sends no token at all, or an
 * old cookie, has attempted nothing.
 *
 * @param who the operator, once it is known; `login` for a log-in
 */
export async function notingRefusals<T>(
  call: Pick<Call, 'request' | 'platform'>,
  who: Token | 'login' | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof GweError && isAttempt(thrown, call, who)) await note(call, who, thrown);
    throw thrown;
  }
}

function isAttempt(
  { code }: GweError,
  { request }: Pick<Call, 'request'>,
  who: Token | 'login' | undefined,
): boolean {
  if (code === 'forbidden') return true;
  return code === 'unauthorized' && (who === 'login' || secretIn(request) !== undefined);
}

async function note(
  { request, platform }: Pick<Call, 'request' | 'platform'>,
  who: Token | 'login' | undefined,
  { code, message }: GweError,
): Promise<void> {
  const { isNoted, unnoted } = platform.refusals.count(request.remote);
  if (!isNoted) return;
  const operator = who === 'login' ? undefined : who;
  const more =
    unnoted === 0 ? '' : ` (${unnoted} more attempts before this one were refused without a record)`;
  try {
    await platform.audit({
      who: operator?.name ?? '?',
      role: operator?.role ?? '',
      address: request.remote,
      action: who === 'login' ? 'log in' : harmless(`${request.method} ${request.path}`),
      status: code === 'forbidden' ? 403 : 401,
      details: `${message}${more}`,
    });
  } catch (error) {
    platform.log.error(`Cannot note that a call was refused: ${explain(error)}`);
  }
}
