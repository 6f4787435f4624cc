/** The book of bytes: what the client counted, kept in usage.json between two wake-ups, told in usage_report. */
import type { Places } from '../config/places.ts';
import type { Clock } from '../host/clock.ts';
import { readIfThere, writeDurably, writeWhole } from '../host/files.ts';
import { attempt, type Log } from '../host/log.ts';
import {
  addTraffic,
  emptyUsage,
  readUsage,
  type Traffic,
  type Usage,
  usageReport,
} from '../reports/usage.ts';

export interface UsageBook {
  add(traffic: Traffic): void;
  current(): Usage;
  /** The text of usage_report. */
  report(): string;
  /**
   * Writes usage.json, if anything was counted; a disk that refuses is said in the log. A power cut just after it may cost
   * what was counted last, unless something is kept beside the counts that others rely on.
   */
  save(log: Log): void;
  /** Writes it whether or not, because what is kept beside the counts has changed. */
  saveNow(log: Log): void;
}

/**
 * Opens the book; a file that cannot be read starts a new one. What `beside` gives is kept in the same file: one more
 * would be one more to sync at each check-in.
 */
export function openUsageBook(places: Places, clock: Clock, beside?: () => object): UsageBook {
  let usage: Usage | undefined;
  let changed = false;
  const current = () => (usage ??= readUsage(readIfThere(places.usage)) ?? emptyUsage());
  return {
    add(traffic) {
      usage = addTraffic(current(), traffic, clock.now());
      changed = true;
    },
    current,
    report: () => usageReport(current(), clock.now()),
    save(log) {
      if (!changed) return;
      const write = beside === undefined ? writeWhole : writeDurably;
      attempt(log, () => write(places.usage, JSON.stringify({ ...usage, ...beside?.() })));
      changed = false;
    },
    saveNow(log) {
      attempt(log, () => writeDurably(places.usage, JSON.stringify({ ...current(), ...beside?.() })));
      // It holds what is only about to be true.
      changed = true;
    },
  };
}
