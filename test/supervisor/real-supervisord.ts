/** A real supervisord of a test's own: its configuration, socket and programs in a temporary folder, ended by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RealSupervisord {
  folder: string;
  confFolder: string;
  logFolder: string;
  socket: string;
  pid: number;
  /** What supervisord itself logged. */
  log(): string;
  writeProgram(app: string, text: string): void;
  stop(): Promise<void>;
}

const DEADLINE_MS = 20_000;

/** Starts one with no programs but those in `programs` (app → text of its file). */
export async function startSupervisord(programs: Record<string, string> = {}): Promise<RealSupervisord> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-sv-'));
  const [confFolder, logFolder, socket] = [join(folder, 'conf.d'), join(folder, 'log'), join(folder, 'sock')];
  mkdirSync(confFolder);
  mkdirSync(logFolder);
  const writeProgram = (app: string, text: string) => writeFileSync(join(confFolder, `${app}.conf`), text);
  for (const [app, text] of Object.entries(programs)) writeProgram(app, text);
  const conf = join(folder, 'supervisord.conf');
  writeFileSync(conf, configuration(folder));
  const child = spawn('supervisord', ['-n', '-c', conf], { stdio: 'ignore', cwd: folder });
  await socketIn(folder, child);
  return {
    folder,
    confFolder,
    logFolder,
    socket,
    pid: child.pid ?? 0,
    log: () => readFileSync(join(folder, 'supervisord.log'), 'utf8'),
    writeProgram,
    stop: async () => {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string): string {
  return `[unix_http_server]
file=${folder}/sock
[supervisord]
logfile=${folder}/supervisord.log
pidfile=${folder}/supervisord.pid
childlogdir=${folder}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = ${folder}/conf.d/*.conf
`;
}

async function socketIn(folder: string, child: ChildProcess): Promise<void> {
  const socket = join(folder, 'sock');
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(folder, () => existsSync(socket) && done(resolve));
    const limit = setTimeout(() => done(() => reject(new Error('supervisord made no socket'))), DEADLINE_MS);
    const onExit = (status: number | null) =>
      done(() => reject(new Error(`supervisord ended with ${status}`)));
    const done = (then: () => void) => {
      watcher.close();
      clearTimeout(limit);
      child.off('exit', onExit);
      then();
    };
    child.once('exit', onExit);
    child.once('error', (error) => done(() => reject(error)));
    if (existsSync(socket)) done(resolve);
  });
}

/** Asks again and again, a breath between, until `look` gives something; fails after a deadline. */
export async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline_ms = performance.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline_ms) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
