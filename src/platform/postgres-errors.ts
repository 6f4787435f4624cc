/** What PostgreSQL, or the way to it, raises, as the error that leads to the right answer. Pure. */
import { asGweError, GweError } from '../errors.ts';
import { RETRY_AFTER_S } from './limits.ts';

/** Away, starting, stopping, standing by, without room, memory or connections, or a lock that could not be had: it passes. */
const PASSES = /^(08...|53...|57P0.|57014|25006|25P03|40P01|40001|55P03|E(?!RR_(TLS|SSL))[A-Z_]+)$/;
const LOST = /terminated|timeout|not queryable|ended/i;
const FULL = '53100';
/** It takes no writes: a standby, or what has become one. */
const READ_ONLY = '25006';

const HINTS: Readonly<Record<string, string>> = {
  [FULL]: 'Make room on the disk of PostgreSQL: the platform goes on by itself.',
  [READ_ONLY]: 'The address of --store must lead to the server that takes writes.',
};
const HINT = 'Look whether the server of --store answers, with the same address: psql ADDRESS -c "SELECT 1"';

const UNSURE = 'Cannot tell whether it is kept: no standby of PostgreSQL confirmed it';

/** What was raised, as `busy` (503: it passes), or as what it is. */
export function databaseError(thrown: unknown): GweError {
  if (thrown instanceof GweError) return thrown;
  const code = codeOf(thrown);
  const message = `Cannot use PostgreSQL: ${thrown instanceof Error ? thrown.message || code : String(thrown)}`;
  if (!PASSES.test(code) && !isLost(thrown, code)) return asGweError(thrown);
  const hint = HINTS[code] ?? HINT;
  return new GweError('busy', message, { cause: thrown, retryAfter_s: RETRY_AFTER_S, hint });
}

/** A deadlock, or a lock that was waited for too long: nothing of such a transaction was done. */
export const isClash = (thrown: unknown): boolean => ['40P01', '40001', '55P03'].includes(codeOf(thrown));

/** The server's disk is full. */
export const isFull = (thrown: unknown): boolean => codeOf(thrown) === FULL;

/** The connection leads nowhere, or to a server that is no longer the one that writes: it is not to be used again. */
export function isSpoilt(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === READ_ONLY || /^(08|57P)/.test(code) || isLost(thrown, code);
}

/** Whoever waits to be next would fare the same: the server is gone, or no standby confirms what it commits. */
export const meetsEverybody = (error: GweError): boolean => isSpoilt(error) || error.message === UNSURE;

/** Not committed on the standby in time: it is on this server, and may be gone after a failover. So it is not acknowledged. */
export function unsure(): GweError {
  return new GweError('busy', UNSURE, {
    retryAfter_s: RETRY_AFTER_S,
    hint: 'Look at the synchronous standby: pg_stat_replication on the primary.',
  });
}

/** A server that only follows another one would answer with what was. */
export function standby(): GweError {
  return new GweError('busy', 'Cannot use PostgreSQL: the server is a standby', {
    retryAfter_s: RETRY_AFTER_S,
    hint: HINTS[READ_ONLY] ?? HINT,
  });
}

function isLost(thrown: unknown, code: string): boolean {
  return code === '' && raisedIn(thrown) instanceof Error && LOST.test(String(raisedIn(thrown)));
}

function codeOf(thrown: unknown): string {
  const raised = raisedIn(thrown);
  return raised instanceof Error && 'code' in raised ? String(raised.code) : '';
}

const raisedIn = (thrown: unknown): unknown => (thrown instanceof GweError ? thrown.cause : thrown);
