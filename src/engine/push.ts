/**
 * Push: in place of sleeping, gwe holds one long poll on engine_fetch ("One Platform device API: read", Request-Timeout), so
 * that a command reaches it at once. What is done about the command is the next turn's business, as after any sleep.
 */
import type { DeviceClient } from '../client/client.ts';
import { asGweError, type GweError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { backoff_s } from './schedule.ts';

/** How long the platform is asked to hold a poll: what it allows. */
const POLL_MS = 300_000;
/** A poll that ends sooner without news was not held: the server doesn't know long polls, or something between is in the way. */
export const HELD_MIN_MS = 1_000;
/** No two polls are closer than this, whatever the platform answers. */
export const POLL_GAP_MS = 1_000;

export interface PushLink {
  client: Pick<DeviceClient, 'timestamp' | 'read' | 'longPoll'>;
  cik: string;
  clock: Clock;
  log: Log;
  /** No backoff grows beyond it. */
  updateInterval_s: number;
  random: () => number;
}

/** What is remembered from one rest to the next, in memory. */
export interface PushMemory {
  /** The command that last ended a rest; '' once it was seen to be cleared. Found again unchanged, it is no news. */
  seen: string;
  /** When the last poll began, on the monotonic clock. */
  last_ms: number;
}

export function newPushMemory(): PushMemory {
  return { seen: '', last_ms: Number.NEGATIVE_INFINITY };
}

/** What the end of a poll means: a command, a poll that was held and brought nothing, or one that was not held. */
export type PollEnd = 'news' | 'held' | 'not-held';

/** Pure. A command that is there at once and was already seen is none; one that came while the poll was held is, whatever its text. */
export function pollEnd(value: string, held_ms: number, seen: string): PollEnd {
  const wasHeld = held_ms >= HELD_MIN_MS;
  if (value !== '' && (wasHeld || value !== seen)) return 'news';
  return wasHeld ? 'held' : 'not-held';
}

/**
 * Resolves when there is a command, when `duration_ms` is over, when `signal` is aborted, or when the platform refuses the
 * key; never rejects. Polls that fail or are not held come ever more rarely.
 */
export async function waitForPush(
  link: PushLink,
  memory: PushMemory,
  duration_ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = link;
  const until_ms = clock.monotonic() + duration_ms;
  const left_ms = () => until_ms - clock.monotonic();
  let failures = 0;
  let wait_ms = 0;
  while (left_ms() > 0 && !signal.aborted) {
    const gap_ms = memory.last_ms + POLL_GAP_MS - clock.monotonic();
    await pause(clock, Math.min(Math.max(wait_ms, gap_ms), left_ms()), signal);
    if (signal.aborted || left_ms() <= 0) return;
    memory.last_ms = clock.monotonic();
    const end = await poll(link, memory, Math.min(POLL_MS, left_ms()), signal).catch(asGweError);
    if (signal.aborted || end === 'news' || isRefusal(end)) return;
    failures = end === 'held' ? 0 : failures + 1;
    wait_ms =
      failures === 0 ? 0 : 1000 * backoff_s(failures, link.updateInterval_s, retryAfter(end), link.random());
    if (end !== 'held') {
      const why = end === 'not-held' ? 'the platform did not hold the poll' : end.message;
      log.debug(`Push: ${why}; again in ${wait_ms / 1000} s`);
    }
  }
}

/**
 * One poll. What was written between the last look and this one is not lost: the platform's own time is taken first, then
 * the value is read, and the poll counts what was written since that second.
 */
async function poll(
  { client, cik, clock }: PushLink,
  memory: PushMemory,
  timeout_ms: number,
  signal: AbortSignal,
): Promise<PollEnd> {
  const since_s = await client.timestamp();
  const value = (await client.read(cik, ['engine_fetch']))['engine_fetch'] ?? '';
  if (value === '') memory.seen = '';
  let end = value === memory.seen ? undefined : pollEnd(value, 0, memory.seen);
  let text = value;
  if (end !== 'news') {
    const began_ms = clock.monotonic();
    const written = await client.longPoll(cik, 'engine_fetch', { timeout_ms, since_s, signal });
    text = written?.value ?? '';
    end = pollEnd(text, clock.monotonic() - began_ms, memory.seen);
    // A poll that was asked to be short was held if it took that long.
    if (end === 'not-held' && written === undefined && timeout_ms < HELD_MIN_MS) end = 'held';
  }
  if (end === 'news') memory.seen = text;
  return end;
}

const isRefusal = (end: PollEnd | GweError): boolean =>
  typeof end !== 'string' && (end.code === 'unauthorized' || end.code === 'stopped');

const retryAfter = (end: PollEnd | GweError): number | undefined =>
  typeof end === 'string' ? undefined : end.retryAfter_s;

async function pause(clock: Clock, wait_ms: number, signal: AbortSignal): Promise<void> {
  if (wait_ms <= 0) return;
  await clock.sleep(wait_ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
