/**
 * Hibernation: between two check-ins gwe becomes a sleeping shell of some 2 MB that keeps the process id, and that becomes
 * gwe again. supervisord sees one program that runs all the time; nothing of ours stays in memory. When to sleep is up
 * to schedule.ts.
 */

import type { Settings } from '../config/settings.ts';
import { GweError } from '../errors.ts';

/** Shorter sleeps are not worth a new start of gwe. */
export const HIBERNATE_MIN_SLEEP_S = 10;

/**
 * What the shell does: $1 is how many seconds to sleep, the rest is the command to become. TERM and INT end it at once
 * and leave no `sleep` behind (status 143, as the signal itself would); WINCH and HUP wake it. The streams of `sleep`
 * lie on /dev/null so that it does not hold a pipe of supervisord open.
 *
 * A call that comes before the shell waits must not be slept over, so that waking is ending the `sleep`; and by KILL, for
 * a child that was forked this instant still has the shell's own handlers for the rest.
 */
export const SLEEPING_LINE = [
  `gwe_woken=; trap 'kill -9 $! 2>/dev/null; exit 143' TERM INT; trap 'gwe_woken=1; kill -9 $! 2>/dev/null' WINCH HUP`,
  'sleep "$1" </dev/null >/dev/null 2>&1 & [ -z "$gwe_woken" ] || kill -9 $!; { wait $! || wait $!; } 2>/dev/null',
  'trap - TERM INT; shift; exec "$@"',
].join('\n');

/** Whether to hibernate for a sleep of `sleep_s`: not when a person looks on, nor for a nap, unless told so. */
export function shouldHibernate(
  setting: Settings['engine.hibernate'],
  sleep_s: number,
  onTerminal: boolean,
): boolean {
  if (setting !== 'auto') return setting === 'on';
  return sleep_s >= HIBERNATE_MIN_SLEEP_S && !onTerminal;
}

/** Whether this Node.js can become another program. */
export const canHibernate = (): boolean => typeof process.execve === 'function';

/**
 * The last look at TERM and INT: returns false when `stop` is aborted, by one that came while the disk was busy too;
 * otherwise gwe listens to them no more, and they end it by themselves from now on. Whoever gets true becomes a shell.
 *
 * A signal that comes between the last look and the end of listening is lost. That is some microseconds, and nothing that
 * can be seen from outside happens just before them: so this comes before the plan for the next check-in is written.
 */
export async function leaveSignalsAlone(stop: AbortSignal): Promise<boolean> {
  // The event loop may be past its look at signals in this turn, but not in the one after it.
  await nextTurn();
  return new Promise((resolve) => {
    setImmediate(() => {
      if (!stop.aborted) {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(signal);
      }
      resolve(!stop.aborted);
    });
  });
}

/** Resolves in the next turn of the event loop, which looks for signals on its way. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Becomes the sleeping shell, after `leaveSignalsAlone`. Everything must be on disk and every connection closed. `command` is
 * how to run gwe again.
 */
export function becomeSleepingShell(sleep_s: number, command: readonly string[]): never {
  return becomeShell([SLEEPING_LINE, 'gwe', String(Math.max(0, sleep_s)), ...command]);
}

/** Becomes `sh -c ARGS…`, after `leaveSignalsAlone`: keeps process id, environment and standard streams. */
export function becomeShell(args: readonly string[]): never {
  for (const signal of ['SIGHUP', 'SIGWINCH'] as const) process.removeAllListeners(signal);
  if (process.execve === undefined)
    throw new GweError('internal', 'Cannot hibernate: this Node.js has no execve');
  return process.execve('/bin/sh', ['sh', '-c', ...args], { ...process.env } as NodeJS.Dict<string>);
}
