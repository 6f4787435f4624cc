/**
 * The One Platform's wire as pure functions: paths, header names, keys, forms, dates, the csv of the Content Area.
 * Both sides speak it: the gateway's client (http.ts sends it) and the platform (which serves it). Nothing here throws:
 * what came over the wire is either understood, or `undefined`.
 */

/** Where things are on a One Platform host. Each of the data paths also answers under its older name. */
export const PATHS = {
  alias: '/onep:v1/stack/alias',
  aliasOlder: '/api:v1/stack/alias',
  record: '/onep:v1/stack/record',
  recordOlder: '/api:v1/stack/record',
  activate: '/provision/activate',
  download: '/provision/download',
  timestamp: '/timestamp',
  ip: '/ip',
} as const;

/** Header names as documented; old clients send them in any case. */
export const HEADERS = {
  cik: 'X-Exosite-CIK',
  token: 'X-Exosite-Token',
  vendor: 'X-Exosite-Vendor',
  requestTimeout: 'Request-Timeout',
  ifModifiedSince: 'If-Modified-Since',
  lastModified: 'Last-Modified',
  ifMatch: 'If-Match',
  etag: 'ETag',
  range: 'Range',
  contentRange: 'Content-Range',
  retryAfter: 'Retry-After',
  /** Sent with a download by who can follow a redirect to where the bytes lie. */
  acceptRedirect: 'Accept-Redirect',
} as const;

/** The type of every form that a device sends or reads. */
export const FORM_TYPE = 'application/x-www-form-urlencoded; charset=utf-8';

/** Longest wait that a long poll may ask for ("One Platform device API: read", Request-Timeout); clamped, not refused. */
export const MAX_REQUEST_TIMEOUT_MS = 300_000;

/** A device key: 40 lower-case hex digits; old clients in C refuse any other. */
export const CIK_PATTERN = /^[0-9a-f]{40}$/;

export type FormPair = readonly [name: string, value: string];

/** `pairs` as a form that every old decoder reads: UTF-8, all but unreserved characters as %XX, a space as %20. */
export function encodeForm(pairs: Iterable<FormPair>): string {
  return Array.from(pairs, ([name, value]) => `${encodePart(name)}=${encodePart(value)}`).join('&');
}

/**
 * `pairs` as a request body: the same form with fewer bytes. A space is `+`, and the punctuation of JSON stays as it
 * is in values, as clients in the field send it. Not for a URL, nor for clients that know only %20.
 */
export function encodeBody(pairs: Iterable<FormPair>): string {
  const compact = (value: string) =>
    encodePart(value).replace(/%(?:20|22|2C|2F|3A|5B|5D|7B|7D)/g, (code) => COMPACT[code] ?? code);
  return Array.from(pairs, ([name, value]) => `${encodePart(name)}=${compact(value)}`).join('&');
}

const COMPACT: Readonly<Record<string, string>> = {
  '%20': '+',
  '%22': '"',
  '%2C': ',',
  '%2F': '/',
  '%3A': ':',
  '%5B': '[',
  '%5D': ']',
  '%7B': '{',
  '%7D': '}',
};

/** Half a surrogate pair has no UTF-8: it becomes U+FFFD, where encodeURIComponent alone would throw. */
const encodePart = (text: string) => encodeURIComponent(text.toWellFormed());

/**
 * Reads a form or a query as the platform reads one: split at each `&`, then at the first `=`, and only then decoded
 * (some devices send JSON unencoded). `+` and `%20` are a space, a broken `%` stays as it is, bytes that are no UTF-8
 * become U+FFFD. A name without `=` has the value ''. Names may come more than once.
 */
export function decodeForm(text: string): [name: string, value: string][] {
  return text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=');
      return at < 0
        ? [decodePart(pair), '']
        : [decodePart(pair.slice(0, at)), decodePart(pair.slice(at + 1))];
    });
}

function decodePart(written: string): string {
  const text = written.includes('+') ? written.replaceAll('+', ' ') : written;
  if (!text.includes('%')) return text;
  try {
    // Far faster, and the same for all that is well-formed.
    return decodeURIComponent(text);
  } catch {
    return decodeTolerantly(text);
  }
}

