/** What goes wrong between an operator's command and the platform, in words: what was tried, what was found, what to do. */
import type { IncomingHttpHeaders } from 'node:http';
import { asGweError, type ErrorCode, GweError, systemCode } from '../errors.ts';

/** The message of the error with which a call ends that was silent for too long. */
export const SILENCE = 'silence';

/** HTTP status → the kind of failure; any other 5xx is `busy`, any other 4xx `refused`. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  408: 'busy',
  409: 'conflict',
  412: 'changed',
  413: 'too-large',
  416: 'range',
  422: 'check',
  429: 'busy',
  507: 'disk-full',
};

function codeOf(status: number): ErrorCode {
  const known = STATUS_CODES[status];
  if (known !== undefined) return known;
  if (status >= 500) return 'busy';
  return status >= 400 ? 'refused' : 'protocol';
}

/** A refusal in the platform's own words, where its answer has any, else in ours. */
export function refusalOf(
  status: number,
  text: string,
  headers: IncomingHttpHeaders,
  call: { method: string; path: string },
): GweError {
  const code = codeOf(status);
  const said = errorIn(text);
  const message =
    said?.message ?? `Cannot ${call.method} ${call.path.split('?')[0]}: the platform answered ${status}`;
  const hint = said?.hint ?? HINTS[code];
  const wait_s = Number(headers['retry-after'] ?? Number.NaN);
  return new GweError(code, message, {
    status,
    ...(hint === undefined ? {} : { hint }),
    ...(Number.isFinite(wait_s) ? { retryAfter_s: wait_s } : {}),
  });
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'The token is not accepted. Log in with a good one: gwe login URL --token TOKEN',
  forbidden: 'This token may not do that; log in with one that may: gwe login URL --token TOKEN',
  protocol: 'Give the URL that the platform itself printed when it started: gwe login URL',
};

function errorIn(text: string): { message: string; hint?: string } | undefined {
  try {
    const error: unknown = JSON.parse(text)?.error;
    if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
    if (typeof error.message !== 'string') return undefined;
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    return { message: error.message, ...(hint === undefined ? {} : { hint }) };
  } catch {
    return undefined;
  }
}

interface Failure {
  /** Of the system's own error code. */
  pattern: RegExp;
  code: ErrorCode;
  /** What was found; what the system said when it is left out. */
  state?: string;
  hint: string;
}

/** Failed connections; the first whose pattern fits counts. */
const FAILURES: readonly Failure[] = [
  {
    pattern: /^(ENOTFOUND|EAI_AGAIN)$/,
    code: 'dns',
    state: 'its name is not known here',
    hint: 'Look at the URL and at the name server, then try again.',
  },
  {
    pattern: /^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/,
    code: 'clock',
    hint: "Set this machine's clock, or renew the platform's certificate.",
  },
  {
    pattern: /CERT|SIGNATURE|_TLS_|^ERR_SSL/,
    code: 'tls',
    hint: 'If the platform uses a CA of your own: gwe login URL --ca FILE',
  },
  {
    pattern: /^ECONNREFUSED$/,
    code: 'offline',
    state: 'nothing listens there',
    hint: 'Start it (gwe platform --data DIR), or look at the URL.',
  },
];

/** What the file system says about a file that is sent. */
const OF_A_FILE = /^(ENOENT|EACCES|EISDIR|EIO)$/;

/** A failed connection to `origin` in words: what was found, what to do. What is a GweError stays one. */
export function failureOf(thrown: unknown, origin: string, limit_s: number): GweError {
  if (thrown instanceof GweError) return thrown;
  const system = systemCode(thrown) ?? '';
  const said = thrown instanceof Error ? thrown.message || system : String(thrown);
  if (system === 'ABORT_ERR') return new GweError('stopped', 'Stopped', { cause: thrown });
  if (OF_A_FILE.test(system)) return asGweError(thrown);
  const where = `Cannot reach the platform at ${origin}`;
  if (said === SILENCE) {
    const hint = 'Look whether it is up, then try again.';
    return new GweError('timeout', `${where}: no answer within ${limit_s} s`, { hint, cause: thrown });
  }
  const failure = FAILURES.find(({ pattern }) => pattern.test(system));
  return new GweError(failure?.code ?? 'offline', `${where}: ${failure?.state ?? said}`, {
    hint: failure?.hint ?? 'Look at the network, then try again.',
    cause: thrown,
  });
}
