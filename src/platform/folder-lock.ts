/** A data folder belongs to one platform at a time. */
import { GweError } from '../errors.ts';
import { lockHolder, takeLock } from '../host/lock.ts';

/** Takes the lock of a data folder. Raises `locked`: `cannot` says what for, and who has it; `hint` what to do. */
export function takeFolder(lock: string, cannot: string, hint: string): void {
  try {
    takeLock(lock);
  } catch (error) {
    if (!(error instanceof GweError) || error.code !== 'locked') throw error;
    const message = `Cannot ${cannot} (process ${lockHolder(lock)}) has it`;
    throw new GweError('locked', message, { cause: error, hint });
  }
}
