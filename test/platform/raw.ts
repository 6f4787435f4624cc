/** A platform on a free port, and bytes to and from it as a client in the field would see them: no HTTP library between. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { eventually } from '../e2e/machine.ts';

export const TOKEN = 'a-token-for-the-tests-of-the-platform';
/** No answer may take longer; a test that would wait for ever fails with it. */
const DEADLINE_MS = 10_000;

export interface RawAnswer {
  /** The status line, without its line end. */
  status: string;
  /** All lines of the head, without the status line, as spelt. */
  headers: string[];
  body: Buffer;
  /** Head and body. */
  size_bytes: number;
  /** How many pieces it came in. */
  segments: number;
}

export interface RawConnection {
  send(bytes: string | Buffer): void;
  /** The next answer; its length is told by Content-Length alone. */
  answer(patience_ms?: number): Promise<RawAnswer>;
  /** What came and has not been taken as an answer. */
  rest(): string;
  /** Resolves when the other side has ended the connection. */
  ended: Promise<void>;
  close(): void;
  socket: Socket;
}

export function connect(port: number): RawConnection {
  const socket = connectSocket({ port, host: '127.0.0.1' });
  let chunks: Buffer[] = [];
  let wake = () => {};
  let over = false;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    wake();
  });
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      wake();
      resolve();
    };
    socket.on('close', end).on('end', end).on('error', end);
  });
  const next = async (patience_ms = DEADLINE_MS): Promise<RawAnswer> => {
    const late = AbortSignal.timeout(patience_ms);
    for (;;) {
      const all = Buffer.concat(chunks);
      const found = parse(all);
      if (found !== undefined) {
        const segments = chunks.length;
        chunks = all.length > found.size_bytes ? [all.subarray(found.size_bytes)] : [];
        return { ...found, segments };
      }
      if (over) throw new Error(`The connection ended before an answer was whole: ${all.toString('latin1')}`);
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        late.addEventListener('abort', () => reject(new Error(`No answer in ${patience_ms} ms`)), {
          once: true,
        });
      });
    }
  };
  return {
    send: (bytes) => void socket.write(bytes),
    answer: next,
    rest: () => Buffer.concat(chunks).toString('latin1'),
    ended,
    close: () => void socket.destroy(),
    socket,
  };
}

function parse(bytes: Buffer): Omit<RawAnswer, 'segments'> | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [status = '', ...headers] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const length = headers
    .find((line) => line.startsWith('Content-Length: '))
    ?.slice('Content-Length: '.length);
  const size_bytes = end + 4 + Number(length ?? 0);
  if (bytes.length < size_bytes) return undefined;
  return { status, headers, body: bytes.subarray(end + 4, size_bytes), size_bytes };
}

/** A header's value, by its very spelling. */
export function header(answer: RawAnswer, name: string): string | undefined {
  return answer.headers.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
}

export interface RunningTestPlatform {
  port: number;
  folder: string;
  /** One request on a connection of its own. */
  ask(bytes: string | Buffer): Promise<RawAnswer>;
  /** The same, put together: extra header lines, and a body with its length. */
  call(method: string, path: string, headers?: readonly string[], body?: string | Buffer): Promise<RawAnswer>;
  /** As an operator. */
  operate(
    method: string,
    path: string,
    body?: string | Buffer,
    headers?: readonly string[],
  ): Promise<RawAnswer>;
  /** A product with one activated gateway: its CIK. */
  gateway(product: string, serial: string): Promise<string>;
  connect(): RawConnection;
  /** Resolves when so many long polls are held. */
  held(polls: number): Promise<void>;
  close(): Promise<void>;
}

/** What two replicas share. */
interface Shared {
  store: string;
  content?: string;
  env?: NodeJS.ProcessEnv;
}

let shareNew: (() => Promise<Shared>) | undefined;

/** From now on each platform that is started in this process is two replicas, and connections go to one and the other in turn. */
export function startReplicas(share: () => Promise<Shared>): void {
  shareNew = share;
}

