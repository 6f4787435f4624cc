/**
 * Many clients of the platform's bench, as a process of their own: parked polls, downloads, gateways that come and go.
 * Told what to do by one JSON argument; prints one line of JSON.
 */
import { connect, type Socket } from 'node:net';
import { encodeBody } from '../../src/client/wire.ts';
import { reports } from './platform-load.ts';
import { cikOf } from './platform-stage.ts';

export type Task =
  | { kind: 'polls'; port: number; gateways: number; wakes: number; pid: number }
  | { kind: 'content'; port: number; cik: string; clients: number; bytes: number; pid: number }
  | {
      kind: 'gateways';
      port: number;
      gateways: number;
      interval_s: number;
      duration_s: number;
      pid: number;
    };

export interface Figures {
  p50_ms: number;
  p99_ms: number;
  done: number;
  failed: number;
  seconds: number;
  rss_mb: number;
}

const ALIAS = '/onep:v1/stack/alias';

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

function post(cik: string, body: string, query = ''): string {
  return `POST ${ALIAS}${query} HTTP/1.1\r\nHost: x\r\nX-Exosite-CIK: ${cik}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Sends and waits for the first bytes of the answer. */
function ask(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(String(chunk))).once('close', () => reject(new Error('closed')));
    socket.write(text);
  });
}

async function polls({
  port,
  gateways: count,
  wakes,
  pid,
}: Extract<Task, { kind: 'polls' }>): Promise<Figures> {
  const ciks = Array.from({ length: count }, (_, i) => cikOf(i));
  const began_ms = performance.now();
  const parked: Socket[] = [];
  for (let at = 0; at < ciks.length; at += 200) {
    const some = await Promise.all(ciks.slice(at, at + 200).map(() => open(port)));
    for (const [i, socket] of some.entries()) {
      socket.write(
        `GET ${ALIAS}?engine_fetch HTTP/1.1\r\nHost: x\r\nX-Exosite-CIK: ${ciks[at + i]}\r\nRequest-Timeout: 300000\r\n\r\n`,
      );
      parked.push(socket);
    }
  }
  const writer = await open(port);
  await ask(writer, 'GET /timestamp HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const rss_mb = await memoryOf(pid);
  const seconds = (performance.now() - began_ms) / 1000;
  const times_ms: number[] = [];
  for (let i = 0; i < wakes; i += 1) {
    const at = (i * 7919) % ciks.length;
    const poll = parked[at];
    if (poll === undefined) throw new Error('no poll');
    const woken = new Promise<void>((resolve) => poll.once('data', () => resolve()));
    const sent_ms = performance.now();
    const answered = ask(writer, post(ciks[at] ?? '', `engine_fetch=${i}`));
    await woken;
    times_ms.push(performance.now() - sent_ms);
    await answered;
  }
  return { ...shares(times_ms), done: times_ms.length, failed: 0, seconds, rss_mb };
}

async function content(task: Extract<Task, { kind: 'content' }>): Promise<Figures> {
  const began_ms = performance.now();
  let peak_mb = 0;
  const watch = setInterval(
    () =>
      void memoryOf(task.pid).then((mb) => {
        peak_mb = Math.max(peak_mb, mb);
      }),
    100,
  );
  const one = async () => {
    const socket = await open(task.port);
    let got = 0;
    const whole = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk) => {
        got += chunk.length;
        if (got > task.bytes) resolve();
      });
      socket.on('close', () => reject(new Error(`closed at ${got}`)));
    });
    socket.write(
      `GET /provision/download?vendor=P&model=P&id=big HTTP/1.1\r\nHost: x\r\nX-Exosite-CIK: ${task.cik}\r\n\r\n`,
    );
    await whole;
    socket.destroy();
  };
  await Promise.all(Array.from({ length: task.clients }, one));
  clearInterval(watch);
  const seconds = (performance.now() - began_ms) / 1000;
  return { p50_ms: 0, p99_ms: 0, done: task.clients, failed: 0, seconds, rss_mb: peak_mb };
}

/** Each gateway comes once an interval, on a connection of its own, as gwe does after its sleep. */
async function gateways(task: Extract<Task, { kind: 'gateways' }>): Promise<Figures> {
  const began_ms = performance.now();
  const times_ms: number[] = [];
  const open_: Promise<void>[] = [];
  let failed = 0;
  let peak_mb = 0;
  const checkIn = async (cik: string, n: number) => {
    const sent_ms = performance.now();
    const socket = await open(task.port);
    const body = encodeBody(Object.entries(reports(n)));
    const answer = await ask(socket, post(cik, body, '?engine_fetch&update_interval'));
    if (!answer.startsWith('HTTP/1.1 200')) failed += 1;
    times_ms.push(performance.now() - sent_ms);
    socket.destroy();
  };
  const step_ms = (task.interval_s * 1000) / task.gateways;
  for (let n = 0; n * step_ms < task.duration_s * 1000; n += 1) {
    const due_ms = began_ms + n * step_ms;
    const wait_ms = due_ms - performance.now();
    if (wait_ms > 1) await new Promise((resolve) => setTimeout(resolve, wait_ms));
    open_.push(
      checkIn(cikOf(n % task.gateways), n).catch(() => {
        failed += 1;
      }),
    );
    if (n % 100 === 0) peak_mb = Math.max(peak_mb, await memoryOf(task.pid));
  }
  await Promise.all(open_);
  return { ...shares(times_ms), done: times_ms.length, failed, seconds: task.duration_s, rss_mb: peak_mb };
}

function shares(times_ms: number[]): { p50_ms: number; p99_ms: number } {
  times_ms.sort((a, b) => a - b);
  const part = (share: number) =>
    Math.round((times_ms[Math.floor(times_ms.length * share)] ?? 0) * 100) / 100;
  return { p50_ms: part(0.5), p99_ms: part(0.99) };
}

async function memoryOf(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const [, kib] = (await readFile(`/proc/${pid}/status`, 'utf8')).match(/^VmRSS:\s+(\d+)/m) ?? [];
  return Math.round(Number(kib) / 1024);
}

if (import.meta.main) {
  const task: Task = JSON.parse(process.argv[2] ?? '{}');
  const figures = await (task.kind === 'polls'
    ? polls(task)
    : task.kind === 'content'
      ? content(task)
      : gateways(task));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}
