/** What the installer's tests stand on: a gateway in a temporary folder, a Content Area in memory, a supervisord of sorts, a clock by hand. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { PublicKey } from '../../src/app/minisign-format.ts';
import { parseTarballName } from '../../src/app/name.ts';
import { findPlaces } from '../../src/config/places.ts';
import { defaultSettings, type Settings } from '../../src/config/settings.ts';
import { GweError } from '../../src/errors.ts';
import type { Clock } from '../../src/host/clock.ts';
import type { Room } from '../../src/host/disk.ts';
import { createLog } from '../../src/host/log.ts';
import { openInstaller } from '../../src/installer/installer.ts';
import type { InstallerDeps, ThisStart } from '../../src/installer/job.ts';
import type { InstallEnd } from '../../src/reports/ends.ts';
import type { ProcessInfo, Supervisor } from '../../src/supervisor/supervisor.ts';

/** A clock that jumps to the end of each short sleep: seconds pass, nobody waits. Long ones (limits) never end. */
export function jumpingClock(limit_ms = 5000): Clock & { elapsed_ms: number } {
  const clock = {
    elapsed_ms: 0,
    now: () => 1_700_000_000_000 + clock.elapsed_ms,
    monotonic: () => clock.elapsed_ms,
    sleep: async (duration_ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      if (duration_ms <= limit_ms) {
        await new Promise((resolve) => setImmediate(resolve));
        clock.elapsed_ms += duration_ms;
        return;
      }
      await new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
      );
    },
  };
  return clock;
}

export interface Content {
  bytes: Buffer;
  updated_s: number;
  meta: string;
}

export interface Ground {
  root: string;
  state: string;
  confDir: string;
  /** Where scripts leave their traces. */
  world: string;
  content: Map<string, Content>;
  /** Each request to the Content Area, in order: `info NAME`, `get NAME FROM`. */
  asked: string[];
  /** Each report, by id. */
  reports: Map<string, InstallEnd>;
  reportCalls: string[];
  log: string[];
  settings: Settings;
  keys: PublicKey[];
  room: Room;
  start: ThisStart;
  clock: Clock & { elapsed_ms: number };
  programs: Map<string, ProcessInfo>;
  /** Calls to supervisord. */
  supervised: string[];
  /** What the network does now: throws to break, returns to let through. */
  network: {
    onInfo?: (id: string) => void;
    onGet?: (id: string, from_byte: number) => void;
    cutAfter_bytes?: number;
  };
  hasSupervisord: boolean;
  onTakeUp?: ((app: string) => void) | undefined;
  deps(changes?: Partial<InstallerDeps>): InstallerDeps;
  /** Opens the installer anew, as a start of gwe does. */
  open(changes?: Partial<InstallerDeps>): ReturnType<typeof openInstaller>;
  /** Uploads a tarball made of these files; a string is the contents, scripts get their x bit. */
  upload(file: string, files: Record<string, string>): Buffer;
  trace(): string[];
  remove(): void;
}

