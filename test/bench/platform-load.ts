/**
 * The load of the platform's bench, as a process of its own: check-ins on kept-alive connections, as raw bytes, so that it
 * costs as little as it can. Told what to do by one JSON argument; prints one line of JSON.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { encodeBody } from '../../src/client/wire.ts';

export interface Load {
  /** Of one platform or of several replicas, who get as many connections each. */
  ports: readonly number[];
  ciks: readonly string[];
  /** In place of `ciks`: a fleet whose keys `fleetCikOf` tells, each gateway once, in a mixed order that begins at the `from`-th. */
  fleet?: { gateways: number; from: number };
  connections: number;
  warmUp_s: number;
  duration_s: number;
  /** Check-ins a second, sent whether or not the answers keep up; absent: as many as the connections carry. */
  rate?: number;
  /** Reports say the same at each check-in. */
  sameReports?: boolean;
}

export interface LoadEnd {
  answered: number;
  /** Those of the warm-up too. */
  inAll: number;
  /** What the load itself costs, in microseconds of CPU for each request. */
  load_cpu_us: number;
  failed: number;
  perSecond: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
  request_bytes: number;
  answer: string;
}

/** Wide enough for all that is counted in a run; replaced in place. */
export const COUNTER = '0000000000';

/** Three reports as a gateway with a handful of applications sends them: about 1, 2 and 1 KB. */
export function reports(n: number): Record<string, string> {
  const method = { tot_rx: 123_456, max_rx: 4_321, tot_tx: 65_432, max_tx: 1_234, num: 144 };
  const window = { http_read: method, http_write: method, http_write_read: method, http_download: method };
  const apps = Array.from({ length: 12 }, (_, i) => [
    `application${i}`,
    { version: `1.${i}.0`, status: 'RUNNING', pid: 1000 + i, start: 1_700_000_000 + n, restarts: 0 },
  ]);
  return {
    usage_report: JSON.stringify({ seq: COUNTER, eth0: { hour: window, day: window } }),
    device_info: JSON.stringify({ seq: COUNTER, uname: 'Linux gateway 6.1.0', df: 'x'.repeat(900) }),
    engine_report: JSON.stringify({ seq: COUNTER, update_interval: 60, apps: Object.fromEntries(apps) }),
  };
}

/** The key of the n-th gateway of a fleet that is too large to be told one by one; PostgreSQL makes the same. */
export function fleetCikOf(n: number): string {
  return `${createHash('md5').update(`S${n}`).digest('hex')}00000000`;
}

/** A prime: its multiples go through a fleet in a mixed order. */
export const STRIDE = 7919;

