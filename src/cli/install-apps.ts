/** `--install-apps`: tarballs that lie on this machine, through the same installer as those that a platform names. */
import { parseSetting } from '../config/settings.ts';
import { installLocally } from '../engine/local.ts';
import { asGweError, GweError } from '../errors.ts';
import { fetchStatusText } from '../reports/fetch-status.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

/** Installs them in order and prints how each ended, as it ends; 3 when one of them was not installed. */
export async function installApps(context: CommandContext, args: CommandArgs): Promise<number> {
  const files = args.all('install-apps');
  const level = args.text('set-debug-level');
  try {
    const ends = await installLocally(
      context,
      files,
      (end) => context.out(`${fetchStatusText(end)}\n`),
      level === undefined ? undefined : parseSetting('engine.debug_level', level),
    );
    return ends.length === files.length && ends.every(({ outcome }) => outcome === 'installed') ? 0 : 3;
  } catch (error) {
    throw withWayOut(asGweError(error));
  }
}

/** While the engine runs it alone changes the gateway. */
function withWayOut(error: GweError): GweError {
  if (error.code !== 'locked') return error;
  return new GweError('locked', error.message, {
    hint: 'Stop it first: supervisorctl stop gwe; or have the platform name the tarballs.',
    cause: error,
  });
}
