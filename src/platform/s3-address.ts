/** Where content lies in an S3 API, as an operator writes it: `s3://BUCKET/PREFIX?endpoint=…`. Pure; holds no secret. */
import { GweError } from '../errors.ts';

export interface S3Address {
  bucket: string;
  /** Before each key: '' or ending in `/`. One platform has it for itself. */
  prefix: string;
  /** Origin of the service. */
  endpoint: URL;
  region: string;
  /** Whether the bucket stands in the path, or before the host's name. */
  style: 'path' | 'host';
  /** Most bytes of the cache on this machine's disk; 0 = none. */
  cache_bytes: number;
  /** Where who can follow a redirect is sent to: the service under the name that gateways know it by. Absent: nowhere. */
  links: URL | undefined;
}

const PARAMETERS = ['endpoint', 'region', 'style', 'cache', 'redirect'] as const;
const FORM =
  's3://BUCKET[/PREFIX][?endpoint=URL][&region=NAME][&style=path|host][&cache=SIZE][&redirect=on|off|URL]';
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * Reads an address. Without `endpoint` it is AWS, with the bucket in the host's name; `region` is `AWS_REGION` when left
 * out, then us-east-1. Raises `usage` for what is no such address, and for credentials in it.
 */
export function parseS3Address(written: string, env: NodeJS.ProcessEnv): S3Address {
  const url = URL.parse(written);
  if (url === null || url.protocol !== 's3:' || !/^[a-z0-9][a-z0-9.-]{1,62}$/.test(url.hostname)) {
    throw wrong('it names no bucket');
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong('credentials have no place in it', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  }
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.some((known) => known === name)) throw wrong(`there is no parameter "${name}"`);
  }
  const given = (name: (typeof PARAMETERS)[number]) => url.searchParams.get(name) ?? '';
  const region = given('region') || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1';
  const isAws = given('endpoint') === '';
  const endpoint = originOf('endpoint', given('endpoint') || `https://s3.${region}.amazonaws.com`);
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  if (!/^[\w./-]*$/.test(prefix)) throw wrong('its prefix may hold letters, digits and . _ - / only');
  return {
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint,
    region,
    style: choice('style', given('style'), ['path', 'host'], isAws ? 'host' : 'path'),
    cache_bytes: sizeOf(given('cache')),
    links: linksOf(given('redirect'), endpoint),
  };
}

/** The URL of a key (or, with '', of the bucket), with a query. */
export function urlOf(
  { bucket, prefix, endpoint, style }: S3Address,
  key: string | undefined,
  query: Readonly<Record<string, string>> = {},
): URL {
  const url = new URL(endpoint);
  const folder = style === 'path' ? `/${bucket}` : '';
  if (style === 'host') url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = key === undefined ? folder || '/' : `${folder}/${prefix}${key}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** For messages: `s3://BUCKET/PREFIX at HOST`. */
export function describeS3({ bucket, prefix, endpoint }: S3Address): string {
  return `s3://${bucket}/${prefix} at ${endpoint.host}`;
}

function linksOf(written: string, endpoint: URL): URL | undefined {
  if (written === 'on') return endpoint;
  return written === '' || written === 'off' ? undefined : originOf('redirect', written);
}

function originOf(name: string, written: string): URL {
  const url = URL.parse(written);
  if (url !== null && (url.username !== '' || url.password !== '')) {
    throw wrong(`credentials have no place in its ${name}`);
  }
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.pathname !== '/') {
    throw wrong(`its ${name} is no origin`, `For instance ${name}=https://s3.example.com`);
  }
  return url;
}

function sizeOf(written: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})([KMGT]?)$/.exec(written === '' ? '0' : written) ?? [];
  if (digits === undefined) throw wrong(`its cache "${written}" is no size`, 'For instance cache=20G');
  return Number(digits) * (UNITS[unit] ?? 1);
}

function choice<T extends string>(name: string, written: string, choices: readonly T[], usual: T): T {
  if (written === '') return usual;
  const found = choices.find((each) => each === written);
  if (found === undefined) throw wrong(`its ${name} "${written}" is none of ${choices.join(', ')}`);
  return found;
}

/** Never with the address itself: who put a secret in it would find it in the log. */
function wrong(why: string, hint = `Expected ${FORM}`): GweError {
  return new GweError('usage', `Cannot use the address of the content: ${why}`, { hint });
}
