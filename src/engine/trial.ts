/** A new gwe's own part in its trial; the shell's part is in self-update.ts. */

import { releaseLock } from '../host/lock.ts';
import type { Log } from '../host/log.ts';
import { VERSION } from '../host/version.ts';
import { OWN_PROGRAM } from '../supervisor/supervisor.ts';
import type { Engine, EngineContext } from './engine.ts';
import { becomeShell } from './hibernate.ts';
import { failedTrial, forgetFailedTrial, settleTrial, TRIAL_LINE, trialUnderWay } from './self-update.ts';

/** Whether this start is one of a trial: one check-in, nothing else. */
export const inTrial = (env: NodeJS.ProcessEnv): boolean => env['GWE_TRIAL'] === '1';

/**
 * While a new gwe is on trial, the shell that tries it takes over: right after the install, and at a start in the middle
 * of it. Never returns then; returns at once when there is no trial, or this is the old file.
 */
export async function goOnWithTrial({ places, executable, env }: EngineContext, log: Log): Promise<void> {
  const trial = inTrial(env) ? undefined : trialUnderWay(places.state);
  const [file, ...args] = executable;
  if (trial === undefined || file === undefined || file === trial.previous) return;
  log.info(`A new gwe is on trial until it has completed a check-in; the old one is ${trial.previous}`);
  releaseLock(places.lock);
  await becomeShell([TRIAL_LINE, 'gwe', places.state, file, ...args]);
}

/** After a complete check-in the new file stays; the old file, asked in the same trial, settles nothing. */
export function settleTrialAfter(engine: Engine): void {
  const { places, executable } = engine.context;
  const trial = trialUnderWay(places.state);
  if (trial === undefined || trial.previous === executable[0]) return;
  settleTrial(places.state);
  engine.log.info(`gwe ${VERSION} has completed a check-in and stays`);
}

/** The old gwe, back after a failed trial, says so. */
export function tellFailedTrial(engine: Engine): void {
  const { state } = engine.context.places;
  const note = failedTrial(state);
  if (note === undefined) return;
  const time_ms = engine.context.clock.now();
  const tarball = engine.installer.installed().find(({ app }) => app === OWN_PROGRAM)?.good?.file;
  const value = `${tarball ?? OWN_PROGRAM}: failed: ${note}; back at v${VERSION}`;
  engine.log.error(value);
  engine.outbox.add({ id: `self-update-${time_ms}`, alias: 'fetch_status', value, time_ms });
  engine.installer.undone(OWN_PROGRAM, note);
  forgetFailedTrial(state);
}
