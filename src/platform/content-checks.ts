/** The checks of a gateway on what lies in the Content Area, with their results, one by one; asked for often, made once. */
import type { Readable } from 'node:stream';
import { CHECKS, CheckFailure } from '../app/checks.ts';
import { GweError } from '../errors.ts';
import { TARBALL_LIMITS } from './limits.ts';

export interface TarballChecks {
  checks: CheckResult[];
  /** Undefined when one failed. */
  facts?: TarballSummary;
  failure?: CheckFailure;
}

export interface CheckResult {
  id: string;
  sentence: string;
  result: 'passed' | 'failed' | 'not reached';
  why?: string;
  hint?: string;
}

export interface TarballSummary {
  app: string;
  version: string;
  entries: number;
  unpacked: number;
}

/** Whether a name is that of an application tarball, which must pass. */
export function isTarball(name: string): boolean {
  return name.endsWith('.tar.gz');
}

/** Makes the checks on `source`, which is read to its end and closed. Raises the errors of the source, never a failed check. */
export async function checkTarball(
  name: string,
  size_bytes: number,
  source: () => Promise<Readable>,
): Promise<TarballChecks> {
  const [{ inspectTarball }, { parseTarballName }] = await Promise.all([
    import('../app/inspect.ts'),
    import('../app/name.ts'),
  ]);
  let bytes: Readable | undefined;
  try {
    const parsed = parseTarballName(name);
    bytes = await source();
    const { entries, unpacked_bytes } = await inspectTarball(bytes, parsed, TARBALL_LIMITS, size_bytes);
    const facts = { app: parsed.app, version: parsed.version, entries, unpacked: unpacked_bytes };
    return { checks: results(undefined), facts };
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
    return { checks: results(error), failure: error };
  } finally {
    bytes?.destroy();
  }
}

/** Those that a gateway makes whatever its keys; a signature is its own matter. */
function results(failure: CheckFailure | undefined): CheckResult[] {
  const step = CHECKS.find(({ id }) => id === failure?.check)?.step ?? Number.POSITIVE_INFINITY;
  return CHECKS.filter(({ id }) => id !== 'signature').map((check) => {
    const { id, sentence } = check;
    if (failure?.check === id) return failedResult(id, sentence, failure);
    return { id, sentence, result: check.step < step ? 'passed' : 'not reached' };
  });
}

function failedResult(id: string, sentence: string, { message, hint }: CheckFailure): CheckResult {
  const why = message.replace(`${id}: `, '');
  return { id, sentence, result: 'failed', why, ...(hint === undefined ? {} : { hint }) };
}

/** Results that are kept. */
const KEPT_MAX = 200;

/** Remembers results by name and digest. */
export function createCheckMemory() {
  const kept = new Map<string, Promise<TarballChecks>>();
  return (key: string, make: () => Promise<TarballChecks>): Promise<TarballChecks> => {
    const there = kept.get(key);
    if (there !== undefined) return there;
    const [oldest] = kept.keys();
    if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    const made = make();
    kept.set(key, made);
    made.catch(() => kept.delete(key));
    return made;
  };
}

/** Application and version in a tarball's name; nothing when it is no such name. */
export async function applicationOf(name: string): Promise<{ app: string; version: string } | undefined> {
  const { parseTarballName } = await import('../app/name.ts');
  try {
    const { app, version } = parseTarballName(name);
    return { app, version };
  } catch (error) {
    if (error instanceof GweError) return undefined;
    throw error;
  }
}
