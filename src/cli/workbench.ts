/** The workbench: buildfiles and tarballs, for who develops applications. What is right and wrong is app/'s business. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { TarballLimits } from '../app/checks.ts';
import type { TarballFacts } from '../app/pass.ts';
import { loadSettings, type Places } from '../config/places.ts';
import { asGweError, GweError, systemCode } from '../errors.ts';
import { formatSize } from '../reports/sizes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import type { WorkbenchAction } from './flags.ts';
import { oneLine } from './values.ts';

/** Exit status when a check refuses a tarball or a buildfile. */
const REFUSED = 3;

/** Does one of the workbench's flags; returns the exit status. */
export async function runWorkbench(
  context: CommandContext,
  args: CommandArgs,
  action: WorkbenchAction,
): Promise<number> {
  const file = args.text(action) ?? '';
  switch (action) {
    case 'create-buildfile':
      return (await import('./create-buildfile.ts')).createBuildfileByAsking(context, args);
    case 'check-buildfile':
      return checkBuildfileAt(context, file);
    case 'build-app':
      return buildFrom(context, args, file);
    case 'build-app-tarball':
      return buildHere(context, args);
    case 'check-tarball':
      return checkTarball(context, file);
  }
}

async function checkBuildfileAt(context: CommandContext, file: string): Promise<number> {
  const { checkBuildfile } = await import('../app/buildfile.ts');
  const problems = checkBuildfile(textOf(file));
  for (const problem of problems) context.out(`[FAIL] ${file}: ${oneLine(problem)}\n`);
  if (problems.length === 0) context.out('[PASS]\n');
  return problems.length === 0 ? 0 : REFUSED;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new GweError('not-found', `Cannot read the buildfile ${file}: ${systemCode(error) ?? error}`, {
      hint: 'Make one with "gwe --create-buildfile"',
      cause: error,
    });
  }
}

/** The path alone goes to standard output; what the commands of the buildfile print goes to standard error. */
async function buildFrom(context: CommandContext, args: CommandArgs, file: string): Promise<number> {
  const { buildApp } = await import('../app/build.ts');
  return told(context, args, await buildApp(file, limitsOf(context.places)));
}

/** `-y -n NAME -s VERSION`: all that lies in this folder. */
async function buildHere(context: CommandContext, args: CommandArgs): Promise<number> {
  const [{ collectFiles }, { packTarball }, { tarballNameOf }] = await Promise.all([
    import('../app/collect.ts'),
    import('../app/pack.ts'),
    import('../app/name.ts'),
  ]);
  const root = process.cwd();
  const name = tarballNameOf(args.text('app-name') ?? basename(root), args.text('app-version') ?? '1');
  const files = collectFiles(root, {
    includes: ['*'],
    excludes: [`./${name.app}.v*.tar.gz`, `./${name.app}.v*.tar.gz.minisig`],
  });
  const to = resolve(root, name.file);
  await packTarball({ root, files, to, limits: limitsOf(context.places) });
  return told(context, args, to);
}

async function told(context: CommandContext, args: CommandArgs, path: string): Promise<number> {
  if (args.text('set-debug-level')?.toUpperCase() === 'DEBUG') {
    const { inspectFile } = await import('../app/inspect.ts');
    context.err(factsText(await inspectFile(path, limitsOf(context.places))));
  }
  context.out(`${path}\n`);
  return 0;
}

async function checkTarball(context: CommandContext, file: string): Promise<number> {
  const { inspectFile } = await import('../app/inspect.ts');
  try {
    context.out(factsText(await inspectFile(file, limitsOf(context.places))));
    context.out('[PASS]\n');
    return 0;
  } catch (thrown) {
    const error = asGweError(thrown);
    if (error.code !== 'check' && error.code !== 'signature') throw unreadable(error, file);
    context.out(`[FAIL] ${oneMessage(error.message)}\n`);
    if (error.hint !== undefined) context.out(`       ${oneMessage(error.hint)}\n`);
    return REFUSED;
  }
}

const oneMessage = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

function unreadable(error: GweError, file: string): GweError {
  if (systemCode(error.cause) !== 'ENOENT') return error;
  return new GweError('not-found', `Cannot check ${file}: there is no such file`);
}

/** What is in a tarball, a fact a line. */
export function factsText(facts: TarballFacts): string {
  const parts = [
    'install.sh',
    ...(facts.hasSupervisorConf ? ['supervisor.conf'] : []),
    ...(facts.hasHealth ? ['health.sh'] : []),
    ...(facts.hasUninstall ? ['uninstall.sh'] : []),
  ];
  return [
    `application: ${facts.name.app}`,
    `version: ${facts.name.version}`,
    `size: ${facts.size_bytes} bytes`,
    `unpacked: ${formatSize(facts.unpacked_bytes)} in ${facts.entries} ${facts.entries === 1 ? 'entry' : 'entries'}`,
    `sha256: ${facts.sha256}`,
    `has: ${parts.join(', ')}`,
    '',
  ].join('\n');
}

/** The limits that this machine's settings put on tarballs. */
export function limitsOf(places: Places): TarballLimits {
  const { settings } = loadSettings(places);
  return {
    maxTarball_bytes: settings['download.max_tarball_bytes'],
    maxUnpacked_bytes: settings['install.max_unpacked_bytes'],
    maxEntries: settings['install.max_entries'],
  };
}
