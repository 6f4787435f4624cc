/** What a gateway says while it carries out a command, read by rule. Pure; deploy-watch.ts does the waiting. */
import { formatDuration } from '../reports/sizes.ts';
import type { Gateway } from './answers.ts';
import { agoInWords } from './words.ts';

/** Where one tarball of a command stands. `waiting` is not an end: the gateway tries again by itself. */
export type Standing = 'pending' | 'waiting' | 'installed' | 'discarded' | 'failed' | 'gone';

const ENDS: readonly Standing[] = ['installed', 'discarded', 'failed', 'gone'];
const SAID: readonly Standing[] = [...ENDS, 'waiting'];

/** Each tarball of a command with where it stands. */
export type Standings = ReadonlyMap<string, Standing>;

/** All tarballs of a new command. */
export function startStandings(names: readonly string[]): Standings {
  return new Map(names.map((name) => [name, 'pending']));
}

/**
 * The standings after one value of `fetch_status`: its first line is `NAME: OUTCOME …`, what follows is the output of
 * install.sh and may say anything. What ended stays as it ended.
 */
export function standingsAfter(standings: Standings, fetchStatus: string): Standings {
  const [firstLine = ''] = fetchStatus.split('\n', 1);
  for (const [name, standing] of standings) {
    if (ENDS.includes(standing) || !firstLine.startsWith(`${name}: `)) continue;
    const said = firstLine.slice(name.length + 2).match(/^[a-z]+/)?.[0];
    const next = SAID.find((each) => each === said);
    if (next !== undefined) return new Map(standings).set(name, next);
  }
  return standings;
}

/** The tarballs that have not ended. */
export function unended(standings: Standings): string[] {
  return [...standings].flatMap(([name, standing]) => (ENDS.includes(standing) ? [] : [name]));
}

/** The exit status of a command all of whose tarballs ended: 0 all installed, else 3. */
export function exitOfDeploy(standings: Standings): number {
  return [...standings.values()].every((standing) => standing === 'installed') ? 0 : 3;
}

/** When a gateway will look for the command, as far as the platform can tell. */
export function nextCheckInWords(gateway: Gateway, now_ms: number): string {
  const { serial, lastSeen_ms, updateInterval_s } = gateway;
  if (lastSeen_ms === 0) return `${serial} was never seen; it takes the command at its first check-in`;
  const seen = `last seen ${agoInWords(lastSeen_ms, now_ms)}`;
  if (updateInterval_s === undefined) return `waiting for the next check-in of ${serial} (${seen})`;
  const due_ms = lastSeen_ms + updateInterval_s * 1000 - now_ms;
  if (due_ms >= 0) return `next check-in of ${serial} in about ${formatDuration(due_ms)} (${seen})`;
  if (-due_ms < Math.max(60, updateInterval_s) * 1000) return `${serial} is about to check in (${seen})`;
  return `${serial} should have checked in ${formatDuration(-due_ms)} ago (${seen}): is it on, and on the network?`;
}
