/** A new gwe's own part in its trial; the shell's part is in self-update.ts. */

import type { Places } from '../config/places.ts';
import { releaseLock } from '../host/lock.ts';
import { attempt, type Log } from '../host/log.ts';
import { VERSION } from '../host/version.ts';
import type { InstallEnd } from '../reports/ends.ts';
import { OWN_NAME } from '../reports/engine-report.ts';
import { fetchStatusText } from '../reports/fetch-status.ts';
import type { Engine, EngineContext } from './engine.ts';
import { becomeShell, leaveSignalsAlone } from './hibernate.ts';
import { failedTrial, forgetFailedTrial, settleTrial, TRIAL_LINE, trialUnderWay } from './self-update.ts';
import { withEnd } from './state.ts';

/** Whether this start is one of a trial: one check-in, nothing else. */
export const inTrial = (env: NodeJS.ProcessEnv): boolean => env['GWE_TRIAL'] === '1';

/** What a shell is to try: a new gwe is on trial, and this start is neither part of it nor the old file. */
export interface TrialToRun {
  readonly previous: string;
  readonly command: readonly string[];
}

/** The trial that this gwe has to hand over to, if one is under way. */
export function trialToRun({ places, executable, env }: EngineContext): TrialToRun | undefined {
  const trial = inTrial(env) ? undefined : trialUnderWay(places.state);
  const [file] = executable;
  if (trial === undefined || file === undefined || file === trial.previous) return undefined;
  return { previous: trial.previous, command: executable };
}

/** Becomes the shell that tries the new gwe, after `leaveSignalsAlone`. */
export function becomeTrial({ previous, command }: TrialToRun, places: Places, log: Log): never {
  log.info(`A new gwe is on trial until it has completed a check-in; the old one is ${previous}`);
  releaseLock(places.lock);
  return becomeShell([TRIAL_LINE, 'gwe', places.state, ...command]);
}

/** At a start in the middle of a trial the shell takes over. Returns when there is none, and when gwe is to stop. */
export async function goOnWithTrial(context: EngineContext, log: Log): Promise<void> {
  const trial = trialToRun(context);
  if (trial === undefined || !(await leaveSignalsAlone(context.signal))) return;
  becomeTrial(trial, context.places, log);
}

/** After a complete check-in the new file stays; the old file, asked in the same trial, settles nothing. */
export function settleTrialAfter(engine: Engine): void {
  const { places, executable } = engine.context;
  const trial = trialUnderWay(places.state);
  if (trial === undefined || trial.previous === executable[0]) return;
  settleTrial(places.state);
  engine.log.info(`gwe ${VERSION} has completed a check-in and stays`);
}

/**
 * The old gwe, back after a failed trial, says so, and forgets the new version as one to go back to. What the disk refuses
 * is tried again at the next turn.
 */
export function tellFailedTrial(engine: Engine): void {
  attempt(engine.log, () => {
    const why = failedTrial(engine.context.places.state);
    if (why === undefined) return;
    tell(engine, why);
    engine.installer.undone(OWN_NAME, why);
    forgetFailedTrial(engine.context.places.state);
  });
}

function tell(engine: Engine, why: string): void {
  const { good, last } = engine.installer.installed().find(({ app }) => app === OWN_NAME) ?? {};
  const { version = '', sha256 } = good ?? last ?? {};
  const end: InstallEnd = {
    name: good?.file ?? OWN_NAME,
    app: OWN_NAME,
    version,
    outcome: 'failed',
    why,
    rolledBackTo: VERSION,
    time_ms: engine.context.clock.now(),
    ...(sha256 === undefined ? {} : { digest: sha256 }),
  };
  const value = fetchStatusText(end);
  engine.log.error(value);
  // The same again, should the power go before the note is forgotten, is the same report.
  engine.outbox.add({
    id: `self-update-${sha256 ?? ''}`,
    alias: 'fetch_status',
    value,
    time_ms: end.time_ms,
  });
  engine.state.lastEnds = withEnd(engine.state.lastEnds, end);
}
