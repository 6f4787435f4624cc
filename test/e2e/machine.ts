/**
 * A machine for end-to-end tests: the built file, run with no Node.js on PATH, in folders of its own, against a real
 * platform on loopback. Everything that a test starts here ends with the test.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { changeSetting } from '../../src/config/engine-config.ts';
import { isSettingName } from '../../src/config/settings.ts';
import { atEnd } from './ending.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** The file that people copy to a gateway. */
export const GWE = join(ROOT, 'dist', `gwe-linux-${process.arch}`);
/** The other architecture's file. */
export const GWE_ARM64 = join(ROOT, 'dist', 'gwe-linux-arm64');
/** A path on which there is no Node.js. */
export const BARE_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Longest wait for something that should happen at once. */
const DEADLINE_MS = 60_000;

/** What undoes things at its end: a test, or whatever else uses this machine. */
export interface Ending {
  after(undo: () => unknown): void;
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A folder that goes with the test. */
export function tempFolder(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-e2e-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a program that ends with the test, TERM first. Its output is kept in `said`. */
export function start(
  t: Ending,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): { process: ChildProcess; said: { stdout: string; stderr: string }; ended: Promise<number | null> } {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (said.stdout += chunk));
  child.stderr.on('data', (chunk) => (said.stderr += chunk));
  const ended = new Promise<number | null>((done) => child.once('close', (status) => done(status)));
  atEnd(t, async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    let isForced = false;
    const force = () => {
      isForced = true;
      child.kill('SIGKILL');
      for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    };
    const limit = setTimeout(force, DEADLINE_MS);
    await ended;
    clearTimeout(limit);
    if (isForced) throw new Error(`${command.join(' ')}, or what it left behind, did not end on TERM`);
  });
  return { process: child, said, ended };
}

/** Waits for `look` to find something; looks again each few milliseconds until the deadline, and then says what it waited for. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Waited ${DEADLINE_MS / 1000} s in vain for ${what}`);
    await new Promise((again) => setTimeout(again, 25));
  }
}

export interface Platform {
  url: string;
  token: string;
  product: string;
  /** Runs an operator's command, logged in. */
  operator(...args: string[]): Ran;
  /** Every value that was ever written to a dataport of a gateway, oldest first. */
  points(serial: string, alias: string): Promise<string[]>;
  /** What stands in a dataport. */
  value(serial: string, alias: string): Promise<string>;
  process: ChildProcess;
}

export const TOKEN = 'an-operator-token-for-tests-only-0123456789';

/** Starts `gwe platform` on a free port with one product, and logs an operator in. */
export async function startPlatform(
  t: Ending,
  options: { args?: string[]; ca?: string } = {},
): Promise<Platform> {
  const folder = tempFolder(t);
  const env = {
    PATH: BARE_PATH,
    GWE_CONFIG_DIR: join(folder, 'operator'),
    GWE_STATE_DIR: join(folder, 'op-state'),
  };
  const running = start(
    t,
    [
      GWE,
      'platform',
      '--data',
      join(folder, 'data'),
      '--listen',
      '127.0.0.1:0',
      '--no-deltas',
      ...(options.args ?? []),
    ],
    { ...env, GWE_PLATFORM_TOKEN: TOKEN },
  );
  const url = await eventually('the platform to listen', () => {
    if (running.process.exitCode !== null) throw new Error(`the platform ended: ${running.said.stderr}`);
    return running.said.stdout.match(/https?:\/\/[\d.]+:\d+/)?.[0];
  });
  const product = 'prod-e2e';
  const operator = (...args: string[]) => run([GWE, ...args], env);
  const ca = options.ca === undefined ? [] : ['--ca', options.ca];
  expectZero(operator('login', url, '--token', TOKEN, '--product', product, ...ca));
  expectZero(operator('product', 'create', product));
  const points = async (serial: string, alias: string) => {
    const path = `/api/v1/gateways/${product}/${serial}/dataports/${alias}?points=1000`;
    const answer = await fetch(new URL(path, url), { headers: { Authorization: `Bearer ${TOKEN}` } });
    if (answer.status === 404) return [];
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const { points: found } = (await answer.json()) as { points: { id: number; value: string }[] };
    return found.toSorted((a, b) => a.id - b.id).map((point) => point.value);
  };
  const value = async (serial: string, alias: string) =>
    expectZero(operator('read', serial, alias)).stdout.trimEnd();
  return { url, token: TOKEN, product, operator, points, value, process: running.process };
}

export interface Gateway {
  serial: string;
  folder: string;
  env: NodeJS.ProcessEnv;
  /** How gwe is started on it. */
  command: readonly string[];
  /** Runs gwe on this gateway to its end. */
  gwe(...args: string[]): Ran;
  /** The same without stopping the test's own servers meanwhile. */
  gweAsync(...args: string[]): Promise<Ran>;
  /** The folder of the state. */
  state: string;
  config: string;
}

