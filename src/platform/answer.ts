/**
 * An answer as a value, and how it becomes bytes. Clients of the One Platform look for the very spelling `Content-Length: `,
 * for the reason phrase, for header and body in one segment, and some have room for 200 bytes: so nothing is chunked,
 * nothing compressed, and no header is sent that nobody needs.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GweError, httpStatus } from '../errors.ts';
import { ANSWER_SILENCE_MS, RETRY_AFTER_S } from './limits.ts';

export interface Answer {
  status: number;
  headers?: ReadonlyArray<readonly [name: string, value: string]>;
  body?: string | Buffer;
  /** In place of `body`. `open` is called once, when it is really sent; else `discard`, so that nothing stays open. */
  stream?: { length_bytes: number; open(): Readable; discard?(): void };
  /** In place of both: what comes as it happens (Server-Sent Events), until one side has enough. The one answer that is chunked. */
  feed?: { open(): Readable };
  /** In place of all: the answer comes when something happens. Only what it needs for that is kept meanwhile. */
  later?: Later;
}

export interface Later {
  /** Begins to wait; calls back once. */
  begin(ready: (answer: Promise<Answer>) => void): void;
  /** The caller has gone: what is called back then is sent to nobody. */
  giveUp(): void;
}

const TEXT = 'text/plain; charset=utf-8';
const CSV = 'text/csv; charset=utf-8';
const FORM = 'application/x-www-form-urlencoded; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** 204, 205, 304: a status without body. */
export function empty(status: 204 | 205 | 304, headers: Answer['headers'] = []): Answer {
  return { status, headers };
}

export function text(body: string, headers: ReadonlyArray<readonly [string, string]> = []): Answer {
  return { status: 200, headers: [['Content-Type', TEXT], ...headers], body };
}

export function form(body: string): Answer {
  return { status: 200, headers: [['Content-Type', FORM]], body };
}

/** Rows of a list, CR LF after each; 204 when there are none. */
export function csvList(rows: readonly string[]): Answer {
  if (rows.length === 0) return empty(204);
  return { status: 200, headers: [['Content-Type', CSV]], body: rows.map((row) => `${row}\r\n`).join('') };
}

/** One row, without line end: some clients take all that follows the last comma. */
export function csvRow(row: string): Answer {
  return { status: 200, headers: [['Content-Type', CSV]], body: row };
}

export function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: [
      ['Content-Type', JSON_TYPE],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body: `${JSON.stringify(value)}\n`,
  };
}

/** An error for clients of the One Platform: its status line is its body, where some of them look for it. */
export function statusLine(status: number, headers: ReadonlyArray<readonly [string, string]> = []): Answer {
  return {
    status,
    headers: [['Content-Type', TEXT], ...headers],
    body: `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`,
  };
}

/** What was raised, as the answer of the One Platform's own paths. */
export function errorAsLine(error: unknown): Answer {
  return statusLine(statusOf(error), retryHeader(error));
}

/** What was raised, as the answer of the JSON API. A defect's own words stay in the log. */
export function errorAsJson(error: unknown): Answer {
  const isOwn = error instanceof GweError && error.code !== 'internal' && error.code !== 'io';
  const { code, message, hint } = isOwn ? error : new GweError('internal', 'Cannot answer: see the log');
  const answer = json(statusOf(error), { error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  return { ...answer, headers: [...(answer.headers ?? []), ...retryHeader(error)] };
}

function statusOf(error: unknown): number {
  if (error instanceof GweError && error.code === 'timeout') return 408;
  if (error instanceof GweError && error.status === 429) return 429;
  return httpStatus(error);
}

function retryHeader(error: unknown): ReadonlyArray<readonly [string, string]> {
  if (statusOf(error) !== 503 && statusOf(error) !== 429) return [];
  const wait_s = error instanceof GweError ? error.retryAfter_s : undefined;
  return [['Retry-After', String(wait_s ?? RETRY_AFTER_S)]];
}

/** Sends an answer. Rejects only when its stream breaks; the connection is gone then. */
export async function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Answer,
  close: boolean,
): Promise<void> {
  if (outgoing.destroyed) {
    answer.stream?.discard?.();
    return;
  }
  const { body } = answer;
  const length_bytes = answer.stream?.length_bytes ?? (body === undefined ? 0 : Buffer.byteLength(body));
  // An explicit Connection header also keeps node from adding its Keep-Alive line.
  const keep = outgoing.shouldKeepAlive && !close;
  outgoing.writeHead(answer.status, [
    ...(answer.headers ?? []).flat(),
    // 204 and 205 carry it too, as the One Platform always did; 304 must not: it would speak of the value.
    ...(answer.status === 304 || answer.feed !== undefined ? [] : ['Content-Length', String(length_bytes)]),
    'Connection',
    keep ? 'keep-alive' : 'close',
  ]);
  const source = answer.stream ?? answer.feed;
  if (incoming.method !== 'HEAD' && source !== undefined) {
    await sendStream(outgoing, source.open());
    return;
  }
  answer.stream?.discard?.();
  outgoing.end(body);
}

async function sendStream(outgoing: ServerResponse, source: Readable): Promise<void> {
  const { socket } = outgoing;
  const stalled = () => outgoing.destroy(new GweError('timeout', 'Cannot send: the client takes nothing'));
  socket?.setTimeout(ANSWER_SILENCE_MS, stalled);
  try {
    await pipeline(source, outgoing);
  } finally {
    socket?.off('timeout', stalled);
    socket?.setTimeout(0);
  }
}