/** Starts a platform on a temporary folder (or on `folder`), closed at the end of the test. */
export async function platformFor(
  test: TestContext,
  options: {
    folder?: string;
    clock?: Clock;
    log?: (line: string) => void;
    proxies?: readonly string[];
    requestsPerKey?: number;
    callsAtOnce?: number;
    approval?: readonly string[];
    content?: string;
    store?: string;
    hasDatabaseTime?: boolean;
    env?: NodeJS.ProcessEnv;
  } = {},
): Promise<RunningTestPlatform> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gwe-platform-'));
  const clock = options.clock ?? systemClock;
  const shared = await shareNew?.();
  const log = createLog('DEBUG', clock.now, options.log ?? (() => {}));
  const start = (dataFolder: string) =>
    startPlatform({
      dataFolder,
      host: '127.0.0.1',
      port: 0,
      vendor: 'acme',
      presetToken: TOKEN,
      ...(options.proxies === undefined ? {} : { proxies: options.proxies }),
      ...(options.approval === undefined ? {} : { approval: options.approval }),
      ...(options.requestsPerKey === undefined ? {} : { requestsPerKey: options.requestsPerKey }),
      ...(options.callsAtOnce === undefined ? {} : { callsAtOnce: options.callsAtOnce }),
      ...(options.content === undefined ? {} : { content: options.content }),
      ...(options.store === undefined ? {} : { store: options.store }),
      hasDatabaseTime: options.hasDatabaseTime ?? false,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...shared,
      log,
      clock,
    });
  const running = await start(folder);
  const replicas = shared === undefined ? [running] : [running, await start(join(folder, 'second'))];
  const connections: RawConnection[] = [];
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const replica of replicas) await replica.close();
  };
  test.after(async () => {
    await close();
    for (const connection of connections) connection.close();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  });
  let calls = 0;
  const open = () => {
    calls += 1;
    const connection = connect(replicas[calls % replicas.length]?.port ?? running.port);
    connections.push(connection);
    return connection;
  };
  const heldAt = async (port: number) => {
    const connection = connect(port);
    connection.send(request('GET', '/metrics', [`X-Exosite-Token: ${TOKEN}`]));
    const text = (await connection.answer()).body.toString();
    connection.close();
    return Number(/^gwe_parked_polls (\d+)$/m.exec(text)?.[1]);
  };
  const held = (polls: number) =>
    eventually(`${polls} polls are held`, async () => {
      const counts = await Promise.all(replicas.map(({ port }) => heldAt(port)));
      return counts.reduce((sum, count) => sum + count, 0) === polls;
    });
  const ask = async (bytes: string | Buffer) => {
    const connection = open();
    connection.send(bytes);
    try {
      return await connection.answer();
    } finally {
      connection.close();
    }
  };
  const call: RunningTestPlatform['call'] = (method, path, headers = [], body = '') =>
    ask(request(method, path, headers, body));
  const operate: RunningTestPlatform['operate'] = (method, path, body = '', headers = []) =>
    call(method, path, [`X-Exosite-Token: ${TOKEN}`, ...headers], body);
  return {
    port: running.port,
    folder,
    ask,
    call,
    operate,
    async gateway(product, serial) {
      await operate('POST', '/api/v1/products', JSON.stringify({ id: product }));
      await operate('POST', '/api/v1/gateways', JSON.stringify({ product, serial }));
      const answer = await call(
        'POST',
        '/provision/activate',
        [],
        `vendor=acme&model=${product}&sn=${serial}`,
      );
      return answer.body.toString();
    },
    connect: open,
    held: async (polls) => void (await held(polls)),
    close,
  };
}

/** A request as the C and Python clients write it. */
export function request(
  method: string,
  path: string,
  headers: readonly string[] = [],
  body: string | Buffer = '',
): Buffer {
  const bytes = Buffer.from(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: m2.exosite.com',
    ...headers,
    ...(bytes.length > 0 || method === 'POST' || method === 'PUT' ? [`Content-Length: ${bytes.length}`] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

/** A clock that stands still until it is moved. */
export function clockAt(start_ms: number): Clock & { set(now_ms: number): void } {
  let now_ms = start_ms;
  return {
    ...systemClock,
    now: () => now_ms,
    set: (to_ms) => {
      now_ms = to_ms;
    },
  };
}