export function makeGround(root = mkdtempSync(join(tmpdir(), 'gwe-installer-'))): Ground {
  const state = join(root, 'state');
  const world = join(root, 'world');
  const confDir = join(root, 'conf.d');
  for (const folder of [state, world, confDir]) mkdirSync(folder, { recursive: true });
  const ground: Ground = {
    root,
    state,
    confDir,
    world,
    content: new Map(),
    asked: [],
    reports: new Map(),
    reportCalls: [],
    log: [],
    settings: { ...defaultSettings(), 'supervisor.conf_dir': confDir, 'supervisor.log_dir': world },
    keys: [],
    room: { bytes: 1e12, inodes: 1e9 },
    start: { process: 'boot-1/100', boot: 'boot-1', uptime_ms: 0 },
    clock: jumpingClock(),
    programs: new Map(),
    supervised: [],
    network: {},
    hasSupervisord: true,
    deps: (changes = {}) => depsOf(ground, changes),
    open: (changes = {}) => openInstaller(ground.deps(changes)),
    upload: (file, files) => {
      const bytes = tarballOf(files);
      ground.content.set(file, { bytes, updated_s: 1_600_000_000, meta: '' });
      return bytes;
    },
    trace: () => linesOf(join(world, 'trace')),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  return ground;
}

export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

function depsOf(ground: Ground, changes: Partial<InstallerDeps>): InstallerDeps {
  const places = findPlaces({ GWE_CONFIG_DIR: join(ground.root, 'config'), GWE_STATE_DIR: ground.state });
  return {
    places,
    settings: ground.settings,
    clock: ground.clock,
    log: createLog('DEBUG', Date.now, (line) => void ground.log.push(line)),
    serial: 'SN-1',
    env: { PATH: process.env['PATH'] ?? '', WORLD: ground.world },
    executable: process.execPath,
    supervisor: supervisorOf(ground),
    contentInfo: async (id) => {
      ground.asked.push(`info ${id}`);
      ground.network.onInfo?.(id);
      const content = ground.content.get(id);
      if (content === undefined) return undefined;
      return { type: 'application/gzip', size_bytes: content.bytes.length, ...content };
    },
    download: async (id, from_byte) => {
      ground.asked.push(`get ${id} ${from_byte}`);
      ground.network.onGet?.(id, from_byte);
      const { bytes } = ground.content.get(id) ?? raise(new GweError('not-found', `Cannot download ${id}`));
      if (from_byte >= bytes.length && from_byte > 0)
        throw new GweError('range', `Cannot download ${id}: 416`);
      return { from_byte, total_bytes: bytes.length, body: bodyOf(bytes.subarray(from_byte), ground) };
    },
    report: (end, id) => {
      ground.reportCalls.push(id);
      if (!ground.reports.has(id)) ground.reports.set(id, end);
    },
    publicKeys: () => ground.keys,
    start: () => ground.start,
    room: () => ground.room,
    flusher: async () => ({ flush: async () => true, dismiss: () => {} }),
    ...changes,
  };
}

function raise(error: Error): never {
  throw error;
}

function bodyOf(bytes: Buffer, { network }: Ground): Readable {
  const limit = network.cutAfter_bytes;
  async function* pieces() {
    const CHUNK = 64 * 1024;
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const end = Math.min(at + CHUNK, bytes.length, limit ?? Number.POSITIVE_INFINITY);
      if (end > at) yield bytes.subarray(at, end);
      if (limit !== undefined && end >= limit) throw new GweError('offline', 'Cannot go on: the line broke');
    }
  }
  return Readable.from(pieces(), { objectMode: false });
}

function supervisorOf(ground: Ground): Supervisor {
  const check = () => {
    if (!ground.hasSupervisord)
      throw new GweError('supervisor', 'Cannot talk to supervisord: no such socket');
  };
  return {
    processes: async () => {
      check();
      return [...ground.programs.values()];
    },
    takeUp: async (app) => {
      check();
      ground.supervised.push(`takeUp ${app}`);
      ground.programs.set(app, processOf(app, { pid: ground.supervised.length }));
      ground.onTakeUp?.(app);
    },
    remove: async (app) => {
      check();
      ground.supervised.push(`remove ${app}`);
      ground.programs.delete(app);
    },
    programState: async (app) => {
      check();
      return [...ground.programs.values()].filter(({ group }) => group === app);
    },
  };
}

export function processOf(app: string, changes: Partial<ProcessInfo> = {}): ProcessInfo {
  const still = { start_s: 1, stop_s: 0, now_s: 2, exitStatus: 0, pid: 7, spawnError: '' };
  return { name: app, group: app, state: 'RUNNING', ...still, ...changes };
}

/** A real tar.gz, made by tar. */
export function tarballOf(files: Record<string, string>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-tarball-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), name.endsWith('.sh') ? 0o755 : 0o644);
    }
    const tar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-cf', '-', '-C', folder, '.'];
    return execFileSync('sh', ['-c', 'tar "$@" | gzip -n', 'sh', ...tar], { maxBuffer: 1 << 30 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An install.sh that leaves a trace of its environment, then does `more`. */
export const tracing = (more = ''): string => `#!/bin/sh
echo "install $GWE_APP_NAME v$GWE_APP_VERSION from '$GWE_PREVIOUS_VERSION' attempt $GWE_ATTEMPT\${GWE_ROLLBACK_FROM:+ back from $GWE_ROLLBACK_FROM}" >>"$WORLD/trace"
${more}
`;

/** An instruction that names these tarballs. */
export function instructionOf(...files: string[]) {
  const items = files.map((file) => ({ name: parseTarballName(file) }));
  return { text: JSON.stringify({ install: files.map((name) => ({ name })) }), items };
}

/** Takes an instruction on and works it off, as one turn of the engine. */
export async function carryOut(ground: Ground, ...files: string[]) {
  const installer = ground.open();
  const entry = installer.accept(instructionOf(...files));
  installer.cleared(entry.id);
  return await installer.workOff(new AbortController().signal);
}

export const never = (): AbortSignal => new AbortController().signal;
export const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
