/** `gwe platform backup` and `gwe platform restore`: what they do is platform/backup.ts's business. */
import { GweError } from '../errors.ts';
import type { Manifest } from '../platform/backup-archive.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

/** `gwe platform backup FILE --data DIR [--database-only]`. */
export async function backup(context: CommandContext, args: CommandArgs): Promise<number> {
  const { file, folder } = places(args);
  const { backUp } = await import('../platform/backup.ts');
  context.out(`${file}: ${contentsOf(await backUp(folder, file, args.has('database-only')))}\n`);
  return 0;
}

/** `gwe platform restore FILE --data DIR`. */
export async function restore(context: CommandContext, args: CommandArgs): Promise<number> {
  const { file, folder } = places(args);
  const archive = await import('../platform/backup-archive.ts');
  context.out(`${folder}: ${contentsOf(await archive.restore(file, folder))}\n`);
  context.err(`next: gwe platform --data ${folder}\n`);
  return 0;
}

function places(args: CommandArgs): { file: string; folder: string } {
  const [file = ''] = args.operands;
  const folder = args.text('data');
  if (folder !== undefined) return { file, folder };
  throw new GweError('usage', "Cannot tell the platform's folder: --data DIR is missing");
}

function contentsOf({ database, content }: Manifest): string {
  const bytes = content.reduce((sum, each) => sum + each.size_bytes, database.size_bytes);
  return `database and ${content.length} content files, ${(bytes / 1e6).toFixed(1)} MB, checked`;
}
