/**
 * The HTTP server: takes requests in, sends answers out, and holds the limits on heads, bodies, connections and time.
 * Which answer it is, dispatch.ts knows, behind the door.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { explain, GweError, systemCode } from '../errors.ts';
import { type Answer, type Later, send } from './answer.ts';
import type { Door } from './door.ts';
import * as limits from './limits.ts';
import { type PlatformRequest, readRequest } from './request.ts';

/** Files in PEM form. */
export interface TlsFiles {
  cert: string;
  key: string;
}

export interface RunningServer {
  port: number;
  /** Reads the certificate again. Raises `usage`, and then goes on with the old one. */
  reload(): Promise<void>;
  /** Stops listening, lets calls that are under way end, then closes what is left. */
  close(): Promise<void>;
}

/** Listens. Raises `usage` when the address cannot be had, or the certificate cannot be read. */
export async function startServer(
  door: Door,
  where: { host: string; port: number; tls?: TlsFiles; proxies?: readonly string[] },
): Promise<RunningServer> {
  let closing = false;
  const proxies = new Set(where.proxies);
  const inOrder = createOrder();
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    inOrder(incoming.socket, () => respond(door, { incoming, outgoing, proxies }, () => closing));
  };
  const options = {
    maxHeaderSize: limits.HEAD_MAX_BYTES,
    headersTimeout: limits.HEAD_TIMEOUT_MS,
    // Bodies have their own limits (request.ts): a large upload over a thin line may take long.
    requestTimeout: 0,
    keepAliveTimeout: limits.IDLE_TIMEOUT_MS,
    connectionsCheckingInterval: 5_000,
    requireHostHeader: false,
    noDelay: true,
  };
  const { tls } = where;
  const secure =
    tls === undefined
      ? undefined
      : (await import('node:https')).createServer({ ...options, ...(await readTls(tls)) }, onRequest);
  const server: Server = secure ?? createServer(options, onRequest);
  server.maxConnections = limits.CONNECTIONS_MAX;
  // Without these two, node would answer before the handlers had a say: an upload may be refused before it is sent.
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', refuseBroken);
  await listen(server, where);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : where.port,
    reload: async () => {
      if (tls !== undefined) secure?.setSecureContext(await readTls(tls));
    },
    close: () => {
      closing = true;
      return closeServer(server);
    },
  };
}

/**
 * Requests that were sent ahead on one connection are carried out one after the other, not only answered in that order: a
 * read behind a write must see it.
 */
function createOrder(): (socket: Socket, work: () => Promise<void>) => void {
  const underWay = new WeakMap<Socket, Promise<void>>();
  return (socket, work) => {
    const before = underWay.get(socket);
    const mine = before === undefined ? work() : before.then(work);
    underWay.set(socket, mine);
    // Work answers its own failures: it never rejects.
    void mine.then(() => {
      if (underWay.get(socket) === mine) underWay.delete(socket);
    });
  };
}

async function readTls(files: TlsFiles): Promise<{ cert: Buffer; key: Buffer }> {
  const { createSecureContext } = await import('node:tls');
  try {
    const pair = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new GweError('usage', `Cannot use the certificate ${files.cert}: ${explain(error)}`, {
      cause: error,
      hint: 'Both files must be PEM, and the key must be the one of the certificate.',
    });
  }
}

function listen(server: Server, where: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const state = systemCode(error) ?? error.message;
      reject(
        new GweError('usage', `Cannot listen on ${where.host}:${where.port}: ${state}`, {
          cause: error,
          hint: 'Give another address: --listen HOST:PORT',
        }),
      );
    });
    server.listen(where.port, where.host, resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), limits.CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
}

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  proxies: ReadonlySet<string>;
}

async function respond(
  door: Door,
  { incoming, outgoing, proxies }: Exchange,
  isClosing: () => boolean,
): Promise<void> {
  const request = readRequest(incoming, outgoing, proxies);
  incoming.on('error', ignore);
  const answer = await door.answerTo(request);
  const unread = incoming.complete ? false : await drain(incoming, request);
  if (answer.later === undefined) return sendTo(door, incoming, outgoing, answer, unread || isClosing());
  const { later } = answer;
  return hold(door, incoming, outgoing, later, () => unread || isClosing());
}

function ignore(): void {}

async function sendTo(
  door: Door,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Answer,
  close: boolean,
): Promise<void> {
  try {
    await send(incoming, outgoing, answer, close);
  } catch (error) {
    door.log.debug(`Answer to ${incoming.method} ${incoming.url} broke off: ${explain(error)}`);
    outgoing.destroy();
  }
}

/** Waits with the answer until it is there, and keeps as little of the request as can be. */
function hold(
  door: Door,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  later: Later,
  mustClose: () => boolean,
): Promise<void> {
  incoming.headers = {};
  incoming.rawHeaders = [];
  outgoing.once('close', later.giveUp);
  return new Promise((resolve) => {
    later.begin((coming) => {
      const sent = door
        .answerLater(coming)
        .then((answer) => sendTo(door, incoming, outgoing, answer, mustClose()));
      resolve(sent);
    });
    if (outgoing.destroyed) later.giveUp();
  });
}

/**
 * Reads on over a body that no handler wanted, up to a limit, so that the client gets to see a refusal in place of a
 * broken connection. Returns whether something is left: then the connection must end.
 */
async function drain(incoming: IncomingMessage, request: PlatformRequest): Promise<boolean> {
  if (incoming.complete || incoming.destroyed) return !incoming.complete;
  // Some clients announce a body with their GET and send none: they must not wait for their answer.
  const isBodyMeant = request.method !== 'GET' && incoming.headers.expect === undefined;
  if (!isBodyMeant || (request.length_bytes ?? 0) > limits.DRAIN_MAX_BYTES) return true;
  let size_bytes = 0;
  const ended = new Promise<void>((resolve) => {
    const late = setTimeout(resolve, limits.DRAIN_TIMEOUT_MS);
    const end = () => {
      clearTimeout(late);
      resolve();
    };
    incoming.on('data', (chunk: Buffer) => {
      size_bytes += chunk.length;
      if (size_bytes > limits.DRAIN_MAX_BYTES) end();
    });
    incoming.once('end', end).once('close', end);
  });
  incoming.resume();
  await ended;
  return !incoming.complete;
}

/** What is no HTTP is answered as far as it can be, and the connection ends. */
function refuseBroken(error: Error, socket: Duplex): void {
  if (!socket.writable || systemCode(error) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = systemCode(error);
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = `HTTP/1.1 ${status}\r\n`;
  socket.end(
    `${body}Date: ${new Date().toUTCString()}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
