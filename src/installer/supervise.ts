/** An application's program: writing conf_dir/APP.conf and having supervisord take it up or let go of it. The text is supervisor/'s. */
import { join } from 'node:path';
import { asGweError } from '../errors.ts';
import { makeFolder, removeDurably, writeDurably } from '../host/files.ts';
import { programText } from '../supervisor/program.ts';
import { OWN_PROGRAM } from '../supervisor/supervisor.ts';
import type { Job, Step } from './job.ts';

/** Others read it: supervisord may run as another user, and people look at it. */
const PROGRAM_FILE_MODE = 0o644;
const PROGRAM_FOLDER_MODE = 0o755;

/** Where the program file of `app` lies. */
export const programPath = (job: Pick<Job, 'deps'>, app: string): string =>
  join(job.deps.settings['supervisor.conf_dir'], `${app}.conf`);

/** The phase `supervise`. Raises `supervisor` when supervisord refuses the program, and what the disk raises. */
export async function supervise(job: Job): Promise<Step> {
  const { name, tarball, result } = job.item();
  const section = new Map(Object.entries(tarball?.supervisorConf ?? {}));
  const text = programText(name.app, section, job.deps.settings['supervisor.log_dir']);
  const note = await placeProgram(job, name.app, text).catch((error: unknown) => {
    putFormerFileBack(job, name.app);
    throw error;
  });
  return {
    to: 'health',
    ...(note === undefined ? {} : { set: { result: { ...result, outcome: 'installed', note } } }),
  };
}

/**
 * A file that supervisord refuses must not lie there while the way back is gone: after a reboot in that time supervisord
 * would refuse all of its configuration, gwe's own program with it.
 */
function putFormerFileBack({ deps, session }: Job, app: string): void {
  const former = session.apps.keptProgram(app);
  const path = programPath({ deps }, app);
  if (former === undefined) removeDurably(path);
  else writeDurably(path, former, PROGRAM_FILE_MODE);
}

/** Writes the program file and has supervisord take it up; returns what was lived with, in words. Raises as `supervise`. */
export async function placeProgram(job: Job, app: string, text: string): Promise<string | undefined> {
  makeFolder(job.deps.settings['supervisor.conf_dir'], PROGRAM_FOLDER_MODE);
  writeDurably(programPath(job, app), text, PROGRAM_FILE_MODE);
  job.deps.checkpoint?.(`program ${app}`);
  return await takeUp(job, app);
}

/** As `placeProgram`, with the program file as it lies there. */
export async function takeUp(job: Job, app: string): Promise<string | undefined> {
  // It would stop us halfway. gwe runs its new file from its next wake-up on anyway.
  if (app === OWN_PROGRAM) return undefined;
  const { supervisor } = job.deps;
  try {
    await supervisor.takeUp(app);
    return undefined;
  } catch (error) {
    if (await isThere(job)) throw error;
    return `no supervisord: ${app}.conf is written, not started (${asGweError(error).message})`;
  }
}

/** Removes the program file and has supervisord let go of the program; returns what was lived with. Raises what the disk raises. */
export async function removeProgram(job: Job, app: string): Promise<string | undefined> {
  removeDurably(programPath(job, app));
  if (app === OWN_PROGRAM) return undefined;
  try {
    await job.deps.supervisor.remove(app);
    return undefined;
  } catch (error) {
    return `its program could not be removed from supervisord (${asGweError(error).message})`;
  }
}

/** Whether a supervisord answers at all. */
async function isThere({ deps }: Job): Promise<boolean> {
  try {
    await deps.supervisor.processes();
    return true;
  } catch {
    return false;
  }
}
