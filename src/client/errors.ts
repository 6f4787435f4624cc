/**
 * What went wrong on the way to the platform, as one of gwe's error codes: pure tables from system errors, certificate
 * errors and HTTP statuses, and which of them are worth another try. When to try again is up to the engine.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorCode, GweError, systemCode } from '../errors.ts';
import { parseRetryAfter } from './wire.ts';

/** What was being done where: the first half of each message, "Cannot <what> at <host>". */
export interface Deed {
  /** For instance `read engine_fetch`. */
  what: string;
  /** Host and port as a person writes them. */
  host: string;
}

/** Which limit passed: each has its own words. */
export type Wait = 'connect' | 'headers' | 'body';

const WAITS: Readonly<Record<Wait, string>> = {
  connect: 'no connection',
  headers: 'connected, but no answer',
  body: 'the answer stopped, no further byte',
};

/** The error `timeout` of a wait that lasted `limit_ms`. */
export function waitedTooLong(deed: Deed, wait: Wait, limit_ms: number): GweError {
  return failure('timeout', deed, `${WAITS[wait]} within ${limit_ms / 1000} s`, {
    hint: 'gwe tries again by itself. On a very slow line, raise engine.request_timeout.',
  });
}

/** Makes "Cannot <what> at <host>: <found>". */
export function failure(
  code: ErrorCode,
  deed: Deed,
  found: string,
  details?: ConstructorParameters<typeof GweError>[2],
): GweError {
  return new GweError(code, `Cannot ${deed.what} at ${deed.host}: ${found}`, details);
}

/** Codes of certificate chains that end at an issuer nobody here trusts; with more trusted issuers they may pass. */
const UNKNOWN_ISSUER = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** Whether a handshake failed only because the issuer of the server's certificate is not known. */
export function isUnknownIssuer(thrown: unknown): boolean {
  return UNKNOWN_ISSUER.has(systemCode(thrown) ?? '');
}

/** Patterns over the codes of node, the system, OpenSSL and the HTTP parser; the first that fits decides. */
const CLASSES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^(ENOTFOUND|EAI_[A-Z]+|EDNS[A-Z]*)$/, 'dns'],
  [/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/, 'clock'],
  [/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|CRL_|INVALID_|HOSTNAME_|PATH_LENGTH_)/, 'tls'],
  [/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/, 'tls'],
  [/^HPE_/, 'protocol'],
  [/^ERR_INVALID_CHAR$/, 'config'],
  [/^(ECONN|EHOST|ENET|EPIPE$|ETIMEDOUT$|EADDRNOTAVAIL$|ERR_STREAM_PREMATURE_CLOSE$|ERR_SOCKET_)/, 'offline'],
];

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'The certificate is for another host: look at engine.server.'],
  [
    /CERTIFICATE_REQUIRED|ALERT_(BAD_)?(CERTIFICATE|HANDSHAKE)|ALERT_UNKNOWN_CA/,
    'The server asks who this gateway is: set security.client_cert and security.client_key.',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNKNOWN_PROTOCOL/,
    'That port does not speak TLS: look at engine.server.',
  ],
  [/^ENOTFOUND$/, 'Look at engine.server and at the name server of this machine (/etc/resolv.conf).'],
  [/^ERR_INVALID_CHAR$/, 'Look at engine.user_agent and at the cik in Gateway.cfg: no control characters.'],
];

/** Node.js tells its own users which flag to try; there is no such flag here. */
const ADVICE_TO_NODE = /[;,]? if the root CA is installed locally.*$/;

/**
 * Whatever a socket, a handshake or the HTTP parser raised, as a GweError; one that is a GweError already stays as it is.
 * `now_ms` is this machine's clock: a certificate that is "not yet valid" or expired often means that this clock is wrong.
 */
