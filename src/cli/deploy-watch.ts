/**
 * Waiting for what a gateway makes of a command: two long polls, one on `engine_fetch` (cleared = taken), one on
 * `fetch_status`; an outage of the platform is said once and lived with. What the words mean is deploy-outcome.ts's business.
 */
import { asGweError, GweError, systemCode } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { InstallCommand, Point } from './answers.ts';
import { type Standings, standingsAfter, startStandings, unended } from './deploy-outcome.ts';
import type { Operator } from './operator.ts';

export interface Watch {
  operator: Operator;
  product: string;
  serial: string;
  names: readonly string[];
  command: InstallCommand;
  timeout_s: number;
  clock: Clock;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** Told what happens, as it happens. */
  onTaken(): void;
  onStatus(text: string, standings: Standings): void;
  onTrouble(error: GweError): void;
}

/** A watch that goes on: both followers end with `over`, and tell of one outage once. */
interface Following extends Watch {
  over: AbortSignal;
  outage: { said: boolean };
}

/** How long the platform may hold one call. */
const HOLD_S = 25;
/** After a failed call, doubling up to the second one. */
const RETRY_FIRST_MS = 1000;
const RETRY_LONGEST_MS = 15_000;
/** A platform that does not hold calls is not asked more often than this. */
const LEAST_PAUSE_MS = 1000;

/**
 * Resolves with the standings when every tarball has ended. Raises `timeout` after `timeout_s`, `stopped` when the signal
 * is aborted, `changed` when another command took this one's place before the gateway took it.
 */
export async function watchCommand(watch: Watch): Promise<Standings> {
  const ended = new AbortController();
  const over = AbortSignal.any([watch.signal, ended.signal]);
  const following = { ...watch, over, outage: { said: false } };
  const timer = watch.clock.sleep(watch.timeout_s * 1000, over).then(
    () => {
      throw timedOut(watch);
    },
    () => never(),
  );
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(stoppedWaiting(watch.serial));
    if (watch.signal.aborted) stop();
    else watch.signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([followStatus(following), followCommand(following), timer, stopped]);
  } finally {
    ended.abort();
  }
}

async function followStatus(watch: Following): Promise<Standings> {
  let standings = startStandings(watch.names);
  for await (const point of pointsAfter(watch, 'fetch_status', watch.command.since)) {
    standings = standingsAfter(standings, point.value);
    watch.onStatus(point.value, standings);
    if (unended(standings).length === 0) return standings;
  }
  return never();
}

/** Tells when the command is taken; settles only by raising that it was replaced. */
async function followCommand(watch: Following): Promise<never> {
  const { operator, product, serial, command } = watch;
  const port = await persistently(watch, () =>
    operator.read(product, serial, 'engine_fetch', { points: 1 }, watch.over),
  );
  if (port.value === command.text) {
    for await (const point of pointsAfter(watch, 'engine_fetch', port.points[0]?.id ?? 0)) {
      if (point.value === command.text) continue;
      return settle(watch, point.value);
    }
  }
  return settle(watch, port.value);
}

function settle(watch: Watch, value: string): Promise<never> {
  if (value !== '') throw replaced(watch.serial);
  watch.onTaken();
  return never();
}

/** Points of a dataport after point `since`, in order, as they come; ends only when the signal is aborted. */
async function* pointsAfter(watch: Following, alias: string, since: number): AsyncGenerator<Point, void> {
  let last = since;
  while (!watch.over.aborted) {
    const asked_ms = watch.clock.monotonic();
    const port = await persistently(watch, () =>
      watch.operator.read(watch.product, watch.serial, alias, { since: last, wait_s: HOLD_S }, watch.over),
    );
    for (const point of port.points) {
      last = Math.max(last, point.id);
      yield point;
    }
    const held = watch.clock.monotonic() - asked_ms >= LEAST_PAUSE_MS;
    if (port.points.length === 0 && !held) await pause(watch, LEAST_PAUSE_MS);
  }
}

/** Makes a call until it succeeds; trouble that may pass is told and waited out, any other is raised. */
async function persistently<T>(watch: Following, call: () => Promise<T>): Promise<T> {
  for (let pause_ms = RETRY_FIRST_MS; ; pause_ms = Math.min(2 * pause_ms, RETRY_LONGEST_MS)) {
    try {
      const answer = await call();
      watch.outage.said = false;
      return answer;
    } catch (thrown) {
      if (watch.over.aborted) return never();
      const error = asGweError(thrown);
      if (!['offline', 'dns', 'timeout', 'busy'].includes(error.code)) throw error;
      if (!watch.outage.said) watch.onTrouble(error);
      watch.outage.said = true;
      await pause(watch, pause_ms);
    }
  }
}

async function pause(watch: Following, pause_ms: number): Promise<void> {
  try {
    await watch.clock.sleep(pause_ms, watch.over);
  } catch (error) {
    if (systemCode(error) === 'ABORT_ERR' || watch.over.aborted) return never();
    throw error;
  }
}

/** For a follower whose race is over. */
function never(): Promise<never> {
  return new Promise(() => {});
}

function timedOut(watch: Watch): GweError {
  return new GweError(
    'timeout',
    `Cannot tell how the deploy ends: nothing final within ${watch.timeout_s} s`,
    {
      hint: `The command stays with gateway ${watch.serial}. See: gwe read ${watch.serial} fetch_status`,
    },
  );
}

function stoppedWaiting(serial: string): GweError {
  return new GweError('stopped', 'Stopped waiting; nothing is taken back', {
    hint: `The command stays with gateway ${serial}. See: gwe read ${serial} fetch_status`,
  });
}

function replaced(serial: string): GweError {
  return new GweError(
    'changed',
    `Cannot follow the command: another one took its place before ${serial} came for it`,
    { hint: `Someone else deploys to it. See: gwe read ${serial} engine_fetch` },
  );
}
