/** What is wrong with one of the two INI files is a mistake of whoever wrote it, and is said with the file's name. */
import { GweError } from '../errors.ts';

/** Does `act`, and raises what it raises as `malformed` as `config` instead: it is the configuration that cannot be used. */
export function usingFile<T>(file: 'Gateway.cfg' | 'Engine.config', act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof GweError) || error.code !== 'malformed') throw error;
    throw new GweError('config', `Cannot use ${file}: ${error.message}`, {
      cause: error,
      hint: `Correct ${file} in the configuration folder; unset keys may be left out.`,
    });
  }
}
