/** A real PostgreSQL server for tests: made in a temporary folder, reached over a socket there, with nothing on the network. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../e2e/machine.ts';

const DEBIAN = '/usr/lib/postgresql';

export interface RealPostgres {
  /** Of a database that is made anew with each call. */
  database(): string;
  /** kill -9 of the server with all its processes, as when the machine dies; resolves when they are gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Of the server while it runs; all its processes are children of it. */
  pid(): number;
}

/** Debian keeps its programs out of PATH, by version. */
function programs(): string {
  const version = readdirSync(DEBIAN)
    .filter((name) => existsSync(join(DEBIAN, name, 'bin', 'initdb')))
    .sort((a, b) => Number(a) - Number(b))
    .at(-1);
  if (version === undefined) throw new Error(`no PostgreSQL in ${DEBIAN}: apt-get install postgresql`);
  return join(DEBIAN, version, 'bin');
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Makes a cluster and starts it; one that need not outlive the machine is quicker. */
export async function startPostgres(
  kind: { isDurable: boolean } = { isDurable: true },
): Promise<RealPostgres> {
  const bin = programs();
  const user = owner();
  const folder = mkdtempSync(join(tmpdir(), 'gwe-pg-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  for (const path of [folder, data]) {
    chmodSync(path, 0o700);
    if (user !== undefined) chownSync(path, user.uid, user.gid);
  }
  const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'gwe', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...options,
    stdio: 'pipe',
  });
  let server: ChildProcess | undefined;
  let databases = 0;
  const ask = (sql: string) =>
    execFileSync(join(bin, 'psql'), ['-h', folder, '-U', 'gwe', '-d', 'postgres', '-qAtc', sql], {
      ...options,
      stdio: 'pipe',
    });
  const isUp = () => {
    try {
      ask('SELECT 1');
      return true;
    } catch {
      return false;
    }
  };
  const gone = (child: ChildProcess) =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const start = async () => {
    // A group of its own, so that the server can be killed with all its processes.
    server = spawn(
      join(bin, 'postgres'),
      [
        '-D',
        data,
        '-k',
        folder,
        '-c',
        'listen_addresses=',
        '-c',
        'shared_buffers=32MB',
        '-c',
        `fsync=${kind.isDurable ? 'on' : 'off'}`,
      ],
      { ...options, stdio: 'ignore', detached: true },
    );
    await eventually('PostgreSQL answers', isUp);
  };
  const end = async (signal: 'SIGKILL' | 'SIGQUIT') => {
    if (server?.pid === undefined) return;
    process.kill(signal === 'SIGKILL' ? -server.pid : server.pid, signal);
    await gone(server);
    server = undefined;
  };
  await start();
  return {
    database() {
      databases += 1;
      ask(`CREATE DATABASE t${databases}`);
      return `postgres://gwe@/t${databases}?host=${encodeURIComponent(folder)}`;
    },
    pid: () => server?.pid ?? 0,
    kill: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
