/** `--install-apps`: tarballs that lie on this machine, through the same installer as those that a platform names. */
import { installLocally } from '../engine/local.ts';
import { fetchStatusText } from '../reports/fetch-status.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

/** Installs them in order and prints how each ended; 3 when one of them was not installed. */
export async function installApps(context: CommandContext, args: CommandArgs): Promise<number> {
  const ends = await installLocally(context, args.all('install-apps'));
  for (const end of ends) context.out(`${fetchStatusText(end)}\n`);
  return ends.every(({ outcome }) => outcome === 'installed') ? 0 : 3;
}
