/** What stands between a gateway and what it was told, in sentences for a person: on the page and in "gwe why SERIAL". Pure. */
import { expectedAt } from './fleet-condition.ts';
import type { FleetGateway, InstallEnd } from './fleet-store.ts';
import { namesInInstruction } from './reported.ts';
import type { Dataport } from './store.ts';

export interface Wait {
  code: 'activation' | 'check-in' | 'overdue' | 'install' | 'interval' | 'failed' | 'rollout';
  text: string;
  /** What a person should do about it. */
  todo: string;
  since: number;
  /** When it is expected to change. */
  expected?: number;
  rollout?: number;
}

/** What is known about a gateway when one asks what it waits for. */
export interface Standing {
  gateway: FleetGateway;
  /** What lies in the two dataports by which it is told; empty or missing when it has taken everything. */
  engineFetch: Dataport | undefined;
  updateInterval: Dataport | undefined;
  /** The instruction that was cleared last, and when. */
  taken: { names: readonly string[]; time_ms: number } | undefined;
  lastEnd: InstallEnd | undefined;
  /** What it waits for as a part of rollouts. */
  rollouts: readonly Wait[];
}

/** What to do, by code; a rollout has its own words. */
const REMEDIES: Readonly<Record<Exclude<Wait['code'], 'rollout'>, string>> = {
  activation: 'Start gwe on it with its product and serial, or let it activate: gwe gateway enable SERIAL',
  'check-in': 'Wait; or on the gateway, to check in at once: gwe --check-now',
  overdue: 'See whether it has power and a connection; it goes on by itself when it is back',
  install: 'Wait; on the gateway itself "gwe why" tells the step that it is at',
  interval: 'Wait; or on the gateway, to check in at once: gwe --check-now',
  failed: 'Read its fetch_status, upload a corrected version, and deploy that',
};

/** What it waits for, the most telling first; nothing when it is as it was told to be. */
export function waitsFor(standing: Standing): Wait[] {
  const { gateway, lastEnd } = standing;
  const { rollouts } = standing;
  if (gateway.state !== 'activated') return [activation(gateway), ...told(standing), ...rollouts];
  const isFailed = lastEnd !== undefined && !['installed', 'waiting'].includes(lastEnd.outcome);
  return [
    ...overdue(gateway),
    ...told(standing),
    ...underWay(standing),
    ...(isFailed ? [failure(lastEnd)] : []),
    ...rollouts,
  ];
}

function activation({ state, created_ms, serial }: FleetGateway): Wait {
  const text =
    state === 'enabled'
      ? `It was never activated: gwe must run on it with this product and the serial ${serial}.`
      : 'It may not activate: enable it first.';
  return { code: 'activation', text, todo: REMEDIES.activation, since: created_ms };
}

function overdue(gateway: FleetGateway): Wait[] {
  const { condition, lastSeen_ms, interval_s } = gateway;
  if (condition !== 'late' && condition !== 'lost') return [];
  const since = expectedAt(lastSeen_ms, interval_s) ?? 0;
  const text =
    condition === 'late'
      ? 'It should have checked in: it is late.'
      : 'It has missed several check-ins: it is off, or has no connection.';
  return [{ code: 'overdue', text, todo: REMEDIES.overdue, since }];
}

function told({ gateway, engineFetch, updateInterval }: Standing): Wait[] {
  const next_ms = expectedAt(gateway.lastSeen_ms, gateway.interval_s);
  const expected = next_ms === undefined ? {} : { expected: next_ms };
  const waits: Wait[] = [];
  if (engineFetch !== undefined && engineFetch.value !== '') {
    const names = namesInInstruction(engineFetch.value).join(', ') || 'something that is no instruction';
    const text = `It was told to install ${names}, and takes that at its next check-in.`;
    waits.push({
      code: 'check-in',
      text,
      todo: REMEDIES['check-in'],
      since: engineFetch.updated_ms,
      ...expected,
    });
  }
  if (updateInterval !== undefined && updateInterval.value !== '') {
    const text = `It was told to check in every ${updateInterval.value} s, and takes that at its next check-in.`;
    waits.push({
      code: 'interval',
      text,
      todo: REMEDIES.interval,
      since: updateInterval.updated_ms,
      ...expected,
    });
  }
  return waits;
}

/** It has taken an instruction and has not told yet how it ended. */
function underWay({ taken, lastEnd }: Standing): Wait[] {
  if (taken === undefined) return [];
  const said = lastEnd !== undefined && lastEnd.time_ms >= taken.time_ms ? lastEnd : undefined;
  if (said !== undefined && said.outcome !== 'waiting') return [];
  const names = taken.names.join(', ') || 'the instruction';
  const isHeld = `${said?.name} waits, for room on its disk or for its data budget; its fetch_status says for what`;
  const text = `It has taken ${names}, and ${said === undefined ? 'has not told yet how that ended' : isHeld}.`;
  return [{ code: 'install', text, todo: REMEDIES.install, since: taken.time_ms }];
}

function failure({ name, outcome, time_ms }: InstallEnd): Wait {
  const text = `Its last install did not succeed: ${name} was ${WORDS[outcome] ?? outcome}; see fetch_status.`;
  return { code: 'failed', text, todo: REMEDIES.failed, since: time_ms };
}

const WORDS: Readonly<Record<string, string>> = {
  gone: 'no longer in the Content Area',
  failed: 'tried and failed',
};
