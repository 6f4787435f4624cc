/** `--test-package`: whether an application can be installed over a crash at any step. What is done to find out is rehearsal.ts's. */
import { basename, join } from 'node:path';
import { parseTarballName } from '../app/name.ts';
import { loadSettings } from '../config/places.ts';
import { GweError } from '../errors.ts';
import { howEnded, type Rehearsal, rehearse, type Trial, type UnpackedApp } from '../installer/rehearsal.ts';
import { openScratchWorlds, thisMachine, type Worlds } from '../installer/scratch-world.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { oneLine } from './values.ts';
import { limitsOf } from './workbench.ts';

/** Exit status when the package cannot be repeated. */
const NOT_REPEATABLE = 3;
/** Of what a failed run printed, and of what is different, so many lines are shown. */
const SHOWN_MAX = 5;

/** Rehearses the tarball, over `--previous` if that is given; returns 0, or 3 when a run after a cut does not end as a whole one. */
export async function testPackage(context: CommandContext, args: CommandArgs): Promise<number> {
  const { signal } = context;
  const worlds = (await openScratchWorlds(context.clock)) ?? machineIfAllowed(context, args);
  try {
    const app = await unpack(context, worlds, args.text('test-package') ?? '', 'app');
    const before = args.text('previous');
    const previous = before === undefined ? undefined : await unpack(context, worlds, before, 'previous');
    const { settings } = loadSettings(context.places);
    const deps = {
      worlds,
      env: context.env,
      timeout_s: settings['install.timeout'],
      maxAttempts: settings['install.max_attempts'],
      signal,
    };
    const rehearsal = await rehearse(deps, app, previous);
    context.out(reportOf(app.name.file, rehearsal, worlds));
    return isRepeatable(rehearsal) ? 0 : NOT_REPEATABLE;
  } finally {
    worlds.remove();
  }
}

function machineIfAllowed(context: CommandContext, args: CommandArgs): Worlds {
  if (args.has('yes')) {
    context.err('There is no scratch world here: install.sh is run on this machine itself.\n');
    return thisMachine(context.clock);
  }
  throw new GweError(
    'refused',
    'Cannot test the package apart from this machine: it gives us no overlay in a namespace of our own',
    {
      hint:
        'Run it as root (with unshare, mount and chroot of util-linux and coreutils), or, on a machine that may be ' +
        'spoilt, with --yes: then install.sh is run right here, and only how it ends is looked at.',
    },
  );
}

async function unpack(
  { places }: CommandContext,
  worlds: Worlds,
  path: string,
  into: string,
): Promise<UnpackedApp> {
  const [{ piecesOf }, { extractTarball }, { mkdirSync, existsSync }] = await Promise.all([
    import('../app/file-source.ts'),
    import('../app/extract.ts'),
    import('node:fs'),
  ]);
  if (!existsSync(path)) throw new GweError('not-found', `Cannot test ${path}: there is no such file`);
  const name = parseTarballName(basename(path));
  const folder = join(worlds.folder, 'unpacked', into);
  mkdirSync(folder, { recursive: true });
  const source = piecesOf(path);
  try {
    const { hasHealth } = await extractTarball(source, name, limitsOf(places), folder);
    return { name, folder, hasHealth };
  } finally {
    await source.return();
  }
}

const isRepeatable = ({ end, trials }: Rehearsal): boolean =>
  end.status === 0 && trials.every(({ why }) => why === undefined);

/** What came of it, for a person. */
export function reportOf(
  file: string,
  rehearsal: Rehearsal,
  { areScratch, haveRoot }: Pick<Worlds, 'areScratch' | 'haveRoot'>,
): string {
  const { end, printed, steps, trials, unsteady, isHealthWatched } = rehearsal;
  if (end.status !== 0) {
    return lines([
      `[FAIL] ${file}: install.sh ${howEnded(end)}, though nothing cut it`,
      ...tail(printed),
      ...(haveRoot ? [] : ['It had no rights over files of other users: try it as root']),
    ]);
  }
  const failed = trials.filter(({ why }) => why !== undefined);
  const where = steps === 0 ? 'after its end' : 'before its first step and after each';
  return lines([
    steps === 0
      ? `${file}: install.sh is not for a shell, so its steps are not known`
      : `${file}: install.sh takes ${steps} ${steps === 1 ? 'step' : 'steps'}`,
    `It was cut ${where}, ${trials.length} times in all, and run again with GWE_ATTEMPT=2`,
    ...(areScratch ? [] : ['What it changed was not looked at: it ran on this machine itself']),
    ...(isHealthWatched ? ['health.sh had to end with 0 each time'] : []),
    ...unsteady
      .slice(0, SHOWN_MAX)
      .map((path) => `Not looked at, because no two runs leave it the same: ${path}`),
    ...grouped(failed).flatMap(failureLines),
    failed.length === 0
      ? '[PASS] it can be cut anywhere'
      : `[FAIL] ${failed.length} of ${trials.length} cuts are not made good by running install.sh again`,
  ]);
}

/** Failures in a row that have the same cause; the first step is the one to look at. */
function grouped(failed: readonly Trial[]): Trial[][] {
  const groups: Trial[][] = [];
  const causeOf = ({ why, differences, printed }: Trial) =>
    `${why} ${differences.length > 0 ? differences.map(({ path }) => path) : printed}`;
  for (const trial of failed) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    if (group !== undefined && first !== undefined && causeOf(first) === causeOf(trial)) group.push(trial);
    else groups.push([trial]);
  }
  return groups;
}

function failureLines(group: readonly Trial[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const more = group.length === 1 ? '' : ` (and after the ${group.length - 1} cuts that follow)`;
  const { differences } = first;
  return [
    `[FAIL] cut ${placeOf(first)}, and run again: ${first.why}${more}`,
    ...(differences.length === 0 ? tail(first.printed) : []),
    ...differences
      .slice(0, SHOWN_MAX)
      .flatMap(({ path, expected, found }) => [
        `       ${path}`,
        `         is ${found}`,
        `         not ${expected}`,
      ]),
    ...(differences.length > SHOWN_MAX ? [`       and ${differences.length - SHOWN_MAX} more`] : []),
  ];
}

function placeOf({ after, number }: Trial): string {
  if (number === 0) return 'before its first step';
  if (after === undefined) return `after step ${number}`;
  const line = after.line === '' ? '' : `, line ${after.line}`;
  return `after step ${number}${line}: ${oneLine(after.command)}`;
}

const tail = (printed: string): string[] =>
  printed
    .trim()
    .split('\n')
    .slice(-SHOWN_MAX)
    .filter((line) => line !== '')
    .map((line) => `       ${oneLine(line)}`);

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;
