/** A real PostgreSQL server for tests: made in a temporary folder, reached over a socket there, with nothing on the network. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../e2e/machine.ts';

const DEBIAN = '/usr/lib/postgresql';

export interface RealPostgres {
  /** Of a database that is made anew with each call, where `tablespace` names it there; reached by `host` where something stands between. */
  database(where?: { tablespace?: string; host?: string }): string;
  /** Runs statements in the database `postgres`, and returns what comes out, without headings. */
  ask(sql: string): string;
  /** Where its socket lies. */
  folder: string;
  /** kill -9 of the server with all its processes, as when the machine dies; resolves when they are gone. */
  kill(): Promise<void>;
  /** Starts it again, where it has ended; resolves when it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Of the server while it runs; all its processes are children of it. */
  pid(): number;
}

export interface Kind {
  isDurable: boolean;
  /** In place of what is set for tests, and beside it: `name=value`. */
  settings?: readonly string[];
  /** Where its write-ahead log lies, in segments of 1 MiB; beside the data when left out. */
  wal?: string;
  /** The server that it stands by for, as a copy of it. */
  standbyOf?: RealPostgres;
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
export function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Makes a cluster and starts it; one that need not outlive the machine is quicker. */
export async function startPostgres(kind: Kind = { isDurable: true }): Promise<RealPostgres> {
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
  const run = (program: string, args: readonly string[]) =>
    execFileSync(join(bin, program), args, { ...options, stdio: 'pipe', encoding: 'utf8' });
  const ask = (sql: string) =>
    run('psql', ['-h', folder, '-U', 'gwe', '-d', 'postgres', '-qAtc', sql]).trim();
  if (kind.standbyOf === undefined) {
    const wal = kind.wal === undefined ? [] : ['-X', kind.wal, '--wal-segsize=1'];
    run('initdb', ['-D', data, '-U', 'gwe', '-A', 'trust', '-E', 'UTF8', '--no-sync', ...wal]);
  } else {
    run('pg_basebackup', [
      '-h',
      kind.standbyOf.folder,
      '-U',
      'gwe',
      '-D',
      data,
      '-R',
      '-c',
      'fast',
      '--no-sync',
    ]);
    // Nobody stands by for it, should it take over.
    appendFileSync(join(data, 'postgresql.auto.conf'), "synchronous_standby_names = ''\n");
  }
  let server: ChildProcess | undefined;
  let databases = 0;
  const isUp = () => {
    try {
      ask('SELECT 1');
      return true;
    } catch {
      return false;
    }
  };
  const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
  const gone = (child: ChildProcess) =>
    hasEnded(child) ? Promise.resolve() : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const settings = [
    'listen_addresses=',
    'shared_buffers=32MB',
    `fsync=${kind.isDurable ? 'on' : 'off'}`,
    ...(kind.settings ?? []),
  ];
  const args = ['-D', data, '-k', folder, ...settings.flatMap((setting) => ['-c', setting])];
  const start = () =>
    eventually('PostgreSQL answers', () => {
      // A group of its own, so that the server can be killed with all its processes.
      if (server === undefined || hasEnded(server))
        server = spawn(join(bin, 'postgres'), args, { ...options, stdio: 'ignore', detached: true });
      return isUp();
    });
  const end = async (signal: 'SIGKILL' | 'SIGQUIT') => {
    if (server?.pid === undefined || hasEnded(server)) return;
    process.kill(signal === 'SIGKILL' ? -server.pid : server.pid, signal);
    await gone(server);
    server = undefined;
  };
  await start();
  return {
    database({ tablespace = 'pg_default', host = folder } = {}) {
      databases += 1;
      ask(`CREATE DATABASE t${databases} TABLESPACE ${tablespace}`);
      return `postgres://gwe@/t${databases}?host=${encodeURIComponent(host)}`;
    },
    ask,
    folder,
    pid: () => server?.pid ?? 0,
    kill: () => end('SIGKILL'),
    start: async () => void (await start()),
    async stop() {
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