function decodeTolerantly(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (codes) =>
    Buffer.from(codes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** Values by alias as a form; see `encodeForm`. */
export function encodeValues(values: Readonly<Record<string, string>>): string {
  return encodeForm(Object.entries(values));
}

/** A form as values by alias; of an alias that comes twice the last one counts. See `decodeForm`. */
export function decodeValues(text: string): Record<string, string> {
  return Object.fromEntries(decodeForm(text));
}

/** Aliases as the query of a read: `a&b`. */
export function encodeAliases(aliases: readonly string[]): string {
  return aliases.map(encodePart).join('&');
}

/** Unix seconds as an HTTP-date, for instance `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function httpDate(unix_s: number): string {
  return new Date(unix_s * 1000).toUTCString();
}

const HTTP_DATE = /^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/;

/** Unix seconds (as If-Modified-Since may hold them) or an HTTP-date in any of its three forms, as unix seconds. */
export function parseHttpDate(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d{1,12}$/.test(trimmed)) return Number(trimmed);
  if (!HTTP_DATE.test(trimmed)) return undefined;
  const date_ms = Date.parse(/(GMT|UTC|[+-]\d{4})$/.test(trimmed) ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(date_ms) ? undefined : Math.floor(date_ms / 1000);
}

/** The seconds that `Retry-After` asks for: a number of them, or the HTTP-date when they end. */
export function parseRetryAfter(text: string, now_ms: number): number | undefined {
  const trimmed = text.trim();
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed);
  const at_s = parseHttpDate(trimmed);
  return at_s === undefined ? undefined : Math.max(0, Math.ceil(at_s - now_ms / 1000));
}

/** `Content-Range: bytes FROM-TO/TOTAL` of an answer; the total may be `*`, unknown. */
export function parseContentRange(
  text: string,
): { from_byte: number; to_byte: number; total_bytes: number | undefined } | undefined {
  const [, from, to, total] = text.trim().match(/^bytes\s+(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i) ?? [];
  if (from === undefined || to === undefined || total === undefined) return undefined;
  const range = {
    from_byte: Number(from),
    to_byte: Number(to),
    total_bytes: total === '*' ? undefined : Number(total),
  };
  const whole = range.from_byte <= range.to_byte && range.to_byte < (range.total_bytes ?? Infinity);
  return whole ? range : undefined;
}

/** Ids in the Content Area, as its list gives them: one a line, CR LF after each. */
export function encodeContentList(ids: readonly string[]): string {
  return ids.map((id) => `${id}\r\n`).join('');
}

/** The list of the Content Area, with whichever line ends. */
export function decodeContentList(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** What the Content Area knows about one id. */
export interface ContentInfo {
  /** As given at upload, for instance `application/gzip`. */
  type: string;
  size_bytes: number;
  /** Unix seconds. */
  updated_s: number;
  /** Free text of the operator. */
  meta: string;
}

/** One csv line `type,size,updated,meta`, without its line end. */
export function encodeContentInfo(info: ContentInfo): string {
  return encodeCsvRow([info.type, String(info.size_bytes), String(info.updated_s), info.meta]);
}

/** The csv line of one id; a fifth column, which operators get, is taken for a part of the meta text. */
export function decodeContentInfo(text: string): ContentInfo | undefined {
  const [type, size, updated, ...meta] = decodeCsvRow(text.replace(/[\r\n]+$/, ''));
  if (type === undefined || size === undefined || updated === undefined) return undefined;
  if (!/^\d{1,15}$/.test(size.trim()) || !/^\d{1,12}(\.\d+)?$/.test(updated.trim())) return undefined;
  return { type, size_bytes: Number(size), updated_s: Math.floor(Number(updated)), meta: meta.join(',') };
}

/** Fields as one csv line: those with a comma, a quote or a line break are quoted. */
export function encodeCsvRow(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** The fields of one csv line; a quote that is never closed ends with the line. */
export function decodeCsvRow(line: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const [whole = '', quoted, rest = ''] = line.slice(at).match(/^(?:"((?:[^"]|"")*)(?:"|$))?([^,]*)/) ?? [];
    fields.push(quoted === undefined ? rest : quoted.replaceAll('""', '"') + rest);
    at += whole.length + 1;
  }
  return fields;
}
