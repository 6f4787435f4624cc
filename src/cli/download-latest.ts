/** `--download-latest AREA`: the newest tarball of an application, out of the product's Content Area. */
import { resolve } from 'node:path';
import { inspectFile } from '../app/inspect.ts';
import { parseTarballName, type TarballName } from '../app/name.ts';
import { GweError } from '../errors.ts';
import { compareVersions } from '../installer/versions.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { areaOf, withClient } from './device-client.ts';
import { saveStream } from './download.ts';

/** Downloads it into this folder, checks it, and prints its path. Raises `check` when it is a bad one; it stays there then. */
export function downloadLatest(context: CommandContext, args: CommandArgs): Promise<number> {
  const app = args.text('download-latest') ?? '';
  return withClient(context, args, async ({ client, gateway }) => {
    if (gateway.cik === undefined) throw notActivated(app);
    const area = areaOf(gateway, args);
    const newest = newestOf(app, await client.listContent(gateway.cik, area));
    if (newest === undefined) throw notThere(app, area.model);
    const { body, total_bytes } = await client.download(
      gateway.cik,
      { ...area, id: newest.file },
      { from_byte: 0, signal: context.signal },
    );
    await saveStream(context, body, newest.file, total_bytes);
    await inspectFile(newest.file);
    context.out(`${resolve(newest.file)}\n`);
    return 0;
  });
}

/** The tarball of `app` with the newest version among `names`; names that are no tarballs are passed over. */
export function newestOf(app: string, names: readonly string[]): TarballName | undefined {
  const found = names.flatMap((name) => {
    try {
      return [parseTarballName(name)];
    } catch {
      return [];
    }
  });
  return found
    .filter((each) => each.app === app)
    .toSorted((a, b) => compareVersions(a.version, b.version))
    .at(-1);
}

function notActivated(app: string): GweError {
  return new GweError('unauthorized', `Cannot download ${app}: this gateway is not activated`, {
    hint: 'Run: gwe --once',
  });
}

function notThere(app: string, model: string): GweError {
  return new GweError(
    'not-found',
    `Cannot download ${app}: the Content Area of ${model} has no ${app}.v….tar.gz`,
    {
      hint: 'What it has: gdc listc "$(gwe --gateway-cik)"',
    },
  );
}
