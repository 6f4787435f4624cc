/** A data folder belongs to one platform at a time. */
import { GweError } from '../errors.ts';
import { lockHolder, takeLock } from '../host/lock.ts';

/** Takes the lock of a data folder. Raises `locked`, with what `refusal` says of the process that has it. */
export function takeFolder(
  lock: string,
  refusal: (holder: number | undefined) => { message: string; hint: string },
): void {
  try {
    takeLock(lock);
  } catch (error) {
    if (!(error instanceof GweError) || error.code !== 'locked') throw error;
    const { message, hint } = refusal(lockHolder(lock));
    throw new GweError('locked', message, { cause: error, hint });
  }
}