/** A check-in as bytes, and where its key and its counters are. */
function checkInBytes(cik: string, n: number): { bytes: Buffer; key: number; counters: number[] } {
  const body = encodeBody(Object.entries(reports(n)));
  const head = [
    'POST /onep:v1/stack/alias?engine_fetch&update_interval HTTP/1.1',
    'Host: 127.0.0.1',
    `X-Exosite-CIK: ${cik}`,
    'User-Agent: GatewayEngine-v0.1.0',
    'Accept: application/x-www-form-urlencoded; charset=utf-8',
    'Content-Type: application/x-www-form-urlencoded; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  const counters: number[] = [];
  for (let at = bytes.indexOf(COUNTER); at >= 0; at = bytes.indexOf(COUNTER, at + 1)) counters.push(at);
  return { bytes, key: bytes.indexOf(cik), counters };
}

async function run(load: Load): Promise<LoadEnd> {
  const { fleet } = load;
  const requests = (fleet === undefined ? load.ciks : [fleetCikOf(0)]).map(checkInBytes);
  const begin_ms = performance.now() + load.warmUp_s * 1000;
  const end_ms = begin_ms + load.duration_s * 1000;
  const times_ms: number[] = [];
  const due_ms: number[] = [];
  const idle: Array<(since_ms: number) => void> = [];
  const usedBefore = process.cpuUsage();
  let count = 0;
  let failed = 0;
  let answer = '';

  const nextRequest = () => {
    count += 1;
    const request = requests[(count * STRIDE) % requests.length] ?? requests[0];
    if (request === undefined) throw new Error('no gateways');
    if (fleet !== undefined)
      request.bytes.write(
        fleetCikOf(((fleet.from + count) * STRIDE) % fleet.gateways),
        request.key,
        'latin1',
      );
    if (!load.sameReports) {
      const digits = String(count).padStart(COUNTER.length, '0');
      for (const at of request.counters) request.bytes.write(digits, at, 'latin1');
    }
    return Buffer.from(request.bytes);
  };

  const open = (n: number) =>
    new Promise<Socket>((resolve, reject) => {
      const port = load.ports[n % load.ports.length] ?? 0;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let sent_ms = 0;
      let got = '';
      const send = (since_ms: number) => {
        sent_ms = since_ms;
        socket.write(nextRequest());
      };
      const next = () => {
        const now_ms = performance.now();
        if (now_ms >= end_ms) return;
        if (load.rate === undefined) return send(now_ms);
        const since_ms = due_ms.shift();
        if (since_ms === undefined) idle.push(send);
        else send(since_ms);
      };
      socket.setEncoding('latin1');
      socket.on('data', (chunk) => {
        got += String(chunk);
        const size = sizeOf(got);
        if (size === undefined || got.length < size) return;
        const now_ms = performance.now();
        if (now_ms >= begin_ms && now_ms < end_ms) {
          times_ms.push(now_ms - sent_ms);
          if (!got.startsWith('HTTP/1.1 200')) failed += 1;
          answer = got;
        }
        got = '';
        next();
      });
      socket.on('connect', () => {
        resolve(socket);
        next();
      });
      socket.on('error', reject);
    });

  const sockets = await Promise.all(Array.from({ length: load.connections }, (_, n) => open(n)));
  if (load.rate !== undefined) await pace(load.rate, end_ms, due_ms, idle);
  else await new Promise((resolve) => setTimeout(resolve, end_ms - performance.now()));
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const socket of sockets) socket.destroy();
  const used = process.cpuUsage(usedBefore);
  times_ms.sort((a, b) => a - b);
  const part = (share: number) => round(times_ms[Math.floor(times_ms.length * share)] ?? 0);
  return {
    answered: times_ms.length,
    inAll: count,
    load_cpu_us: Math.round((used.user + used.system) / count),
    failed,
    perSecond: Math.round(times_ms.length / load.duration_s),
    p50_ms: part(0.5),
    p99_ms: part(0.99),
    max_ms: round(times_ms.at(-1) ?? 0),
    request_bytes: requests[0]?.bytes.length ?? 0,
    answer,
  };
}

/** Hands out what is due, each with the instant when it was: what waits for a connection counts as waiting. */
async function pace(
  rate: number,
  end_ms: number,
  due_ms: number[],
  idle: Array<(since_ms: number) => void>,
): Promise<void> {
  const started_ms = performance.now();
  for (let sent = 0; performance.now() < end_ms; ) {
    const until = ((performance.now() - started_ms) * rate) / 1000;
    for (; sent < until; sent += 1) {
      const at_ms = started_ms + (sent * 1000) / rate;
      const send = idle.shift();
      if (send === undefined) due_ms.push(at_ms);
      else send(at_ms);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function sizeOf(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const at = text.indexOf('Content-Length: ');
  return end + 4 + (at < 0 ? 0 : Number.parseInt(text.slice(at + 16, at + 26), 10));
}

const round = (ms: number) => Math.round(ms * 100) / 100;

if (import.meta.main) {
  const load: Load = JSON.parse(process.argv[2] ?? '{}');
  process.stdout.write(`${JSON.stringify(await run(load))}\n`);
}
