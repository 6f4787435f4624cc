/**
 * The rest between two turns: awake for a nap, as a sleeping shell for longer, and with engine.push awake on a poll that the
 * platform holds. Signals end each of them.
 */
import type { Engine, EngineContext } from './engine.ts';
import { becomeSleepingShell, canHibernate, shouldHibernate } from './hibernate.ts';
import { openEngine } from './open-engine.ts';
import { newPushMemory, waitForPush } from './push.ts';
import { type Sleep, sleepAfter, type TurnEnd } from './schedule.ts';
import { wakeUps } from './signals.ts';
import { goOnWithTrial } from './trial.ts';

/** Sleeps until the next turn is due or WINCH or HUP comes; returns then, unless gwe has become something else by then. */
export async function hibernate(engine: Engine, end: TurnEnd): Promise<void> {
  const { context, settings, identity } = engine;
  const rhythm = {
    updateInterval_s: engine.updateInterval_s,
    jitter_percent: settings['engine.jitter_percent'],
    activationRetry_s: settings['engine.activation_retry_interval'],
    serial: identity.serial,
  };
  const sleep = sleepAfter(end, rhythm, Math.random);
  noteNext(engine, sleep);
  if (wakeUps.take()) return;
  await goOnWithTrial(context, engine.log);
  const mayListen = end.kind === 'complete' || (end.kind === 'budget' && end.mayCheckIn);
  if (settings['engine.push'] && mayListen && engine.cik !== undefined) {
    return listen(engine, engine.cik, sleep);
  }
  if (canHibernate() && shouldHibernate(settings['engine.hibernate'], sleep.sleep_s, context.isTerminal)) {
    await becomeSleepingShell(sleep.sleep_s, context.executable, wakened(context));
  }
  await nap(engine, sleep);
}

function noteNext(engine: Engine, sleep: Sleep): void {
  const { clock } = engine.context;
  engine.state.next = { time_ms: clock.now() + sleep.sleep_s * 1000, reason: sleep.reason };
  engine.saveState();
  engine.log.debug(`Next check-in in ${sleep.sleep_s} s (${sleep.reason})`);
}

/** What push remembers from one rest to the next: it stays awake. */
const pushMemory = newPushMemory();

async function listen({ context }: Engine, cik: string, sleep: Sleep): Promise<void> {
  // Opened anew: what the turn had was closed at its end, and its bytes are in the book.
  const { client, log, updateInterval_s, usage, close } = await openEngine(context);
  const { clock } = context;
  const link = { client, cik, clock, log, updateInterval_s, random: Math.random };
  await waitForPush(link, pushMemory, sleep.sleep_s * 1000, wakened(context));
  usage.save(log);
  close();
  wakeUps.take();
}

/** Aborted when the nap is over before its time: by a call, or because gwe is to stop. */
const wakened = ({ signal }: EngineContext): AbortSignal => AbortSignal.any([signal, wakeUps.signal()]);

async function nap(engine: Engine, sleep: Sleep): Promise<void> {
  const { clock } = engine.context;
  const woken = wakened(engine.context);
  await clock.sleep(sleep.sleep_s * 1000, woken).catch((error: unknown) => {
    if (!woken.aborted) throw error;
  });
  wakeUps.take();
}
