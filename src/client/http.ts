/**
 * One HTTP exchange with the platform: a small request, time limits on connect, headers and each further byte, bounded
 * answers, bytes counted, failures classed. What is asked and what an answer means is up to aliases.ts, content.ts and
 * activation.ts.
 */
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { GweError, systemCode } from '../errors.ts';
import { dial, Meter, type Way } from './connection.ts';
import { type Deed, failure, networkFailure, statusFailure, waitedTooLong } from './errors.ts';

/** Most bytes of an answer that is not a download. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Most bytes of an error's text that are read; a longer one costs more than it tells. */
const MAX_ERROR_BYTES = 4 * 1024;
/** How long a kept connection may be idle before it is not used again: servers close theirs after some 5 s. */
const KEPT_IDLE_MS = 4_000;

/** What a device says to its platform; the reports count by these names. */
export type TrafficMethod =
  | 'http_read'
  | 'http_write'
  | 'http_write_read'
  | 'http_long_poll'
  | 'http_record'
  | 'http_activate'
  | 'http_timestamp'
  | 'http_content_list'
  | 'http_content_info'
  | 'http_download';

/** What one exchange moved over which interface, TLS and HTTP overhead included. */
export interface Traffic {
  iface: string;
  method: TrafficMethod;
  rx_bytes: number;
  tx_bytes: number;
}

/** One thing to ask. */
export interface Exchange {
  method: TrafficMethod;
  /** For messages: "Cannot <what> at …". */
  what: string;
  verb: 'GET' | 'POST';
  /** Path and query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Statuses that are answers; any other is raised. */
  answers: readonly number[];
  /** How much longer than usual the headers may take, because the server was asked to wait. */
  extraWait_ms?: number;
  /** Whether doing it twice does no harm, so that it may be repeated when a kept connection turns out to be dead. */
  repeatable: boolean;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** An answer whose body has not been read. `done` is to be called once, when it will not be read any further. */
export interface OpenAnswer {
  response: IncomingMessage;
  deed: Deed;
  /** Whatever the response raised, classed. */
  classed(thrown: unknown): GweError;
  done(): void;
}

export interface Http {
  /** Sends and reads the whole answer. Raises a GweError for each way in which this can fail. */
  ask(exchange: Exchange): Promise<Answer>;
  /** Sends and returns as soon as the headers are there. */
  open(exchange: Exchange): Promise<OpenAnswer>;
  readonly host: string;
  readonly timeout_ms: number;
  /** Ends every connection at once. */
  close(): void;
}

export interface HttpOptions {
  way: Way;
  userAgent: string;
  onTraffic: (traffic: Traffic) => void;
  now: () => number;
}

/** An HTTP client for one server that keeps a connection between requests which follow each other closely. */
export function createHttp(options: HttpOptions): Http {
  // Not imported: an import of node:http evaluates all its exports, WebSocket among them, and costs ten times as much.
  const http = process.getBuiltinModule('node:http');
  const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1, timeout: KEPT_IDLE_MS });
  const closing = new AbortController();
  agent.createConnection = connector(options.way);
  const host = options.way.server.host;

  async function open(exchange: Exchange): Promise<OpenAnswer> {
    const deed = { what: exchange.what, host };
    const { signal = closing.signal } = exchange;
    const meter = new Meter(deed, AbortSignal.any([signal, closing.signal]));
    const classed = (thrown: unknown) =>
      meter.signal.aborted && !(thrown instanceof GweError)
        ? failure('stopped', deed, 'it was stopped', { cause: thrown })
        : networkFailure(deed, thrown, options.now());
    const done = () => {
      const moved = meter.read();
      if (moved.rx_bytes + moved.tx_bytes > 0) options.onTraffic({ ...moved, method: exchange.method });
      options.way.session?.settle();
    };
    try {
      const response = await send(exchange, meter);
      const answer = { response, deed, classed, done };
      if (exchange.answers.includes(response.statusCode ?? 0)) return answer;
      throw await refusal(answer, options);
    } catch (error) {
      done();
      throw classed(error);
    }
  }

  async function send(exchange: Exchange, meter: Meter): Promise<IncomingMessage> {
    const make = () => http.request(requestOptions(exchange, options, agent, meter));
    const first = make();
    try {
      return await sendOnce(first, exchange, meter, options);
    } catch (error) {
      const wasDead = first.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(systemCode(error) ?? '');
      if (!wasDead || !exchange.repeatable || meter.signal.aborted) throw error;
      return await sendOnce(make(), exchange, meter, options);
    }
  }

  return {
    open,
    host,
    timeout_ms: options.way.timeout_ms,
    close() {
      closing.abort();
      agent.destroy();
    },
    async ask(exchange) {
      const answer = await open(exchange);
      const { response } = answer;
      try {
        const text = await readText(answer, MAX_ANSWER_BYTES, options.way.timeout_ms);
        return { status: response.statusCode ?? 0, headers: response.headers, text };
      } catch (error) {
        throw answer.classed(error);
      } finally {
        answer.done();
      }
    },
  };
}

