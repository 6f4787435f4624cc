/** What a rollout says about itself and its gateways, in words: on the page, in `gwe rollout` and in `gwe why` the same. Pure. */
import type { Member, Window } from './rollout-types.ts';

const SECOND_MS = 1000;
const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [SECOND_MS, 's'],
] as const;

/** A duration in its two greatest units: `2 d 3 h`, `4 min`. */
export function durationText(duration_ms: number): string {
  const whole_ms = Math.max(0, Math.round(duration_ms / SECOND_MS) * SECOND_MS);
  const first = UNITS.findIndex(([unit_ms]) => whole_ms >= unit_ms);
  if (first < 0) return '0 s';
  let left_ms = whole_ms;
  const parts = UNITS.slice(first, first + 2).map(([unit_ms, name]) => {
    const count = Math.floor(left_ms / unit_ms);
    left_ms -= count * unit_ms;
    return [count, name] as const;
  });
  return parts.flatMap(([count, name]) => (count > 0 ? [`${count} ${name}`] : [])).join(' ');
}

export function timeText(time_ms: number): string {
  return `${new Date(time_ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `1 gateway`, `7 gateways`. */
export function gatewaysText(count: number): string {
  return count === 1 ? '1 gateway' : `${count} gateways`;
}

export function silentWhy(member: Member, lastSeen_ms: number, now_ms: number): string {
  const silence = durationText(now_ms - lastSeen_ms);
  if (member.success_ms === 0) return `It took the command, and was not seen for ${silence} since.`;
  const after = Math.max(0, lastSeen_ms - member.success_ms);
  return `It fell silent ${durationText(after)} after it reported success: not seen for ${silence}.`;
}

export function programWhy(program: { name: string; status: string; exitStatus: number }): string {
  const status = program.status === 'EXITED' ? `EXITED with ${program.exitStatus}` : program.status;
  return `It reported success, but its program ${program.name} is ${status}.`;
}

export function stalledWhy(member: Member, now_ms: number): string {
  return `It took the command ${durationText(now_ms - member.since_ms)} ago, and did not say how it ended.`;
}

export interface BadCounts {
  failed: number;
  silent: number;
  unhealthy: number;
  /** Those that said how it ended, well or not. */
  judged: number;
  limit_percent: number;
  /** One of them, and why. */
  example: { serial: string; why: string } | undefined;
}

/** Why a rollout paused by itself. */
export function pauseText({ failed, silent, unhealthy, judged, limit_percent, example }: BadCounts): string {
  const parts = [
    failed > 0 ? `${failed} failed` : '',
    silent > 0 ? `${silent} fell silent after ${silent === 1 ? 'it' : 'they'} took it` : '',
    unhealthy > 0 ? `${unhealthy} became unhealthy after success` : '',
  ].filter((part) => part !== '');
  const share = Math.round((1000 * (failed + silent + unhealthy)) / Math.max(1, judged)) / 10;
  const shown = example === undefined ? '' : ` For instance ${example.serial}: ${endSentence(example.why)}`;
  return `Paused by itself: of ${gatewaysText(judged)} that took it and ended, ${listText(parts)} (${share} %, the limit is ${limit_percent} %).${shown}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listText(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** What a gateway said may end without a full stop; another sentence may follow. */
export function endSentence(text: string): string {
  return text === '' || /[.!?…]$/.test(text) ? text : `${text}.`;
}

export function unreachedText(stage: number, left: number): string {
  return `Paused by itself: none of the ${gatewaysText(left)} up to stage ${stage + 1} was reached in time, so nothing is known of this version yet.`;
}

export function windowText({ from, to, days }: Window): string {
  const names = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
  const on = days === undefined ? '' : ` on ${listText(days.map((day) => names[day] ?? ''))}`;
  return `${from} to ${to}${on}`;
}
