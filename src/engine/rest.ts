/**
 * The rest between two turns: awake for a nap, as a sleeping shell for longer, and with engine.push awake on a poll that the
 * platform holds. Signals end each of them.
 */
import type { Engine, EngineContext } from './engine.ts';
import {
  becomeSleepingShell,
  canHibernate,
  leaveSignalsAlone,
  nextTurn,
  shouldHibernate,
} from './hibernate.ts';
import { openEngine } from './open-engine.ts';
import { newPushMemory, waitForPush } from './push.ts';
import { type Sleep, sleepAfter, type TurnEnd } from './schedule.ts';
import { wakeUps } from './signals.ts';
import { becomeTrial, type TrialToRun, trialToRun } from './trial.ts';

type Rest =
  | { kind: 'trial'; trial: TrialToRun }
  | { kind: 'shell' }
  | { kind: 'listen'; cik: string }
  | { kind: 'nap' };

/** Rests until the next turn is due or WINCH or HUP comes; returns then, unless gwe has become something else by then. */
export async function hibernate(engine: Engine, end: TurnEnd): Promise<void> {
  const sleep = nextSleep(engine, end);
  const rest = restFor(engine, end, sleep);
  if (rest.kind === 'trial' || rest.kind === 'shell') {
    if (await leaveSignalsAlone(engine.context.signal)) await becomeAnother(engine, rest, sleep);
  }
  noteNext(engine, sleep);
  if (wakeUps.take()) return;
  await (rest.kind === 'listen' ? listen(engine, rest.cik, sleep) : nap(engine, sleep));
}

function nextSleep({ settings, identity, updateInterval_s }: Engine, end: TurnEnd): Sleep {
  const rhythm = {
    updateInterval_s,
    jitter_percent: settings['engine.jitter_percent'],
    activationRetry_s: settings['engine.activation_retry_interval'],
    serial: identity.serial,
  };
  return sleepAfter(end, rhythm, Math.random);
}

function restFor({ context, settings, cik }: Engine, end: TurnEnd, { sleep_s }: Sleep): Rest {
  const trial = trialToRun(context);
  if (trial !== undefined) return { kind: 'trial', trial };
  const mayListen = end.kind === 'complete' || (end.kind === 'budget' && end.mayCheckIn);
  if (settings['engine.push'] && mayListen && cik !== undefined) return { kind: 'listen', cik };
  const isLong = shouldHibernate(settings['engine.hibernate'], sleep_s, context.isTerminal);
  return canHibernate() && isLong ? { kind: 'shell' } : { kind: 'nap' };
}

/** Writes the plan and becomes the shell of this rest. A call that came meanwhile is answered by a new start at once. */
async function becomeAnother(
  engine: Engine,
  rest: Extract<Rest, { kind: 'trial' | 'shell' }>,
  sleep: Sleep,
): Promise<never> {
  const { executable, places } = engine.context;
  noteNext(engine, sleep);
  if (rest.kind === 'trial') return becomeTrial(rest.trial, places, engine.log);
  await nextTurn();
  return becomeSleepingShell(wakeUps.take() ? 0 : sleep.sleep_s, executable);
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
