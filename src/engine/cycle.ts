/**
 * The engine's cycle, as the original describes it:
 *
 *   repeat: send usage and info reports, read engine_fetch, install what it names, write the output to fetch_status,
 *           sleep update_interval seconds
 *
 * with what a power cut asks for before it, and hibernation in place of the sleep. Between two turns there is nothing but
 * files: a turn after a sleep, `gwe --once` and the start after a power cut are one and the same path.
 */
import { asGweError, type GweError } from '../errors.ts';
import { createLog } from '../host/log.ts';
import { ensureActivated } from './activation.ts';
import { checkIn } from './check-in.ts';
import type { Engine, EngineContext } from './engine.ts';
import { obey } from './obey.ts';
import { keepSerial, openEngine, takeStateFolder } from './open-engine.ts';
import { recover } from './recover.ts';
import { report } from './report.ts';
import { hibernate } from './rest.ts';
import { listenForWakeUps } from './signals.ts';
import { goOnWithTrial, inTrial, settleTrialAfter } from './trial.ts';
import { checkedIn, exitOfTurn, type Turn, turnEnded } from './turn.ts';

/**
 * Runs the engine until it is stopped, or with `once` for one turn in the foreground. Returns the exit status: see
 * `exitOfTurn`; a stopped engine ends with 0. Raises `identity`, `config`, `layout` and `locked` before anything is contacted.
 */
export async function runEngine(context: EngineContext, options: { once: boolean }): Promise<number> {
  const log = createLog('INFO', context.clock.now);
  const release = takeStateFolder(context, log);
  listenForWakeUps();
  try {
    if (!options.once) await goOnWithTrial(context, log);
    if (context.signal.aborted) return options.once ? 1 : 0;
    for (let engine = await openEngine(context); ; engine = await openEngine(context)) {
      keepSerial(engine);
      const turn = await closing(engine, () => takeTurn(engine));
      if (options.once || context.signal.aborted) engine.saveState();
      if (context.signal.aborted) return options.once ? 1 : 0;
      if (options.once) return exitOfTurn(turn, inTrial(context.env));
      await hibernate(engine, turn.end);
      if (context.signal.aborted) return 0;
    }
  } finally {
    release();
  }
}

async function closing<T>(engine: Engine, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    engine.close();
  }
}

/** One turn; whatever goes wrong in it is noted and ends this turn only. */
async function takeTurn(engine: Engine): Promise<Turn> {
  const turn: Turn = {
    end: { kind: 'complete' },
    complete: false,
    allDone: true,
    worked: false,
    waitsForBudget: false,
    retry: undefined,
  };
  let failed: GweError | undefined;
  try {
    await recover(engine, turn);
    await ensureActivated(engine);
    const answer = await checkIn(engine);
    checkedIn(engine, turn);
    settleTrialAfter(engine);
    if (inTrial(engine.context.env)) return turn;
    await obey(engine, answer, turn);
    await report(engine, turn);
  } catch (error) {
    failed = asGweError(error);
  } finally {
    turnEnded(engine, turn, failed);
  }
  return turn;
}
