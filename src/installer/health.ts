/**
 * Whether a version that was just installed is healthy: its program stays RUNNING through install.health_window, and
 * health.sh, if it has one, ends with 0. Only then is it committed.
 */
import { asGweError, GweError } from '../errors.ts';
import { programHealth } from '../supervisor/health.ts';
import { OWN_PROGRAM, type ProcessInfo } from '../supervisor/supervisor.ts';
import type { Job, Step } from './job.ts';
import type { Unpacked } from './journal-format.ts';
import { callScript, describeEnd, keepOutput, type ScriptCall } from './script.ts';
import { ensureUnpacked } from './unpack.ts';

/** Time between two looks at the program. */
export const LOOK_EVERY_MS = 1000;
/** Beyond the health window, so long may a program take to come up. */
export const START_LIMIT_S = 60;

/** The phase `health`. */
export async function health(job: Job): Promise<Step> {
  const { name, tarball, attempt, result } = job.item();
  const previous = job.session.apps.read(name.app).good?.version ?? '';
  const about = { ...name, previous, attempt };
  const ill = await illness(job, tarball, about, () => ensureUnpacked(job));
  if (ill === undefined) return { to: 'commit' };
  return { to: 'rollback', set: { result: { ...result, outcome: 'failed', why: ill } } };
}

/** What is wrong with the version, or `undefined`. Raises `stopped` when gwe is to stop, and what unpacking raises. */
export async function illness(
  job: Job,
  tarball: Pick<Unpacked, 'hasHealth' | 'supervisorConf'> | undefined,
  about: Pick<ScriptCall, 'app' | 'version' | 'previous' | 'attempt' | 'rollbackFrom'>,
  unpacked: () => Promise<string>,
): Promise<string | undefined> {
  const program = tarball?.supervisorConf;
  if (program !== undefined && isWatched(about.app, program)) {
    const ill = await watchProgram(job, about.app);
    if (ill !== undefined) return ill;
  }
  return tarball?.hasHealth === true ? await callHealth(job, about, await unpacked()) : undefined;
}

/** A program that supervisord does not start by itself cannot be watched; nor need gwe watch itself. */
function isWatched(app: string, program: Readonly<Record<string, string>>): boolean {
  return app !== OWN_PROGRAM && !/^(false|no|off|0)$/i.test(program['autostart'] ?? '');
}

async function watchProgram(job: Job, app: string): Promise<string | undefined> {
  const { clock, settings } = job.deps;
  const window_ms = settings['install.health_window'] * 1000;
  const deadline_ms = clock.monotonic() + window_ms + START_LIMIT_S * 1000;
  let upSince_ms: number | undefined;
  let earlier: ProcessInfo[] = [];
  for (;;) {
    const now = await look(job, app);
    if (now === undefined) return undefined;
    const { state, why } = programHealth(now, earlier);
    if (state === 'down') return `${app} ${why}`;
    upSince_ms = state === 'up' ? (upSince_ms ?? clock.monotonic()) : undefined;
    if (upSince_ms !== undefined && clock.monotonic() - upSince_ms >= window_ms) return undefined;
    if (clock.monotonic() >= deadline_ms) return `${app} ${why}, ${START_LIMIT_S} s after it was started`;
    earlier = now;
    await clock.sleep(LOOK_EVERY_MS, job.session.signal);
  }
}

/** The program's processes; `undefined` when there is no supervisord to ask: that was said already, and is no illness. */
async function look(job: Job, app: string): Promise<ProcessInfo[] | undefined> {
  try {
    return await job.deps.supervisor.programState(app);
  } catch (error) {
    job.deps.log.warning(`The health of ${app} cannot be watched: ${asGweError(error).message}`);
    return undefined;
  }
}

async function callHealth(
  job: Job,
  about: Pick<ScriptCall, 'app' | 'version' | 'previous' | 'attempt' | 'rollbackFrom'>,
  folder: string,
): Promise<string | undefined> {
  const timeout_s = job.deps.settings['install.health_timeout'];
  const { app, version, previous, attempt, rollbackFrom } = about;
  const call: ScriptCall = { script: 'health.sh', folder, timeout_s, app, version, previous, attempt };
  const end = await callScript(job, rollbackFrom === undefined ? call : { ...call, rollbackFrom });
  if (end.aborted) throw new GweError('stopped', 'health.sh was stopped with gwe');
  keepOutput(job, end.output, 'health.sh');
  return end.status === 0 ? undefined : describeEnd('health.sh', end, timeout_s);
}
