/**
 * The audit trail as a chain: each record carries the hash of the one before, so none can be changed, taken out or put in
 * without all later hashes being wrong. Whoever has noted the newest hash elsewhere also sees when the end was cut off.
 * Pure; the records are kept by the store.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry, AuditRecord } from './fleet-store.ts';

/** What the first record follows. */
export const CHAIN_START = '0'.repeat(64);

/** The record that follows one with this number and hash. */
export function chained(entry: AuditEntry, last: { seq: number; hash: string } | undefined): AuditRecord {
  const seq = (last?.seq ?? 0) + 1;
  const previous = last?.hash ?? CHAIN_START;
  return { ...entry, seq, previous, hash: hashOf({ ...entry, seq }, previous) };
}

function hashOf(record: AuditEntry & { seq: number }, previous: string): string {
  return createHash('sha256')
    .update(previous)
    .update(canonicalJson(auditJson(record)))
    .digest('hex');
}

/** A record as the API tells it, without its hashes: this is what is hashed. */
export function auditJson(record: AuditEntry & { seq: number }) {
  const { seq, time_ms, who, role, address, action, status, product, details } = record;
  return {
    seq,
    time: time_ms,
    who,
    role,
    address,
    action,
    status,
    details,
    ...(product === undefined ? {} : { product }),
  };
}

/** JSON with its keys in order and no blanks: the same value has the same text (RFC 8785, for texts and integers). */
export function canonicalJson(value: Readonly<Record<string, string | number>>): string {
  const fields = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(value[key])}`);
  return `{${fields.join(',')}}`;
}

/** Follows a chain, record by record in order. */
export interface ChainCheck {
  /** Takes the next record in; returns what is wrong with it, `undefined` when nothing is. */
  next(record: AuditRecord): string | undefined;
  /** How many were taken in, and the hash of the last one. */
  readonly count: number;
  readonly head: string | undefined;
}

/** Begins at whatever record comes first: older ones may have been forgotten. */
export function createChainCheck(): ChainCheck {
  let count = 0;
  let last: { seq: number; hash: string } | undefined;
  return {
    next(record) {
      const isGap = last !== undefined && record.seq !== last.seq + 1;
      const isCut = last !== undefined && record.previous !== last.hash;
      const isStart = last === undefined && record.seq === 1 && record.previous !== CHAIN_START;
      const isChanged = hashOf(record, record.previous) !== record.hash;
      if (isGap) return `record ${(last?.seq ?? 0) + 1} is missing`;
      if (isChanged) return `record ${record.seq} was changed`;
      if (isCut || isStart) return `record ${record.seq} does not follow the one before it`;
      last = record;
      count += 1;
      return undefined;
    },
    get count() {
      return count;
    },
    get head() {
      return last?.hash;
    },
  };
}
