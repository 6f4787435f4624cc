/** A request as a value: parsed once at the door, tolerant of what clients in the field send, with every limit on its body. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeForm, type FormPair } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import { BODY_SILENCE_MS, FORM_MAX_BYTES, FORM_TIMEOUT_MS } from './limits.ts';

export interface PlatformRequest {
  method: string;
  /** As sent, still encoded. */
  path: string;
  /** What follows the `?`, still encoded; '' when there is nothing. */
  query: string;
  /** A header, without blanks at its ends; `undefined` when it is missing or empty. */
  header(name: string): string | undefined;
  /** Pairs of the query. */
  pairs(): readonly FormPair[];
  /** Address of the caller; behind a trusted proxy the one that it tells. */
  remote: string;
  /** The caller's connection is encrypted, as far as this machine or a trusted proxy can tell. */
  isSecure: boolean;
  /** Aborted when the caller has gone; to be asked for once. */
  readonly gone: AbortSignal;
  /** The whole body as text. Raises `too-large` and `timeout`. */
  text(): Promise<string>;
  /** The whole body as a form, whatever its Content-Type. */
  form(): Promise<readonly FormPair[]>;
  /** What `text` or `form` has read; `undefined` before that. */
  readonly taken: string | undefined;
  /** The body as it arrives. Raises `timeout` when nothing comes for long. */
  stream(): AsyncGenerator<Buffer>;
  /** Length as announced, where it was. */
  length_bytes: number | undefined;
}

/** Reads the head of a request. The body is read by whoever asks for it. */
export function readRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  proxies: ReadonlySet<string> = NO_PROXIES,
): PlatformRequest {
  const { path, query } = splitTarget(incoming.url ?? '/');
  const stream = () => streamBody(incoming, outgoing);
  let taken: string | undefined;
  const text = async () => {
    taken = incoming.readableEnded ? (taken ?? '') : await readText(incoming, outgoing);
    return taken;
  };
  return {
    method: incoming.method === 'HEAD' ? 'GET' : (incoming.method ?? 'GET'),
    path,
    query,
    header: (name) => headerOf(incoming, name),
    pairs: () => decodeForm(query),
    ...callerOf(incoming, proxies),
    get taken() {
      return taken;
    },
    get gone() {
      return goneSignal(outgoing);
    },
    text,
    form: async () => decodeForm((await text()).replace(/[\r\n]+$/, '')),
    stream,
    length_bytes: lengthOf(incoming),
  };
}

const NO_PROXIES: ReadonlySet<string> = new Set();

/** Who calls. A proxy that is trusted tells it in X-Forwarded-For, whose last entry is its own work; all else is hearsay. */
function callerOf(
  incoming: IncomingMessage,
  proxies: ReadonlySet<string>,
): Pick<PlatformRequest, 'remote' | 'isSecure'> {
  const { socket } = incoming;
  const peer = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
  const isSecure = 'encrypted' in socket;
  if (proxies.size === 0 || !proxies.has(peer)) return { remote: peer, isSecure };
  const told = headerOf(incoming, 'x-forwarded-for')?.split(',').at(-1)?.trim();
  return { remote: told || peer, isSecure: headerOf(incoming, 'x-forwarded-proto') === 'https' };
}

/** Path and query of a request target; a proxy's absolute form (`http://host/path`) is taken too. */
function splitTarget(target: string): { path: string; query: string } {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/#.*$/, '');
  const at = local.indexOf('?');
  return at < 0
    ? { path: local || '/', query: '' }
    : { path: local.slice(0, at) || '/', query: local.slice(at + 1) };
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name.toLowerCase()];
  const text = (Array.isArray(value) ? value[0] : value)?.trim();
  return text === '' ? undefined : text;
}

function lengthOf(incoming: IncomingMessage): number | undefined {
  const length = headerOf(incoming, 'content-length');
  return length === undefined ? undefined : Number(length);
}

function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  return gone.signal;
}

/** Who asked whether to send the body is told to. */
function goOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { expect } = incoming.headers;
  if (expect !== undefined && /^100-continue$/i.test(expect) && !outgoing.headersSent)
    outgoing.writeContinue();
}

async function* streamBody(incoming: IncomingMessage, outgoing: ServerResponse): AsyncGenerator<Buffer> {
  goOn(incoming, outgoing);
  const silence = setTimeout(() => incoming.destroy(silent()), BODY_SILENCE_MS);
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      silence.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(silence);
  }
}

function silent(): GweError {
  return new GweError('timeout', `Cannot read the request: nothing came for ${BODY_SILENCE_MS / 1000} s`);
}

/** By events, not by iteration, which costs several times as much: this is done at every check-in. */
function readText(incoming: IncomingMessage, outgoing: ServerResponse): Promise<string> {
  goOn(incoming, outgoing);
  const chunks: Buffer[] = [];
  const started_ms = performance.now();
  let size_bytes = 0;
  return new Promise((resolve, reject) => {
    const silence = setTimeout(() => incoming.destroy(silent()), BODY_SILENCE_MS);
    const settle = () => {
      clearTimeout(silence);
      incoming.off('data', take).off('end', end).off('error', fail).off('close', breakOff);
    };
    const fail = (error: Error) => {
      settle();
      incoming.pause();
      reject(error);
    };
    const breakOff = () => fail(brokenOff());
    const take = (chunk: Buffer) => {
      silence.refresh();
      chunks.push(chunk);
      size_bytes += chunk.length;
      if (size_bytes > FORM_MAX_BYTES) fail(tooLong());
      else if (performance.now() - started_ms > FORM_TIMEOUT_MS) fail(tooSlow());
    };
    const end = () => {
      settle();
      resolve(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString('utf8'));
    };
    incoming.on('data', take).on('end', end).on('error', fail).on('close', breakOff);
  });
}

function tooLong(): GweError {
  return new GweError(
    'too-large',
    `Cannot take the request: its body is longer than ${FORM_MAX_BYTES} bytes`,
  );
}

function tooSlow(): GweError {
  return new GweError('timeout', `Cannot read the request: it took longer than ${FORM_TIMEOUT_MS / 1000} s`);
}

function brokenOff(): GweError {
  return new GweError('refused', 'Cannot read the request: it broke off');
}

/** One value of a form; of a name that comes twice the last one counts. */
export function fieldOf(pairs: readonly FormPair[], name: string): string | undefined {
  return pairs.findLast(([key]) => key === name)?.[1];
}

/** All values of `name` and of `name[]`, in order. */
export function fieldsOf(pairs: readonly FormPair[], name: string): string[] {
  return pairs.flatMap(([key, value]) => (key === name || key === `${name}[]` ? [value] : []));
}

/** A segment of a path: `+` stays, a broken `%` too. */
export function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
