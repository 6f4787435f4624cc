/**
 * The stage of the demo: a temporary folder, processes that run in it, what they say shown with the time, and the
 * clearing away of all of it. What is played on it is demo.ts's business.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface Ran {
  status: number | null;
  stdout: string;
}

export interface Stage {
  folder: string;
  /** Says what happens now, with the seconds since the start. */
  step(text: string): void;
  /** Runs a command to its end, showing it and what it says. */
  show(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran>;
  /** Runs a command to its end without a word. */
  ask(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran>;
  /** Starts a program that runs until the end; what it says goes to NAME.log, its standard output comes back. */
  start(name: string, command: readonly string[], env: NodeJS.ProcessEnv): Started;
  /** Looks again and again until `look` finds something. */
  eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T>;
  /** Ends every process, the youngest first, and removes the folder. */
  clear(): Promise<void>;
}

export interface Started {
  pid: number;
  stdout(): string;
  ended: Promise<number | null>;
}

/** A program that was told to end has so long before it is killed: supervisord stops its own programs meanwhile. */
const END_LIMIT_MS = 20_000;
const LOOK_LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 150;
const INDENT = ' '.repeat(10);

/** Sets the stage up. */
export function openStage(): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-demo-'));
  const started_ms = performance.now();
  const running = new Set<ChildProcess>();
  const step = (text: string) => {
    const seconds = ((performance.now() - started_ms) / 1000).toFixed(1);
    process.stdout.write(`${`${seconds} s`.padStart(8)}  ${text}\n`);
  };
  const launch = (command: readonly string[], env: NodeJS.ProcessEnv, log: number | 'pipe') => {
    const [file = '', ...args] = command;
    // Detached, so that Ctrl-C reaches the demo alone, which then ends them in the right order.
    const child = spawn(file, args, { env, cwd: folder, detached: true, stdio: ['ignore', 'pipe', log] });
    running.add(child);
    const ended = new Promise<number | null>((done, failed) => {
      child.once('close', (status) => {
        running.delete(child);
        done(status);
      });
      child.once('error', (error) => {
        running.delete(child);
        failed(error);
      });
    });
    return { child, ended };
  };
  const run = async (command: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void) => {
    const { child, ended } = launch(command, env, 'pipe');
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) eachLine(stream, onLine);
    return { status: await ended, stdout };
  };
  return {
    folder,
    step,
    show: (command, env) => {
      step(`$ ${command.map((word) => shown(word, folder)).join(' ')}`);
      return run(command, env, (line) => process.stdout.write(`${INDENT}${line}\n`));
    },
    ask: (command, env) => run(command, env, () => {}),
    start: (name, command, env) => {
      const { child, ended } = launch(command, env, openSync(join(folder, `${name}.log`), 'a'));
      let stdout = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      return { pid: child.pid ?? 0, stdout: () => stdout, ended };
    },
    eventually,
    clear: async () => {
      for (const child of [...running].reverse()) await end(child);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** A word of a command as it is shown: programs by their name, the demo's own folder as `…`. */
function shown(word: string, folder: string): string {
  if (word.startsWith(join(folder, 'bin/')) || word.startsWith('/usr/bin/')) return basename(word);
  const short = word.replace(folder, '…');
  return /^[\w@%+=:,./…-]+$/.test(short) ? short : `'${short}'`;
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline_ms = performance.now() + LOOK_LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline_ms)
      throw new Error(`Waited ${LOOK_LIMIT_MS / 1000} s in vain for ${what}`);
    await new Promise((again) => setTimeout(again, LOOK_AGAIN_MS));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}
