/** Running the scripts of an application: install.sh, health.sh, uninstall.sh. What follows from how they end is up to the phases. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asGweError } from '../errors.ts';
import { makeFolder, makeScratchFolder, readIfThere, removeFolder, writeWhole } from '../host/files.ts';
import { birthOf } from '../host/lock.ts';
import { makeOutputPipe } from '../host/output-pipe.ts';
import { endGroup, runScript, type ScriptEnd } from '../host/processes.ts';
import type { Job } from './job.ts';
import { takeStandBy } from './stand-by.ts';

/** install.sh ends with this when it reboots the gateway on purpose, and wants to be run again at the next start. */
export const EXIT_RUN_AGAIN_AFTER_REBOOT = 194;
/** Between TERM and KILL to a script that takes too long. */
export const KILL_GRACE_S = 10;

export interface ScriptCall {
  script: 'install.sh' | 'health.sh' | 'uninstall.sh';
  /** The unpacked tarball. */
  folder: string;
  timeout_s: number;
  app: string;
  version: string;
  /** The version that was installed before; `''` = none. */
  previous: string;
  attempt: number;
  /** Set on the way back: the version that failed. */
  rollbackFrom?: string;
}

/**
 * Runs a script that changes the gateway. When it resolves, what the script did and what `settle` does has reached the
 * disk: after a power cut a script that is noted to have ended is not run again. `settle` is not called for one that was
 * stopped with gwe. Raises what `settle` raises.
 */
export async function callDurably(
  job: Job,
  call: ScriptCall,
  settle: (end: ScriptEnd) => void,
): Promise<ScriptEnd> {
  makeScratchFolder(jobFolder(job));
  const ready = takeStandBy(job, jobFolder(job));
  const running = callScript(job, call, ready.pipe);
  const flusher = await ready.flusher;
  try {
    const end = await running;
    if (end.aborted) return end;
    settle(end);
    await flusher.flush();
    return end;
  } finally {
    flusher.dismiss();
  }
}

/** Runs one script; what it prints goes through `pipe`. Never rejects. */
export async function callScript(
  job: Job,
  call: ScriptCall,
  pipe = makeOutputPipe(jobFolder(job)),
): Promise<ScriptEnd> {
  const { deps, session } = job;
  const run = {
    command: [`./${call.script}`] as const,
    cwd: call.folder,
    env: environment(job, call),
    timeout_s: call.timeout_s,
    killGrace_s: KILL_GRACE_S,
    outputMax_bytes: deps.settings['install.output_max_bytes'],
    pipe,
    signal: session.signal,
    onStart: (pid: number) => noteRunning(job, pid),
  };
  deps.log.info(`${job.item().name.file}: ${call.script} begins (attempt ${call.attempt})`);
  const end = await runScript(run, deps.clock);
  removeFolder(runningPath(job));
  deps.log.info(`${job.item().name.file}: ${describeEnd(call.script, end, call.timeout_s)}`);
  return end;
}

/**
 * Notes which process group runs, for a start after a crash of gwe alone: the script goes on then, and must not meet its
 * own second run. Not synced: a reboot ends every script anyway.
 */
function noteRunning(job: Job, pid: number): void {
  try {
    makeScratchFolder(jobFolder(job));
    writeFileSync(runningPath(job), `${pid} ${birthOf(pid) ?? ''}`);
  } catch (error) {
    job.deps.log.warning(`Cannot note which process ${pid} is: ${asGweError(error).message}`);
  }
}

/** Ends a script of this item that an earlier gwe left running when it was killed. */
export async function endLeftOver(job: Job): Promise<void> {
  const [pid = '', birth] = (readIfThere(runningPath(job)) ?? '').split(' ');
  if (!/^[1-9]\d*$/.test(pid) || birth === undefined || birth === '') return;
  // Its leader may be gone and the group not; but a leader of another birth is somebody else's.
  const now = birthOf(Number(pid));
  if (birth.split('/')[0] !== job.deps.start().boot || (now !== undefined && now !== birth)) return;
  if (await endGroup(Number(pid), KILL_GRACE_S, job.deps.clock)) {
    job.deps.log.warning(`${job.item().name.file}: ended a script that was still running from before`);
  }
}

/** What a script finds in its environment: gwe's own, and what it is about. */
function environment({ deps }: Job, call: ScriptCall): NodeJS.ProcessEnv {
  return {
    ...deps.env,
    GWE_APP_NAME: call.app,
    GWE_APP_VERSION: call.version,
    GWE_PREVIOUS_VERSION: call.previous,
    GWE_ATTEMPT: String(call.attempt),
    GWE_SERIAL: deps.serial,
    GWE_STATE_DIR: deps.places.state,
    GWE_EXECUTABLE: deps.executable,
    ...(call.rollbackFrom === undefined ? {} : { GWE_ROLLBACK_FROM: call.rollbackFrom }),
  };
}

/** How a script ended, as a clause. */
export function describeEnd(script: string, end: ScriptEnd, timeout_s: number): string {
  if (end.startError !== undefined) return `${script} could not be started: ${end.startError}`;
  if (end.timedOut) return `${script} took longer than ${timeout_s} s`;
  if (end.aborted) return `${script} was stopped with gwe`;
  if (end.killedBy !== undefined) return `${script} was ended by ${end.killedBy}`;
  return `${script} ended with ${end.status}`;
}

/** Where the item's own files lie: `app/` (unpacked), `output`. */
export const jobFolder = (job: Job): string => join(job.deps.places.staging, job.key);
const runningPath = (job: Job): string => join(jobFolder(job), 'running');
const outputPath = (job: Job): string => join(jobFolder(job), 'output');

/**
 * Keeps what a script printed until it is reported, over a crash too: at most install.output_max_bytes for each run.
 * `title` parts it from what an earlier script printed. Its name is only sure with the next flush, which comes before the
 * end of the script is noted.
 */
export function keepOutput(job: Job, output: Buffer, title?: string): void {
  if (output.length === 0) return;
  const before = keptOutput(job) ?? Buffer.alloc(0);
  const head =
    title === undefined ? '' : `${before.length > 0 && before.at(-1) !== 10 ? '\n' : ''}--- ${title} ---\n`;
  makeFolder(jobFolder(job));
  job.session.journal.withRoom(() =>
    writeWhole(outputPath(job), Buffer.concat([before, Buffer.from(head), output])),
  );
}

/** What the scripts printed so far. */
export function keptOutput(job: Job): Buffer | undefined {
  return existsSync(outputPath(job)) ? readFileSync(outputPath(job)) : undefined;
}
