/** The phases `script` and `reboot`: running install.sh, and what its end means. */
import { GweError } from '../errors.ts';
import type { Job, Step, ThisStart } from './job.ts';
import type { JournalItem } from './journal-format.ts';
import type { Phase } from './phases.ts';
import { callDurably, describeEnd, EXIT_RUN_AGAIN_AFTER_REBOOT, keepOutput } from './script.ts';
import { dropUnpacked, ensureUnpacked } from './unpack.ts';

/** Where install.sh asked for a reboot and none has come after this time, it is run again all the same. */
export const REBOOT_PATIENCE_MS = 10 * 60 * 1000;

/** The phase `script`. The attempt has been counted already. */
export async function runInstall(job: Job): Promise<Step> {
  const { deps, session } = job;
  const item = job.item();
  const timeout_s = deps.settings['install.timeout'];
  const call = {
    script: 'install.sh' as const,
    folder: await ensureUnpacked(job),
    timeout_s,
    app: item.name.app,
    version: item.name.version,
    previous: session.apps.read(item.name.app).good?.version ?? '',
    attempt: item.attempt,
  };
  const end = await callDurably(job, call, ({ output, status }) => {
    deps.checkpoint?.(`install.sh ended ${item.name.file}`);
    keepOutput(job, output, item.attempt > 1 ? `install.sh, attempt ${item.attempt}` : undefined);
    // What is not needed any more would only be written to the disk to be removed from it.
    if (status === 0 && afterScript(item) === 'commit') dropUnpacked(job);
  });
  if (end.aborted) throw new GweError('stopped', 'install.sh was stopped with gwe');
  if (end.status === EXIT_RUN_AGAIN_AFTER_REBOOT) return { to: 'reboot', set: { rebootAsked: deps.start() } };
  const exit = end.status === undefined ? {} : { exit: end.status };
  if (end.status === 0) return { to: afterScript(item), set: { result: { outcome: 'installed', ...exit } } };
  const why = describeEnd('install.sh', end, timeout_s);
  return { to: 'rollback', set: { result: { outcome: 'failed', why, ...exit } } };
}

/** The first of the phases after install.sh that has anything to do. */
function afterScript({ tarball }: JournalItem): Phase {
  if (tarball?.supervisorConf !== undefined) return 'supervise';
  return tarball?.hasHealth === true ? 'health' : 'commit';
}

/** The phase `reboot`: install.sh ended with 194, and is run again after the next start of the machine or of gwe. */
export function awaitReboot(job: Job): Step {
  const { rebootAsked } = job.item();
  if (rebootAsked === undefined || hasStartedAnew(rebootAsked, job.deps.start())) return { to: 'unpack' };
  return rebootHold('install.sh asked for a reboot, and is run again after it');
}

export function rebootHold(why: string): Step {
  return { hold: { kind: 'reboot', error: new GweError('script', why), key: 'reboot' } };
}

/** Whether the start that was asked for has come, or been waited for long enough. Pure. */
export function hasStartedAnew(asked: ThisStart, now: ThisStart): boolean {
  if (asked.process !== now.process || asked.boot !== now.boot) return true;
  return now.uptime_ms - asked.uptime_ms >= REBOOT_PATIENCE_MS;
}
