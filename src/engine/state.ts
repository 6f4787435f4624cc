/**
 * engine.json: what the engine knows between two check-ins, and what `gwe status` and `gwe why` read. Written once a
 * turn. A file of a newer layout that this version does not know is refused, not damaged.
 */
import { type ErrorCode, GweError } from '../errors.ts';
import { makeFolder, readIfThere, writeDurably, writeWhole } from '../host/files.ts';
import type { InstallEnd } from '../reports/ends.ts';
import type { SentReports } from './report-detail.ts';
import type { SleepReason } from './schedule.ts';

/** Layout of the state folder that this version writes. It reads this one and the one before. */
export const STATE_LAYOUT = 1;

export interface EngineState {
  layout: number;
  version: string;
  serial: string;
  platform: string;
  started_ms: number;
  updateInterval_s: number;
  consecutiveFailures: number;
  lastCheckIn?: { time_ms: number; ok: boolean; code?: ErrorCode; message?: string };
  /** When a check-in was last complete. */
  lastComplete_ms?: number;
  next?: { time_ms: number; reason: SleepReason };
  /** What was last found at supervisord's socket; said in the log when it changes. */
  supervisor?: { ok: boolean; message?: string };
  lastMalformed?: { time_ms: number; text: string };
  /** Malformed values that were answered, but whose clearing the platform has not acknowledged yet: names of the answers, by alias. */
  refused?: Record<string, string>;
  /** The latest wall clock time that was ever seen: a clock behind it is wrong. */
  timeFloor_ms?: number;
  /** When usage was last put aside during an outage. */
  lastUsageKept_ms?: number;
  /** With reports.detail = changed: what of the reports went out in full. */
  sentReports?: SentReports | undefined;
  /** How the last install of each application ended, newest last; for `gwe why` alone. */
  lastEnds?: readonly KeptEnd[];
}

/** What is kept of an install's end. */
export type KeptEnd = Omit<InstallEnd, 'output'>;

/** Ends of more applications than this are not kept. */
export const LAST_ENDS_MAX = 50;

/** `ends` with one more: it takes the place of the former one of its application. Pure. */
export function withEnd(
  ends: readonly KeptEnd[] = [],
  { output: _, ...end }: InstallEnd,
): readonly KeptEnd[] {
  const key = ({ app, name }: KeptEnd) => app || name;
  return [...ends.filter((each) => key(each) !== key(end)), end].slice(-LAST_ENDS_MAX);
}

/**
 * The state at `path`; of a missing or unreadable file, a fresh one (nothing in it is needed to lose no command: that
 * lies in the journal). Raises `layout` when a later gwe wrote it.
 */
export function loadEngineState(path: string, fresh: EngineState): EngineState {
  const text = readIfThere(path);
  if (text === undefined) return fresh;
  const value = parseState(text);
  if (value === undefined) return fresh;
  if (value.layout > STATE_LAYOUT + 1) {
    throw new GweError(
      'layout',
      `Cannot use ${path}: it has layout ${value.layout}, this version knows up to ${STATE_LAYOUT}`,
      {
        hint: 'A later gwe wrote it. Install that version again, or move the state folder away.',
      },
    );
  }
  const { version, serial, platform, started_ms, updateInterval_s } = fresh;
  return {
    ...fresh,
    ...value,
    layout: STATE_LAYOUT,
    version,
    serial,
    platform,
    started_ms,
    updateInterval_s,
  };
}

/** The state as another process reads it, or `undefined` when there is none that can be read. */
export function readEngineState(path: string): EngineState | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : parseState(text);
}

/**
 * Replaces engine.json. After a power cut the one before may be back, which is as if the power had gone a moment earlier,
 * unless it was written `durably`: what keeps an answer from being given twice. Raises what node:fs raises.
 */
export function saveEngineState(path: string, folder: string, state: EngineState, how?: 'durably'): void {
  makeFolder(folder);
  const write = how === 'durably' ? writeDurably : writeWhole;
  write(path, `${JSON.stringify(state)}\n`);
}

function parseState(text: string): EngineState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('layout' in value)) return undefined;
    return typeof value.layout === 'number' ? (value as EngineState) : undefined;
  } catch {
    return undefined;
  }
}