export function networkFailure(deed: Deed, thrown: unknown, now_ms: number): GweError {
  if (thrown instanceof GweError) return thrown;
  const first = thrown instanceof AggregateError && thrown.errors.length > 0 ? thrown.errors[0] : thrown;
  const code = systemCode(first) ?? systemCode(thrown) ?? '';
  const text = (first instanceof Error ? first.message : String(first)).replace(ADVICE_TO_NODE, '');
  const found = `${text.replace(/\s+/g, ' ').slice(0, 200)}${text.includes(code) ? '' : ` (${code})`}`;
  const kind = CLASSES.find(([pattern]) => pattern.test(code))?.[1] ?? (code === '' ? 'internal' : 'offline');
  if (kind === 'clock') return clockFailure(deed, code, now_ms, thrown);
  const hint = isUnknownIssuer(first)
    ? "If you trust this server, give gwe its issuer's certificate: gwe config set security.ca FILE"
    : HINTS.find(([pattern]) => pattern.test(code))?.[1];
  return failure(kind, deed, found, { cause: thrown, ...(hint === undefined ? {} : { hint }) });
}

function clockFailure(deed: Deed, code: string, now_ms: number, cause: unknown): GweError {
  const today = `${new Date(now_ms).toISOString().slice(0, 19)}Z`;
  const state = code === 'CERT_NOT_YET_VALID' ? 'is not yet valid' : 'has expired';
  return failure('clock', deed, `by this machine's clock (${today}) the server's certificate ${state}`, {
    cause,
    hint: `If it is not ${today} now, set this machine's clock (date -u -s …, or an NTP service). Else the server needs a new certificate.`,
  });
}

/** HTTP statuses that have a code of their own. */
const STATUSES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  408: 'busy',
  409: 'conflict',
  412: 'changed',
  413: 'too-large',
  416: 'range',
  429: 'busy',
};

const STATUS_HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthorized: 'The key (CIK) is not, or no longer, that of a gateway: gwe activates again by itself.',
  busy: 'gwe tries again by itself.',
};

/** The code that an unexpected HTTP status stands for. Anything below 400 is no answer that this protocol knows. */
export function statusCode(status: number): ErrorCode {
  if (status < 400) return 'protocol';
  return STATUSES[status] ?? (status < 500 ? 'refused' : 'busy');
}

/** The error for an answer with an unexpected status; `body` is the beginning of its text. `now_ms` dates Retry-After. */
export function statusFailure(
  deed: Deed,
  answer: { status: number; reason: string; headers: IncomingHttpHeaders; body: string },
  now_ms: number,
): GweError {
  const { status, headers } = answer;
  const code = statusCode(status);
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    return failure(code, deed, `it pointed elsewhere (${status}), to ${headers.location.slice(0, 200)}`, {
      status,
      hint: 'gwe follows redirects of downloads only: put the final address into engine.server, or sign in to the network that answered.',
    });
  }
  const said = firstWords(answer.body);
  const found = `it answered ${status} ${answer.reason}`.trimEnd();
  const retryAfter_s = code === 'busy' ? parseRetryAfter(headers['retry-after'] ?? '', now_ms) : undefined;
  const hint = STATUS_HINTS[code];
  return failure(code, deed, said === '' || found.includes(said) ? found : `${found}: ${said}`, {
    status,
    ...(retryAfter_s === undefined ? {} : { retryAfter_s }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Of an error's body what a person can use: its first line, unless that only repeats the status or is a page. */
function firstWords(body: string): string {
  const line = body.trim().split(/[\r\n]/)[0] ?? '';
  if (/^HTTP\/\d|^</.test(line)) return '';
  return line.replace(/[\x00-\x1f\x7f]/g, ' ').slice(0, 200);
}

/**
 * Codes after which asking the same again may help. 401 is among them, after a new activation; so are certificate
 * trouble and nonsense, which clocks being set and captive portals being left cure.
 */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'dns',
  'offline',
  'timeout',
  'tls',
  'clock',
  'busy',
  'unauthorized',
  'protocol',
]);

/** Whether the network or the platform's state, not the request itself, was the trouble: it may pass, so try again. */
export function isRetryable(error: GweError): boolean {
  return RETRYABLE.has(error.code);
}
