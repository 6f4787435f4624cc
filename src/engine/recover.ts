/** Carrying on with what the journal holds: after a power cut, an outage, or just after an instruction was taken. */

import type { Engine } from './engine.ts';
import { noteRefusals } from './refusal.ts';
import { inTrial, tellFailedTrial } from './trial.ts';
import type { Turn } from './turn.ts';

/** What an earlier turn left behind, first of all: it may not need the platform at all. */
export async function recover(engine: Engine, turn: Turn): Promise<void> {
  if (inTrial(engine.context.env)) return;
  tellFailedTrial(engine);
  noteRefusals(engine);
  if (engine.installer.hasWork()) await carryOn(engine, turn);
}

/** Works off the journal; trouble that may pass is noted in `turn` so that it is tried again by backoff. */
export async function carryOn(engine: Engine, turn: Turn): Promise<void> {
  engine.saveState();
  const result = await engine.installer.workOff(engine.context.signal);
  await engine.sending.settled();
  if (result.ends.some((end) => end.outcome !== 'installed') || result.held.length > 0) turn.allDone = false;
  turn.retry = result.retry;
  turn.waitsForBudget = result.held.some(({ kind }) => kind === 'budget');
  turn.worked = turn.worked || result.ends.length > 0;
}
