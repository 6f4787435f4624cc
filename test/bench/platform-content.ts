/**
 * What content costs when it lies in S3: 100 MB to many gateways at once through one platform, from its folder, through from a
 * real S3 API on this machine (OpenStack Swift, test/platform/object-store.ts), and from the cache.
 *
 *     node test/bench/platform-content.ts [CLIENTS]
 *
 * Prints a table in Markdown; docs/scale.md says what it means.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREDENTIALS, startObjectStore } from '../platform/object-store.ts';

const CLIENTS = Number(process.argv[2] ?? 20);
const CONTENT_BYTES = 100e6;
const TOKEN = 'a-token-for-the-benches-of-the-platform';
const CLOCK_TICKS = 100;

const statusOf = (pid: number, key: string) =>
  Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

function cpu_s(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

async function start(
  folder: string,
  content: string,
): Promise<{ child: ChildProcess; origin: string; pid: number }> {
  const serve = join(import.meta.dirname, 'platform-serve.ts');
  const env = { ...process.env, ...CREDENTIALS };
  const child = spawn(process.execPath, [serve, folder, content], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('no process');
  return { child, origin: `http://127.0.0.1:${String(port).trim()}`, pid: child.pid };
}

/** Reads an answer to its end, away from the measured process. Resolves to how many bytes came. */
function swallow(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (answer) => {
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length;
      });
      answer.on('end', () => resolve(bytes)).on('error', reject);
    }).on('error', reject);
  });
}

async function measure(name: string, content: string, hasCache = false): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-content-bench-'));
  const { child, origin, pid } = await start(folder, content);
  const operate = (method: string, path: string, body: string | Buffer) =>
    fetch(`${origin}/api/v1/${path}`, { method, body, headers: { Authorization: `Bearer ${TOKEN}` } });
  await operate('POST', 'products', '{"id":"P1"}');
  await operate('POST', 'gateways', '{"product":"P1","serial":"SN1"}');
  const activation = 'vendor=acme&model=P1&sn=SN1';
  const cik = await (
    await fetch(`${origin}/provision/activate`, { method: 'POST', body: activation })
  ).text();
  const begun_ms = performance.now();
  await operate('PUT', 'products/P1/content/big.bin', randomBytes(CONTENT_BYTES));
  const upload_s = (performance.now() - begun_ms) / 1000;
  const url = `${origin}/provision/download?vendor=acme&model=P1&id=big.bin`;
  const headers = { 'X-Exosite-CIK': cik };
  if (hasCache) {
    const metrics = async () =>
      (await fetch(`${origin}/metrics`, { headers: { Authorization: `Bearer ${TOKEN}` } })).text();
    while (/^gwe_content_cache_bytes 0$/m.test(await metrics()))
      await new Promise((go) => setTimeout(go, 100));
  }
  const before = { cpu_s: cpu_s(pid), rss_mb: statusOf(pid, 'VmRSS') };
  const start_ms = performance.now();
  const sizes = await Promise.all(Array.from({ length: CLIENTS }, () => swallow(url, headers)));
  const took_s = (performance.now() - start_ms) / 1000;
  if (sizes.some((size) => size !== CONTENT_BYTES)) throw new Error(`not whole: ${sizes}`);
  const all_mb = (CLIENTS * CONTENT_BYTES) / 1e6;
  const row = [
    name,
    `${(CONTENT_BYTES / 1e6 / upload_s).toFixed(0)} MB/s`,
    `${(all_mb / took_s).toFixed(0)} MB/s`,
    `${(((cpu_s(pid) - before.cpu_s) * 1000) / all_mb).toFixed(2)} ms/MB`,
    `${before.rss_mb.toFixed(0)} → at most ${statusOf(pid, 'VmHWM').toFixed(0)} MB`,
  ];
  console.log(`| ${row.join(' | ')} |`);
  child.kill();
  await once(child, 'exit');
  rmSync(folder, { recursive: true, force: true });
}

const store = await startObjectStore();
console.log(`| 100 MB to ${CLIENTS} at once | upload | download, all together | platform's CPU | resident |`);
console.log('| --- | --- | --- | --- | --- |');
await measure('from the folder', '');
await measure('through from S3', (await store.bucket()).address);
await measure("from the replica's cache", (await store.bucket('&cache=1G')).address, true);
await store.stop();
