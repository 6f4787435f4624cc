/**
 * One request to an S3 API: signed by aws4fetch, sent over node's own HTTP client, within time limits, tried again a few
 * times where that may help. What is asked is up to s3-client.ts.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as CleartextAgent, request as cleartextRequest, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { GweError, systemCode } from '../errors.ts';
import { RETRY_AFTER_S, S3_ANSWER_MS, S3_ATTEMPTS_MAX, S3_CONNECTIONS_MAX, S3_PAUSE_MS } from './limits.ts';
import { type S3Address, urlOf } from './s3-address.ts';
import { elementOf, mayPass } from './s3-answers.ts';
import type { S3Credentials } from './s3-credentials.ts';

export interface S3Request {
  /** For messages: "Cannot <what>: …". */
  what: string;
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** `undefined`: the bucket itself. */
  key: string | undefined;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  /** Statuses that are answers; any other is raised. */
  answers: readonly number[];
  /** Until the head of the answer is there. */
  limit_ms?: number;
  attempts?: number;
}

export interface S3Transport {
  /** Sends, and returns when the head of the answer is there. Raises `busy` when S3 cannot answer now, or will not. */
  send(request: S3Request): Promise<IncomingMessage>;
  /** A URL with which anybody may read `key` for `expires_s`, at `origin`. */
  sign(key: string, expires_s: number, origin: URL): Promise<string>;
  close(): void;
}

/** Opens nothing yet. Raises `usage` when AWS_CA_BUNDLE cannot be read. */
export function createTransport(
  address: S3Address,
  credentials: () => S3Credentials,
  env: NodeJS.ProcessEnv,
): S3Transport {
  const isSecure = address.endpoint.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: S3_CONNECTIONS_MAX };
  const agent = isSecure ? new Agent({ ...options, ...issuers(env) }) : new CleartextAgent(options);
  const open = isSecure ? request : cleartextRequest;
  const keys = new Map<string, ArrayBuffer>();
  const signing = { service: 's3', region: address.region, cache: keys };

  async function attempt(wanted: S3Request): Promise<IncomingMessage> {
    const { method, body } = wanted;
    const signer = new AwsV4Signer({
      ...signing,
      ...credentials(),
      method,
      url: urlOf(address, wanted.key, wanted.query).href,
      headers: { ...wanted.headers, 'X-Amz-Content-Sha256': digestOf(body) },
    });
    const { url, headers } = await signer.sign();
    if (body !== undefined || method === 'POST') headers.set('Content-Length', String(body?.length ?? 0));
    return exchange(() => open(url, { method, agent, headers: Object.fromEntries(headers) }), wanted);
  }

  return {
    async send(wanted) {
      for (let tried = 1; ; tried += 1) {
        const found = await attempt(wanted).catch(failureOf);
        const isGiven = !(found instanceof Error);
        if (isGiven && wanted.answers.includes(found.statusCode ?? 0)) return found;
        const status = isGiven ? found.statusCode : undefined;
        const why = isGiven ? await refusal(found) : found.message;
        const isLast = tried >= (wanted.attempts ?? S3_ATTEMPTS_MAX);
        if (isLast || (status !== undefined && !mayPass(status)))
          throw busy(wanted.what, address, why, { status });
        await pause(S3_PAUSE_MS * 2 ** (tried - 1) * (0.5 + Math.random() / 2));
      }
    },
    async sign(key, expires_s, endpoint) {
      const url = urlOf({ ...address, endpoint }, key, { 'X-Amz-Expires': String(expires_s) }).href;
      const signed = await new AwsV4Signer({
        ...signing,
        ...credentials(),
        url,
        method: 'GET',
        signQuery: true,
      }).sign();
      return signed.url.href;
    },
    close: () => agent.destroy(),
  };
}

function digestOf(body: Buffer | undefined): string {
  return createHash('sha256')
    .update(body ?? '')
    .digest('hex');
}

/** `busy`, which becomes 503 with Retry-After: what is wrong with S3 is no gateway's fault, and may pass. */
export function busy(
  what: string,
  { endpoint }: S3Address,
  why: string,
  details: { status?: number | undefined; cause?: unknown } = {},
): GweError {
  return new GweError('busy', `Cannot ${what} at ${endpoint.host}: ${why}`, {
    retryAfter_s: RETRY_AFTER_S,
    ...(details.status === undefined ? {} : { status: details.status }),
    cause: details.cause,
  });
}

function exchange(
  open: () => ReturnType<typeof request>,
  { limit_ms = S3_ANSWER_MS, body }: S3Request,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = open();
    const limit = setTimeout(
      () => sent.destroy(new Error(`no answer within ${limit_ms / 1000} s`)),
      limit_ms,
    );
    sent.once('response', (response) => {
      clearTimeout(limit);
      // Whoever reads it is told by the reading; between two looks nobody listens.
      response.on('error', () => {});
      resolve(response);
    });
    sent.on('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    sent.end(body);
  });
}

/** What a network does is awaited; a mistake of ours, or credentials that are gone, is raised as it is. */
function failureOf(thrown: unknown): Error {
  if (thrown instanceof GweError || !(thrown instanceof Error)) throw thrown;
  const code = systemCode(thrown);
  return code === undefined || thrown.message.includes(code)
    ? thrown
    : new Error(`${thrown.message} (${code})`);
}

const REFUSAL_MAX_BYTES = 4_096;

/** Status and code of an answer that is none; its body is read as far as it tells something. */
async function refusal(response: IncomingMessage): Promise<string> {
  const text = await textOf(response, REFUSAL_MAX_BYTES).catch(() => '');
  const code = elementOf(text, 'Code');
  return `it answered ${response.statusCode}${code === '' ? '' : ` (${code})`}`;
}

/** The body as text. Raises `protocol` when it is longer than `limit_bytes`, and what the connection raises. */
export async function textOf(response: IncomingMessage, limit_bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size_bytes = 0;
  const limit = setTimeout(() => response.destroy(new Error('the answer stopped')), S3_ANSWER_MS);
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      size_bytes += chunk.length;
      if (size_bytes > limit_bytes) throw new GweError('protocol', 'Cannot read an answer of S3: too long');
    }
  } finally {
    clearTimeout(limit);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function issuers(env: NodeJS.ProcessEnv): { ca?: string } {
  const file = env['AWS_CA_BUNDLE'];
  if (!file) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new GweError('usage', `Cannot read AWS_CA_BUNDLE, ${file}: ${systemCode(error) ?? String(error)}`);
  }
}
