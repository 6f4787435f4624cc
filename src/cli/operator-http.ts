/**
 * One exchange with the platform's JSON API: bearer token, time limits, a streamed upload, every failure as a GweError
 * that says what was tried and what to do. Which calls there are is operator.ts's business.
 */
import { createReadStream, readFileSync } from 'node:fs';
import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import { asGweError, GweError } from '../errors.ts';
import { failureOf, refusalOf, SILENCE } from './operator-failures.ts';

/** Where a platform is and how one is let in. */
export interface Endpoint {
  url: URL;
  token: string;
  /** File of certificates (PEM) to trust beside the system's and Node.js's own. */
  ca?: string;
}

/** A file that is streamed as the body of a request. */
export interface Upload {
  file: string;
  size_bytes: number;
  onProgress?: (sent_bytes: number) => void;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the platform's URL, with its query: `/api/v1/…`. */
  path: string;
  json?: unknown;
  upload?: Upload;
  /** Longest silence; a call that waits on the platform's side adds its wait. */
  timeout_s?: number;
  signal?: AbortSignal;
}

/** Longest silence of the platform within an exchange. */
export const SILENCE_LIMIT_S = 30;
/** An answer longer than this is not one of the API's. */
export const ANSWER_MAX_BYTES = 64 * 1024 ** 2;

export interface Exchanger {
  /** Makes a call and returns the answer's JSON (`undefined` when the body is empty). */
  call(call: Call): Promise<unknown>;
  close(): void;
}

/** Opens the way to a platform; nothing is contacted before the first call. */
export async function openExchanger(endpoint: Endpoint, env: NodeJS.ProcessEnv = {}): Promise<Exchanger> {
  const { request, agent } = await transport(endpoint, env);
  return {
    call: (call) => exchange(endpoint, call, (options) => request({ ...options, agent })),
    close: () => agent.destroy(),
  };
}

/** Whether a host is this very machine: tokens may go there in clear text, and proxies are passed by. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

async function transport(endpoint: Endpoint, env: NodeJS.ProcessEnv) {
  const agentOptions = isLoopback(endpoint.url.hostname)
    ? { keepAlive: true }
    : { keepAlive: true, proxyEnv: env };
  if (endpoint.url.protocol === 'http:') {
    const { Agent: HttpAgent, request } = await import('node:http');
    const agent: Agent = new HttpAgent(agentOptions);
    return { request, agent };
  }
  const [{ Agent: HttpsAgent, request }, { getCACertificates }] = await Promise.all([
    import('node:https'),
    import('node:tls'),
  ]);
  const own = endpoint.ca === undefined ? [] : [readCa(endpoint.ca)];
  const ca = [...getCACertificates('default'), ...getCACertificates('system'), ...own];
  const agent: Agent = new HttpsAgent({ ...agentOptions, ca });
  return { request, agent };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new GweError('usage', `Cannot read the certificates in ${file}: ${asGweError(error).message}`, {
      cause: error,
    });
  }
}

type Request = (options: RequestOptions) => import('node:http').ClientRequest;

function exchange(endpoint: Endpoint, call: Call, request: Request): Promise<unknown> {
  const body = call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json));
  const length_bytes = call.upload?.size_bytes ?? body?.length;
  const limit_s = call.timeout_s ?? SILENCE_LIMIT_S;
  return new Promise((resolve, reject) => {
    let answered = false;
    const fail = (error: unknown) => reject(failureOf(error, endpoint.url.origin, limit_s));
    const outgoing = request({
      ...addressOf(endpoint.url, call.path),
      method: call.method,
      headers: {
        authorization: `Bearer ${endpoint.token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.upload === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        ...(length_bytes === undefined ? {} : { 'content-length': String(length_bytes) }),
      },
      timeout: limit_s * 1000,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(SILENCE)));
    outgoing.on('error', (error) => {
      if (!answered) fail(error);
    });
    outgoing.on('response', (answer) => {
      answered = true;
      readAnswer(answer, call).then(resolve, fail);
    });
    if (call.upload === undefined) outgoing.end(body);
    else sendFile(call.upload, outgoing, fail);
  });
}

function addressOf(url: URL, path: string): RequestOptions {
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port === '' ? {} : { port: url.port }),
    path: `${url.pathname.replace(/\/+$/, '')}${path}`,
  };
}

/** Streams a file out. An answer that comes before the end (a refusal) wins over the broken pipe that may follow it. */
function sendFile(
  upload: Upload,
  outgoing: import('node:http').ClientRequest,
  fail: (error: unknown) => void,
): void {
  const file = createReadStream(upload.file, { highWaterMark: 256 * 1024 });
  let sent_bytes = 0;
  file.on('data', (chunk) => {
    sent_bytes += chunk.length;
    upload.onProgress?.(sent_bytes);
  });
  file.on('error', (error) => {
    fail(error);
    outgoing.destroy();
  });
  outgoing.on('close', () => file.destroy());
  file.pipe(outgoing);
}

async function readAnswer(answer: IncomingMessage, call: Call): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size_bytes = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    size_bytes += chunk.length;
    if (size_bytes > ANSWER_MAX_BYTES) {
      throw new GweError(
        'protocol',
        `Cannot read the platform's answer: longer than ${ANSWER_MAX_BYTES} bytes`,
      );
    }
    chunks.push(chunk);
  }
  const status = answer.statusCode ?? 0;
  const text = Buffer.concat(chunks).toString('utf8');
  if (status >= 200 && status < 300) return text === '' ? undefined : parseJson(text, call);
  throw refusalOf(status, text, answer.headers, call);
}

function parseJson(text: string, call: Call): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GweError('protocol', `Cannot understand the answer to ${call.method} ${call.path}: no JSON`, {
      hint: 'Is that URL really a gwe platform? Run: gwe login URL',
      cause: error,
    });
  }
}