/** Writes settings into Engine.config, all at once: `gwe config set` has its own tests. */
export function writeSettings(config: string, settings: Readonly<Record<string, string>>): void {
  const path = join(config, 'Engine.config');
  let text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const [name, value] of Object.entries(settings)) {
    if (!isSettingName(name)) throw new Error(`There is no setting ${name}`);
    text = changeSetting(text, name, value);
  }
  writeFileSync(path, text);
}

/** A gateway with its own folders, which knows the platform and its own serial. */
export function makeGateway(
  t: Ending,
  options: {
    server: string;
    product: string;
    serial?: string;
    settings?: Record<string, string>;
    gwe?: string[];
    /** More of its environment. */
    env?: Record<string, string>;
  },
): Gateway {
  const folder = tempFolder(t);
  const serial = options.serial ?? 'gw-1';
  const config = join(folder, 'etc');
  const state = join(folder, 'state');
  const env = {
    PATH: BARE_PATH,
    HOME: folder,
    GWE_CONFIG_DIR: config,
    GWE_STATE_DIR: state,
    ...options.env,
  };
  const command = options.gwe ?? [GWE];
  const gwe = (...args: string[]) => run([...command, ...args], env);
  mkdirSync(join(folder, 'log'));
  mkdirSync(join(folder, 'conf.d'));
  expectZero(gwe('--set-product-id', options.product, '--set-uuid', serial, '--set-server', options.server));
  const settings = {
    'supervisor.socket': join(folder, 'supervisor.sock'),
    'supervisor.conf_dir': join(folder, 'conf.d'),
    'supervisor.log_dir': join(folder, 'log'),
    'install.reserve_bytes': '0',
    ...options.settings,
  };
  writeSettings(config, settings);
  const gweAsync = async (...args: string[]) => {
    const running = start(t, [...command, ...args], env);
    return { status: await running.ended, ...running.said };
  };
  return { serial, folder, env, command, gwe, gweAsync, state, config };
}

/** supervisorctl of a running supervisord. */
export interface Supervisorctl {
  (...args: string[]): Ran;
  /** The supervisord itself. */
  process: ChildProcess;
}

/** Starts a real supervisord for this gateway, and returns supervisorctl. */
export async function startSupervisord(t: Ending, gateway: Gateway, programs = ''): Promise<Supervisorctl> {
  const conf = join(gateway.folder, 'supervisord.conf');
  const socket = join(gateway.folder, 'supervisor.sock');
  writeFileSync(
    conf,
    `[unix_http_server]\nfile=${socket}\n[supervisord]\nlogfile=${gateway.folder}/supervisord.log\n` +
      `pidfile=${gateway.folder}/supervisord.pid\nnodaemon=true\nchildlogdir=${gateway.folder}/log\n` +
      '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n' +
      `[supervisorctl]\nserverurl=unix://${socket}\n[include]\nfiles=${gateway.folder}/conf.d/*.conf\n${programs}`,
  );
  const running = start(t, ['/usr/bin/supervisord', '-c', conf], { ...gateway.env });
  const ctl = (...args: string[]) => run(['/usr/bin/supervisorctl', '-c', conf, ...args], gateway.env);
  await eventually('supervisord to answer', () => existsSync(socket) && ctl('pid').status === 0);
  return Object.assign(ctl, { process: running.process });
}

/** The program section under which supervisord keeps gwe of this gateway. */
export function gweProgram(gateway: Gateway, args = ''): string {
  const environment = Object.entries(gateway.env)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
  return (
    `[program:gwe]\ncommand=${GWE} ${args}\nautorestart=true\nstartsecs=1\nstopwaitsecs=30\n` +
    `environment=${environment}\nstdout_logfile=${gateway.folder}/log/gwe.out\nstderr_logfile=${gateway.folder}/log/gwe.err\n`
  );
}

/** Makes NAME.vVERSION.tar.gz in `folder` from files (contents by path; those that begin with `#!` are executable). */
export function makeTarball(folder: string, file: string, files: Record<string, string | Buffer>): string {
  const source = mkdtempSync(join(folder, 'app-'));
  for (const [name, contents] of Object.entries(files)) {
    const path = join(source, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    if (contents.slice(0, 2).toString() === '#!') {
      chmodSync(path, 0o755);
    }
  }
  const path = join(folder, file);
  expectZero(
    run(['/bin/sh', '-c', 'cd "$1" && tar -czf "$2" -- *', 'sh', source, path], { PATH: BARE_PATH }),
  );
  rmSync(source, { recursive: true });
  return path;
}

/** Runs a command to its end. */
export function run(command: readonly string[], env: NodeJS.ProcessEnv, cwd = '/'): Ran {
  const [file = '', ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    env,
    cwd,
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** The result of a command that must have ended well; else an error with all that it said. */
export function expectZero(ran: Ran): Ran {
  if (ran.status !== 0) throw new Error(`ended with ${ran.status}\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}

/** PSS in KiB of a process and all its descendants. */
export function pssOfTree_KiB(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  const own = Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+) kB/m)?.[1]);
  return children.reduce((sum, child) => sum + pssOfTree_KiB(child), own);
}
