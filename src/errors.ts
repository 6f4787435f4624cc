/**
 * The one error type of gwe and its closed list of codes, with the two tables that lead to the edges: code → exit
 * status of the command line, code → HTTP status of the platform. What an error says is up to whoever throws it:
 * "Cannot <act> <object>: <state found>", and a hint that tells what to do.
 */

/** How each kind of failure ends: the exit status of a command, and the HTTP status when the platform answers with it. */
const CODES = {
  /** The command line is wrong: nothing was contacted. */
  usage: { exit: 2, http: 400 },
  /** A settings file holds something unusable. */
  config: { exit: 2, http: 500 },
  /** Neither uuid nor an interface's MAC address tells who this gateway is. */
  identity: { exit: 2, http: 400 },
  /** The platform's name cannot be resolved. */
  dns: { exit: 1, http: 502 },
  /** No connection, or one that broke. */
  offline: { exit: 1, http: 502 },
  /** A named time limit passed. */
  timeout: { exit: 1, http: 504 },
  /** The server's certificate is not trusted. */
  tls: { exit: 1, http: 502 },
  /** The server's certificate is "not yet valid" or expired by this machine's clock. */
  clock: { exit: 1, http: 502 },
  /** 408, 429, 5xx: the platform is there but cannot answer now. */
  busy: { exit: 1, http: 503 },
  /** 401: the key is not accepted. */
  unauthorized: { exit: 1, http: 401 },
  /** 403. */
  forbidden: { exit: 1, http: 403 },
  /** 404. */
  'not-found': { exit: 1, http: 404 },
  /** 409: exists already, or not enabled for activation. */
  conflict: { exit: 1, http: 409 },
  /** 412: the value is no longer the one that was read. */
  changed: { exit: 1, http: 412 },
  /** 413, or a named limit on size or number. */
  'too-large': { exit: 1, http: 413 },
  /** 416. */
  range: { exit: 1, http: 416 },
  /** Any other 4xx: asking again will not help. */
  refused: { exit: 1, http: 400 },
  /** An answer that is not what the protocol allows. */
  protocol: { exit: 1, http: 502 },
  /** An instruction or a value that cannot be understood. */
  malformed: { exit: 3, http: 400 },
  /** A tarball that failed one of the checks. */
  check: { exit: 3, http: 422 },
  /** A signature that is missing, wrong, or by an unknown key. */
  signature: { exit: 3, http: 422 },
  /** install.sh or health.sh did not end well. */
  script: { exit: 3, http: 500 },
  /** Too little disk or too few inodes. */
  'disk-full': { exit: 1, http: 507 },
  /** What it would cost does not fit into the data budget before it begins again. */
  budget: { exit: 1, http: 503 },
  /** Any other failure of the file system. */
  io: { exit: 1, http: 500 },
  /** Another engine has the state folder. */
  locked: { exit: 1, http: 409 },
  /** The state folder has a layout that this version does not know. */
  layout: { exit: 1, http: 500 },
  /** supervisord is absent or refuses. */
  supervisor: { exit: 1, http: 500 },
  /** Stopped by a signal. */
  stopped: { exit: 1, http: 503 },
  /** Not one of the above: a defect of gwe. */
  internal: { exit: 1, http: 500 },
} as const satisfies Record<string, { exit: number; http: number }>;

export type ErrorCode = keyof typeof CODES;

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** What the reader should do now. */
  hint?: string;
  /** For `busy`: how long the platform asked us to stay away. */
  retryAfter_s?: number;
  /** The HTTP status that was answered, where there was one. */
  status?: number;
  cause?: unknown;
}

/** The only error that gwe throws on purpose. */
export class GweError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfter_s: number | undefined;
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GweError';
    this.code = code;
    this.hint = details.hint;
    this.retryAfter_s = details.retryAfter_s;
    this.status = details.status;
  }
}

/** The exit status of a command that ended with `error`; anything that is not a GweError is a defect: 1. */
export function exitStatus(error: unknown): number {
  return error instanceof GweError ? CODES[error.code].exit : CODES.internal.exit;
}

/** The HTTP status with which the platform answers `error`. */
export function httpStatus(error: unknown): number {
  return error instanceof GweError ? CODES[error.code].http : CODES.internal.http;
}

/** Whatever was thrown, as a GweError: node's own file system errors become `disk-full` or `io`, the rest `internal`. */
export function asGweError(thrown: unknown): GweError {
  if (thrown instanceof GweError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const code = systemCode(thrown);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new GweError('disk-full', text, {
      cause: thrown,
      hint: 'Free some disk space; gwe tries again by itself.',
    });
  }
  if (code !== undefined) return new GweError('io', text, { cause: thrown });
  return new GweError('internal', text, { cause: thrown });
}

/** The system's own error code (`ENOENT`, `ECONNRESET` …) of something thrown by node, if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** `error` as text for a log or a terminal: its message, then what to do. */
export function explain(thrown: unknown): string {
  const error = asGweError(thrown);
  return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
}
