/** What the benches of the platform share: a fleet in a data folder, the platform as a process, and what it uses. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import type { Store } from '../../src/platform/store.ts';
import type { Load, LoadEnd } from './platform-load.ts';

/** Clock ticks a second in /proc. */
const TICKS = 100;

export interface Fleet {
  folder: string;
  ciks: string[];
  remove(): void;
}

/** The key of the n-th gateway: every process of a bench knows it. */
export function cikOf(n: number): string {
  return createHash('sha1').update(`S${n}`).digest('hex');
}

/** A data folder with activated gateways of the product `P`, each with two values to read. */
export async function makeFleet(gateways: number): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-bench-'));
  const store = openSqliteStore(join(folder, 'platform.db'), systemClock);
  const ciks = await fillFleet(store, gateways);
  await store.close();
  return { folder, ciks, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The same in any store that is empty; returns the keys. */
export async function fillFleet(store: Store, gateways: number): Promise<string[]> {
  const now_ms = Date.now();
  await store.addProduct({ name: 'P', rid: 'p', template: '', now_ms });
  const serials = Array.from({ length: gateways }, (_, i) => `S${i}`);
  await store.addGateways(
    'P',
    serials.map((serial) => ({ serial, extra: '' })),
    'enabled',
    now_ms,
  );
  const ciks = serials.map((_, i) => cikOf(i));
  await Promise.all(
    serials.map(async (serial, i) => {
      const who = { product: 'P', serial };
      const key = createHash('sha256')
        .update(ciks[i] ?? '')
        .digest('hex');
      await store.activate(who, key, { time_ms: now_ms, connection: '', entry: '' });
      const writes = [
        ['engine_fetch', '{"install":[]}'],
        ['update_interval', '60'],
      ] as const;
      await store.exchange({ who, writes, reads: [], create: true, seen: false, now_ms });
    }),
  );
  return ciks;
}

export interface Server {
  port: number;
  pid: number;
  /** CPU time since the last call, in seconds. */
  cpu_s(): number;
  rss_mb(): number;
  /** Most that was resident since it began. */
  peak_mb(): number;
  stop(): Promise<void>;
}

/** Starts `script` (relative to this folder) with this Node.js; see `startServer`. */
export function startScript(script: string, args: readonly string[]): Promise<Server> {
  return startServer([process.execPath, join(import.meta.dirname, script), ...args]);
}

/** Starts a server whose first line on standard output ends with its port. */
export async function startServer(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  if (child.stdout === null || child.pid === undefined) throw new Error(`Cannot start ${program}`);
  const [line] = await once(child.stdout, 'data');
  const pid = child.pid;
  let before_s = cpuOf(pid);
  return {
    port: Number(/(\d+)\s*$/.exec(String(line).split('\n')[0] ?? '')?.[1]),
    pid,
    cpu_s: () => {
      const now_s = cpuOf(pid);
      const used_s = now_s - before_s;
      before_s = now_s;
      return used_s;
    },
    rss_mb: () => memoryOf(pid, 'VmRSS'),
    peak_mb: () => memoryOf(pid, 'VmHWM'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function cpuOf(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** CPU time in seconds of a process, of all that are its children, and of those that have ended. */
export function cpuOfFamily(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  const alive = [parent, ...children.filter((pid) => pid !== '').map(Number)];
  const alive_s = alive.reduce((sum, pid) => sum + cpuIfThere(pid), 0);
  // Last, so that it has the time of a child that ended meanwhile.
  const fields = statOf(parent);
  return alive_s + (Number(fields[13]) + Number(fields[14])) / TICKS;
}

function cpuIfThere(pid: number): number {
  try {
    return cpuOf(pid);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return 0;
    throw error;
  }
}

/** What /proc says about a process, from its state on. */
const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];

function memoryOf(pid: number, name: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'));
  return Math.round(Number(line?.[1]) / 1024);
}

/** Runs the load in its own process. */
export async function put(load: Load): Promise<LoadEnd> {
  const script = join(import.meta.dirname, 'platform-load.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(load)], {
    maxBuffer: 1e7,
  });
  return JSON.parse(stdout);
}
