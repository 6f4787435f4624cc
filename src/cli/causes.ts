/**
 * Which causes hold on a gateway: pure, from its state to a list, the most pressing first. Here: the gateway itself and its
 * way to the platform; what becomes of each tarball is in install-causes.ts.
 */
import type { EngineState } from '../engine/state.ts';
import type { ErrorCode } from '../errors.ts';
import { formatDuration } from '../reports/sizes.ts';
import { CAUSE_CODES, type Cause, type CauseCode, causeOf } from './cause-table.ts';
import { type GatewayState, nextAttempt } from './gateway-state.ts';
import { installCauses } from './install-causes.ts';

/** A check-in may begin so much later than planned (jitter of timers, a long install before it) before it is overdue. */
const OVERDUE_MS = 10 * 60_000;
/** A clock may be so far behind a time that was seen before it is called wrong. */
const CLOCK_TOLERANCE_MS = 60_000;

/** All causes that hold. When none of them blocks, all that this gateway knows of is done. */
export function causes(state: GatewayState): Cause[] {
  const found = [
    ...machineCauses(state),
    ...checkInCauses(state),
    ...installCauses(state),
    ...remarks(state),
  ];
  return found.toSorted((a, b) => CAUSE_CODES.indexOf(a.code) - CAUSE_CODES.indexOf(b.code));
}

function machineCauses(state: GatewayState): Cause[] {
  const found = state.problems.map(({ code, message, hint }) =>
    causeOf(problemCode(code), { what: message, ...(hint === undefined ? {} : { todo: hint }) }),
  );
  if (state.engine_pid === undefined) found.push(causeOf('not-running', { what: notRunning(state) }));
  const floor_ms = state.engine?.timeFloor_ms;
  if (floor_ms !== undefined && state.now_ms < floor_ms - CLOCK_TOLERANCE_MS) {
    found.push(
      causeOf('clock-behind', {
        what: `The clock shows ${time(state.now_ms)}, but it was ${time(floor_ms)} before: certificates may look not yet valid.`,
      }),
    );
  }
  return found;
}

function problemCode(code: ErrorCode): CauseCode {
  if (code === 'identity') return 'no-identity';
  return code === 'config' || code === 'malformed' ? 'bad-config' : 'bad-state';
}

function notRunning({ engine, now_ms }: GatewayState): string {
  const last_ms = engine?.lastCheckIn?.time_ms;
  if (last_ms === undefined) return 'No engine runs, and none has checked in yet.';
  return `No engine runs; the last check-in was ${formatDuration(now_ms - last_ms)} ago.`;
}

/** Why the last check-in failed, by the code of its error. */
const CHECK_IN_CAUSES: Readonly<Partial<Record<ErrorCode, CauseCode>>> = {
  dns: 'dns',
  offline: 'offline',
  timeout: 'timeout',
  tls: 'tls',
  clock: 'tls-clock',
  busy: 'busy',
  unauthorized: 'unauthorized',
  conflict: 'not-enabled',
  'not-found': 'unknown',
  'disk-full': 'waiting-for-disk',
  budget: 'data-budget',
  io: 'machine-trouble',
  internal: 'machine-trouble',
  layout: 'bad-state',
  config: 'bad-config',
  identity: 'no-identity',
};

function checkInCauses(state: GatewayState): Cause[] {
  const { engine } = state;
  if (engine === undefined) return state.engine_pid === undefined ? [] : [causeOf('first-check-in')];
  const last = engine.lastCheckIn;
  if (last === undefined) return state.engine_pid === undefined ? [] : [causeOf('first-check-in')];
  const waiting = nextCauses(state, engine);
  if (last.ok || last.code === 'stopped') return waiting;
  const code = CHECK_IN_CAUSES[last.code ?? 'internal'] ?? 'platform-refuses';
  const failures =
    engine.consecutiveFailures > 1 ? ` ${engine.consecutiveFailures} attempts in a row failed.` : '';
  const what = `${sentence(last.message ?? 'The last check-in failed')}${failures}${since(engine, state.now_ms)}`;
  return [causeOf(code, { what, ...nextAttempt(state) }), ...waiting];
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

function since({ lastComplete_ms }: EngineState, now_ms: number): string {
  if (lastComplete_ms === undefined) return ' No check-in was ever complete.';
  return ` The last complete check-in was ${formatDuration(now_ms - lastComplete_ms)} ago.`;
}

function nextCauses(state: GatewayState, engine: EngineState): Cause[] {
  if (engine.next === undefined || state.engine_pid === undefined) return [];
  const { time_ms, reason } = engine.next;
  const left_ms = time_ms - state.now_ms;
  const isBusy = state.instructions.some(({ items }) => items.some(({ phase }) => phase !== 'ended'));
  if (left_ms < -OVERDUE_MS && !isBusy) {
    return [
      causeOf('overdue', { what: `The next check-in should have been ${formatDuration(-left_ms)} ago.` }),
    ];
  }
  if (left_ms <= 0) return [];
  const at = `The next attempt is at ${time(time_ms)}, in ${formatDuration(left_ms)}.`;
  if (reason === 'backoff')
    return [causeOf('backing-off', { what: `The last check-in failed. ${at}`, ...nextAttempt(state) })];
  if (reason === 'activation') return [causeOf('activation-retry', { what: at, ...nextAttempt(state) })];
  return [
    causeOf('interval-not-over', {
      what: `What was written to this gateway since its last check-in is seen at the next one: at ${time(time_ms)}, in ${formatDuration(left_ms)}.`,
      ...nextAttempt(state),
    }),
  ];
}

function remarks(state: GatewayState): Cause[] {
  const found: Cause[] = [];
  const { engine } = state;
  if (engine?.supervisor?.ok === false) {
    const what = engine.supervisor.message;
    found.push(causeOf('no-supervisord', what === undefined ? {} : { what }));
  }
  if (engine?.lastMalformed !== undefined && engine.lastMalformed.time_ms >= lastUnderstood_ms(state)) {
    const { text, time_ms } = engine.lastMalformed;
    found.push(causeOf('malformed-instruction', { what: `${text} (${time(time_ms)})` }));
  }
  if (state.isTrial) found.push(causeOf('self-update-trial', nextAttempt(state)));
  if (state.waitingReports > 0) {
    found.push(
      causeOf('reports-waiting', {
        what: `${state.waitingReports} reports wait to be sent; they are kept in order.`,
        ...nextAttempt(state),
      }),
    );
  }
  return [...found, ...state.damaged.map((id) => causeOf('journal-damaged', { subject: id }))];
}

/** When an instruction was last understood or something of one ended. */
function lastUnderstood_ms({ apps, instructions }: GatewayState): number {
  return Math.max(
    0,
    ...apps.map(({ last, good }) => Math.max(last?.time_ms ?? 0, good?.installed_ms ?? 0)),
    ...instructions.map(({ received_ms }) => received_ms),
  );
}

/** A time as it is shown: UTC, to the second. */
export function time(time_ms: number): string {
  return new Date(time_ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