/** How the agent opens a connection: our way, in the name of the exchange that needs it. */
function connector(way: Way): Agent['createConnection'] {
  return (options, callback) => {
    const meter = 'meter' in options && options.meter instanceof Meter ? options.meter : undefined;
    if (meter === undefined || callback === undefined) throw new TypeError('A request without a meter');
    dial(way, meter).then(
      (socket) => callback(null, socket),
      (error) => callback(error, new Duplex()),
    );
    return undefined;
  };
}

/** Few and short headers: each byte is sent at each check-in of each gateway. */
function requestOptions(exchange: Exchange, { way, userAgent }: HttpOptions, agent: Agent, meter: Meter) {
  const { server, proxy } = way;
  const path = `${server.pathname.replace(/\/$/, '')}${exchange.path}`;
  const throughProxy = proxy !== undefined && way.trust === undefined;
  const authorization = throughProxy ? proxy.authorization : undefined;
  return {
    agent,
    meter,
    method: exchange.verb,
    path: throughProxy ? `http://${server.host}${path}` : path,
    headers: {
      Host: server.host,
      ...(authorization === undefined ? {} : { 'Proxy-Authorization': authorization }),
      ...exchange.headers,
      'User-Agent': userAgent,
      ...(exchange.verb === 'POST'
        ? { 'Content-Length': String(Buffer.byteLength(exchange.body ?? '')) }
        : {}),
    },
    signal: meter.signal,
  };
}

function sendOnce(
  request: ClientRequest,
  exchange: Exchange,
  meter: Meter,
  { way }: HttpOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let limit: NodeJS.Timeout | undefined;
    const limit_ms = way.timeout_ms + (exchange.extraWait_ms ?? 0);
    request.removeHeader('Connection');
    request.once('socket', (socket) => {
      meter.follow(socket);
      limit = setTimeout(() => request.destroy(waitedTooLong(meter.deed, 'headers', limit_ms)), limit_ms);
    });
    request.once('response', resolve).on('error', reject);
    request.once('close', () => reject(failure('offline', meter.deed, 'the connection closed')));
    request.once('response', () => clearTimeout(limit)).once('close', () => clearTimeout(limit));
    request.end(exchange.body);
  });
}

/** The error that an answer with an unexpected status stands for, with the beginning of its text. */
async function refusal(answer: OpenAnswer, { way, now }: HttpOptions): Promise<GweError> {
  const { response, deed } = answer;
  const body = await readText(answer, MAX_ERROR_BYTES, way.timeout_ms).catch(() => '');
  response.destroy();
  const { statusCode: status = 0, statusMessage: reason = '', headers } = response;
  return statusFailure(deed, { status, reason, headers, body }, now());
}

/** The rest of the body as text. Raises `protocol` when it is longer than `limit_bytes`. */
async function readText(answer: OpenAnswer, limit_bytes: number, idle_ms: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyOf(answer, idle_ms)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit_bytes) {
      answer.response.destroy();
      throw failure('protocol', answer.deed, `its answer is longer than ${limit_bytes} bytes`);
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The body, piece by piece; raises `timeout` when the next piece takes longer than `idle_ms` once it is asked for: a
 * reader may take its time. Whoever leaves it early destroys the response.
 */
export async function* bodyOf(answer: OpenAnswer, idle_ms: number): AsyncGenerator<Buffer, void, void> {
  const { response, deed } = answer;
  const pieces: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
  for (;;) {
    const limit = setTimeout(() => response.destroy(waitedTooLong(deed, 'body', idle_ms)), idle_ms);
    const piece = await pieces.next().finally(() => clearTimeout(limit));
    if (piece.done === true) return;
    yield piece.value;
  }
}
