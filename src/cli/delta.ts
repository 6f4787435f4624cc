/** `gwe delta`: a delta between two tarballs as a file, for any Content Area. How it is made is app/delta-make.ts's. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { deltaName, memoryNeeded, parseDeltaName } from '../app/delta-format.ts';
import { parseTarballName } from '../app/name.ts';
import { GweError } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

/** `gwe delta OLD NEW [--output FILE]`: makes it beside NEW, and prints its path. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const [base = '', target = ''] = args.operands;
  context.out(`${await deltaBeside(context, base, target, args.text('output'))}\n`);
  return 0;
}

/**
 * Makes the delta from one tarball to another, under its own name beside the second where `to` names no other place, and
 * returns its path. Raises as `makeDelta` does.
 */
export async function deltaBeside(
  context: Pick<CommandContext, 'err'>,
  base: string,
  target: string,
  to = join(dirname(target), nameOf(base, target)),
): Promise<string> {
  const { makeDelta } = await import('../app/delta-make.ts');
  const { name, size_bytes, header } = await makeDelta({ base, target, to, scratch: dirname(to) });
  const part = ((100 * size_bytes) / header.tarball_bytes).toFixed(1);
  const instead = `${formatSize(size_bytes)} instead of ${formatSize(header.tarball_bytes)} (${part} %)`;
  context.err(`${name}: ${instead}, with ${formatSize(memoryNeeded(header))} of memory on the gateway\n`);
  return to;
}

function nameOf(base: string, target: string): string {
  const [from, file] = [parseTarballName(basename(base)), basename(target)];
  const name = deltaName(file, from.version);
  if (name !== undefined) return name;
  throw new GweError('usage', `Cannot make a delta to ${file}: its name is too long`);
}

/** The deltas to the tarball at `path` that lie beside it. Raises what node:fs raises. */
export function deltasBeside(path: string): string[] {
  const [folder, file] = [dirname(path), basename(path)];
  return readdirSync(folder)
    .filter((name) => parseDeltaName(name)?.tarball.file === file)
    .map((name) => join(folder, name))
    .sort();
}
