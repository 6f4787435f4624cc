/** Servers for the client's tests, all real and on loopback: raw ones that say exactly what they are told, and certificates. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ClientOptions, createDeviceClient, type DeviceClient } from '../../src/client/client.ts';
import type { Traffic } from '../../src/client/http.ts';
import { GweError } from '../../src/errors.ts';

export const CIK = '0123456789abcdef0123456789abcdef01234567';

export interface RawServer {
  url: URL;
  /** What the server was told, one text a request. */
  requests: string[];
  /** Number of connections so far. */
  connections: number;
  sockets: Set<Socket>;
}

/** Answers each whole request with what `answer` returns (`undefined`: nothing, it may use the socket itself). */
export async function rawServer(
  t: TestContext,
  answer: (request: string, socket: Socket, n: number) => string | Buffer | undefined,
  server: Server = createServer(),
  event: 'connection' | 'secureConnection' = 'connection',
): Promise<RawServer> {
  const raw: RawServer = {
    url: new URL('http://127.0.0.1'),
    requests: [],
    connections: 0,
    sockets: new Set(),
  };
  server.on(event, (socket: Socket) => {
    raw.connections += 1;
    raw.sockets.add(socket);
    let seen = '';
    socket.on('error', () => {});
    socket.on('close', () => raw.sockets.delete(socket));
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      const length = wholeLength(seen);
      if (length === undefined || seen.length < length) return;
      raw.requests.push(seen.slice(0, length));
      seen = seen.slice(length);
      const said = answer(raw.requests.at(-1) ?? '', socket, raw.requests.length);
      if (said !== undefined) socket.write(said);
    });
  });
  raw.url = await listening(t, server, event === 'connection' ? 'http' : 'https');
  t.after(() => raw.sockets.forEach((socket) => void socket.destroy()));
  return raw;
}

function wholeLength(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  return end + 4 + Number(text.slice(0, end).match(/content-length: *(\d+)/i)?.[1] ?? 0);
}

/** Starts `server` on loopback, to be closed with the test. */
export async function listening(t: TestContext, server: Server, scheme: string): Promise<URL> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** An answer as old servers give it. */
export function answer(status: string, body = '', headers: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join(
    '\r\n',
  );
}

/** A client with short limits and what it reported as traffic. */
export function clientFor(
  t: TestContext,
  server: URL,
  more: Partial<ClientOptions> = {},
): DeviceClient & { traffic: Traffic[] } {
  const traffic: Traffic[] = [];
  const client = createDeviceClient({
    server,
    userAgent: 'GatewayEngine-v1.2.3',
    timeout_ms: 5_000,
    allowHttp: false,
    env: {},
    onTraffic: (each) => traffic.push(each),
    ...more,
  });
  t.after(() => client.close());
  return { ...client, traffic };
}

/** The GweError that `doing` ends with. */
export async function failureOf(doing: Promise<unknown>): Promise<GweError> {
  const error = await doing.then(() => undefined).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof GweError, `expected a GweError, got ${String(error)}`);
  return error;
}

export interface Pem {
  key: string;
  cert: string;
  keyFile: string;
  certFile: string;
}

/** A certificate authority, which makes certificates for 127.0.0.1 and localhost unless told otherwise. */
export interface Authority {
  certFile: string;
  cert: string;
  issue(name: string, options?: { from?: string; to?: string; san?: string }): Pem;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CA_CONFIG = `[ca]
default_ca = it
[it]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

/** Makes a new authority in a folder that goes with this test. */
export function authority(t: { after(fn: () => void): void }, name = 'Test CA'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (each: string) => join(folder, each);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(file('index'), '');
  writeFileSync(file('ca.conf'), CA_CONFIG);
  openssl(
    'req',
    '-x509',
    ...EC,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
  );
  return {
    certFile: file('ca.crt'),
    cert: readFileSync(file('ca.crt'), 'utf8'),
    issue(
      leaf,
      { from = '20200101000000Z', to = '20490101000000Z', san = 'DNS:localhost,IP:127.0.0.1' } = {},
    ) {
      const [keyFile, certFile] = [file(`${leaf}.key`), file(`${leaf}.crt`)];
      openssl('req', '-new', ...EC, '-keyout', keyFile, '-out', `${leaf}.csr`, '-subj', `/CN=${leaf}`);
      writeFileSync(file('san'), `subjectAltName=${san}\n`);
      const signing = ['-config', 'ca.conf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-extfile', 'san'];
      const dates = ['-startdate', from, '-enddate', to];
      openssl('ca', '-batch', '-notext', ...signing, ...dates, '-in', `${leaf}.csr`, '-out', certFile);
      return {
        key: readFileSync(keyFile, 'utf8'),
        cert: readFileSync(certFile, 'utf8'),
        keyFile,
        certFile,
      };
    },
  };
}
