/** How an install ended, as a value: the installer fills it in, `fetch_status` and `engine_report` tell it. */

/**
 * - `installed`: healthy and committed
 * - `discarded`: a check or the signature refused the tarball; nothing was run
 * - `failed`: install.sh, the health check or the machine failed it
 * - `gone`: the Content Area has no such tarball
 * - `waiting`: cannot be done yet; not an end, it is tried again by itself
 * - `malformed`: the instruction could not be understood
 */
export const OUTCOMES = ['installed', 'discarded', 'failed', 'gone', 'waiting', 'malformed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface InstallEnd {
  /** The tarball's file name; for a malformed instruction: `engine_fetch` or the alias it stood in. */
  name: string;
  app: string;
  version: string;
  outcome: Outcome;
  /** One clause, lower case, no full stop: `install.sh ended with 1`, `needs 52 MB of disk, 11 MB are free`. */
  why?: string;
  /** Of a discarded tarball: the id of the check that failed. */
  check?: string;
  duration_ms?: number;
  attempt?: number;
  /** A delta was downloaded in place of the whole tarball. */
  delta?: { fetched_bytes: number; whole_bytes: number };
  /** Exit status of install.sh. */
  exit?: number;
  /** The version that runs again after a failure. */
  rolledBackTo?: string;
  /** The version that could not be brought back. */
  rollbackFailed?: string;
  /** What install.sh (and health.sh) printed, as it came. */
  output?: Buffer;
  /** A further sentence for the reader: a hint, or what was lived with. */
  note?: string;
  /** When it ended. */
  time_ms: number;
  /** SHA-256 of the tarball, hex. */
  digest?: string;
}
