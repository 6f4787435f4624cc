/**
 * A real S3 API on the loopback for tests: OpenStack Swift, whole, in one process over a temporary folder (object-store.py),
 * and a line to it that can be cut, as networks do.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AwsClient } from 'aws4fetch';

const ACCESS_KEY = 'test:tester';
const SECRET_KEY = 'a-secret-of-the-tests';
/** Python's modules are read from the disk first: on a busy machine that takes its time. */
const START_WITHIN_MS = 60_000;

/** What the environment of a platform holds that may use the store. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY } as const;

export interface ObjectStore {
  port: number;
  /** A new bucket, as an operator writes its address; `more` is further parameters of it. */
  bucket(more?: string): Promise<{ name: string; address: string }>;
  /** A signed request of another client: its status and text. */
  ask(method: string, path: string, body?: string): Promise<{ status: number; text: string }>;
  stop(): Promise<void>;
}

/** Starts a store. It ends with the test process at the latest, because it ends with its standard input. */
export async function startObjectStore(): Promise<ObjectStore> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-object-store-'));
  const script = join(import.meta.dirname, 'object-store.py');
  const child = spawn('/usr/bin/python3', [script, folder, ACCESS_KEY, SECRET_KEY], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const port = await portOf(child);
  const client = new AwsClient({
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
    service: 's3',
    region: 'us-east-1',
    retries: 0,
  });
  let buckets = 0;
  const ask: ObjectStore['ask'] = async (method, path, body) => {
    const answer = await client.fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    port,
    ask,
    async bucket(more = '') {
      buckets += 1;
      const made = await ask('PUT', `/bucket${buckets}`);
      assert.equal(made.status, 200, made.text);
      const name = `bucket${buckets}`;
      return { name, address: `s3://${name}?endpoint=http://127.0.0.1:${port}${more}` };
    },
    async stop() {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let [out, err] = ['', ''];
  child.stderr?.on('data', (text) => {
    err += text;
  });
  return await new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`The object store did not start: ${err}`)),
      START_WITHIN_MS,
    );
    child.once('close', (code) => reject(new Error(`The object store ended with ${code}: ${err}`)));
    child.stdout?.on('data', (text) => {
      out += text;
      if (!out.endsWith('\n')) return;
      clearTimeout(late);
      resolve(Number(out));
    });
  });
}

/** What happens to a connection over the line. */
export type Weather = 'fine' | 'refused' | 'silent' | 'busy' | { breaksAfter_bytes: number };

export interface Line {
  port: number;
  /** For connections from now on; those that are open are cut. */
  set(weather: Weather): void;
  /** Connections that were broken by the weather. */
  broken: number;
}

const BUSY = 'HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** Lays a line to `target`, a port of the loopback; it is gone at the end of the test. */
export async function layLine(t: TestContext, target: number): Promise<Line> {
  let weather: Weather = 'fine';
  const open = new Set<Socket>();
  const server = createServer((near) => {
    open.add(near.on('error', () => {}).on('close', () => open.delete(near)));
    if (weather === 'refused') return void near.destroy();
    if (weather === 'silent') return void near.resume();
    if (weather === 'busy') return void near.once('data', () => near.end(BUSY));
    const far = connect(target, '127.0.0.1').on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far);
    if (weather === 'fine') return void far.pipe(near);
    let left_bytes = weather.breaksAfter_bytes;
    far.on('end', () => near.end());
    far.on('data', (piece: Buffer) => {
      left_bytes -= piece.length;
      if (left_bytes > 0) return void near.write(piece);
      line.broken += 1;
      near.write(piece.subarray(0, piece.length + left_bytes), () => near.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  t.after(() => {
    cut();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const line: Line = {
    port: address.port,
    broken: 0,
    set(to) {
      weather = to;
      cut();
    },
  };
  return line;
}
