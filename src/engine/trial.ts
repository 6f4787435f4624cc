/** A new gwe's own part in its trial; the shell's part is in self-update.ts. */

import { VERSION } from '../host/version.ts';
import type { Engine } from './engine.ts';
import { settleTrial, takeFailedTrial, trialUnderWay } from './self-update.ts';

/** Whether this start is one of a trial: one check-in, nothing else. */
export const inTrial = (env: NodeJS.ProcessEnv): boolean => env['GWE_TRIAL'] === '1';

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
  const note = takeFailedTrial(engine.context.places.state);
  if (note === undefined) return;
  const time_ms = engine.context.clock.now();
  const value = `gwe: failed: ${note}; back at v${VERSION}`;
  engine.log.error(value);
  engine.outbox.add({ id: `self-update-${time_ms}`, alias: 'fetch_status', value, time_ms });
}
