/**
 * Running a program of somebody else's: in a process group of its own, bounded in time and in what it may say, with
 * standard output and standard error in the order in which they were written.
 */
import { spawn } from 'node:child_process';
import { systemCode } from '../errors.ts';
import type { Clock } from './clock.ts';
import { closeWriteEnd, type OutputPipe } from './output-pipe.ts';

export interface ScriptRun {
  /** What to execute, with its arguments. */
  command: readonly [file: string, ...args: string[]];
  cwd: string;
  env: NodeJS.ProcessEnv;
  timeout_s: number;
  /** Between TERM and KILL to the process group. */
  killGrace_s: number;
  /** Of the output: half of it is kept from the head, half from the tail. */
  outputMax_bytes: number;
  /** A true pipe for the output, so that the script may open its /dev/stdout and /dev/stderr by name. */
  pipe?: Promise<OutputPipe | undefined>;
  /** Aborting ends the run as the time limit would. */
  signal?: AbortSignal;
  /** Told the process id, which is its group's too, so that whoever starts after a crash of ours can end it. */
  onStart?: (pid: number) => void;
}

export interface ScriptEnd {
  /** Exit status; `undefined` when a signal ended it or it could not be started. */
  status: number | undefined;
  killedBy: NodeJS.Signals | undefined;
  /** Why it could not be started at all. */
  startError: string | undefined;
  timedOut: boolean;
  /** Stopped because `signal` was aborted. */
  aborted: boolean;
  /** Head and tail of stdout and stderr; what was left out between them is said there. */
  output: Buffer;
  duration_ms: number;
}

/** How long, after a script has ended, a pipe that a child of its still holds may go on delivering. */
const DRAIN_LIMIT_MS = 200;

/**
 * Runs a script to its end and reports how it ended; never rejects. Whatever is left of its process group when it ends
 * is ended too: services belong to supervisord, not to a script.
 */
export async function runScript(run: ScriptRun, clock: Clock): Promise<ScriptEnd> {
  const started_ms = clock.monotonic();
  const output = new HeadAndTail(run.outputMax_bytes);
  const pipe = await run.pipe;
  // `2>&1` in a shell that then becomes the script: one pipe, so the two streams keep their order.
  const child = spawn('/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', ...run.command], {
    cwd: run.cwd,
    env: run.env,
    detached: true,
    stdio: ['ignore', pipe?.writeEnd ?? 'pipe', 'ignore'],
  });
  closeWriteEnd(pipe);
  const stdout = pipe?.output ?? child.stdout;
  if (child.pid !== undefined) run.onStart?.(child.pid);
  stdout?.on('data', (chunk: Buffer) => output.add(chunk));
  stdout?.on('error', () => {});
  const closed = new Promise<void>((resolve) => stdout?.once('close', resolve));
  const exited = new Promise<Pick<ScriptEnd, 'status' | 'killedBy' | 'startError'>>((resolve) => {
    child.once('exit', (status, killedBy) =>
      resolve({ status: status ?? undefined, killedBy: killedBy ?? undefined, startError: undefined }),
    );
    child.once('error', (error) =>
      resolve({ status: undefined, killedBy: undefined, startError: systemCode(error) ?? error.message }),
    );
  });
  const guard = guardRun(child.pid, run, clock, exited);
  const end = await exited;
  const stopped = guard.release();
  killGroup(child.pid, 'SIGKILL');
  await Promise.race([closed, clock.sleep(DRAIN_LIMIT_MS)]);
  stdout?.destroy();
  return { ...end, ...stopped, output: output.bytes(), duration_ms: clock.monotonic() - started_ms };
}

function guardRun(pid: number | undefined, run: ScriptRun, clock: Clock, exited: Promise<unknown>) {
  const over = new AbortController();
  const stopped = { timedOut: false, aborted: false };
  const end = async () => {
    killGroup(pid, 'SIGTERM');
    await clock.sleep(run.killGrace_s * 1000, over.signal).then(
      () => killGroup(pid, 'SIGKILL'),
      () => {},
    );
  };
  const onAbort = () => {
    stopped.aborted = true;
    void end();
  };
  if (run.signal?.aborted) onAbort();
  else run.signal?.addEventListener('abort', onAbort, { once: true });
  void clock.sleep(run.timeout_s * 1000, over.signal).then(
    () => {
      stopped.timedOut = !stopped.aborted;
      return end();
    },
    () => {},
  );
  void exited.then(() => over.abort());
  return {
    release: () => {
      run.signal?.removeEventListener('abort', onAbort);
      return stopped;
    },
  };
}

/** How often a process group that is being ended is looked at. */
const LOOK_EVERY_MS = 100;

/** Ends what is left of the process group `pid`: TERM, and KILL after `killGrace_s`. Returns whether there was anything. */
export async function endGroup(pid: number, killGrace_s: number, clock: Clock): Promise<boolean> {
  if (!isGroup(pid)) return false;
  killGroup(pid, 'SIGTERM');
  const deadline_ms = clock.monotonic() + killGrace_s * 1000;
  while (isGroup(pid) && clock.monotonic() < deadline_ms) await clock.sleep(LOOK_EVERY_MS);
  killGroup(pid, 'SIGKILL');
  return true;
}

function isGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already, or run as somebody else by now, whom we may not signal.
    if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
  }
}

/** Keeps the first and the last bytes of a stream, in bounded memory. */
class HeadAndTail {
  #head: Buffer[] = [];
  #head_bytes = 0;
  #tail: Buffer[] = [];
  #tail_bytes = 0;
  #cut_bytes = 0;
  readonly #half_bytes: number;

  constructor(limit_bytes: number) {
    this.#half_bytes = Math.floor(limit_bytes / 2);
  }

  add(chunk: Buffer): void {
    const forHead = chunk.subarray(0, this.#half_bytes - this.#head_bytes);
    if (forHead.length > 0) this.#head.push(forHead);
    this.#head_bytes += forHead.length;
    const rest = chunk.subarray(forHead.length);
    if (rest.length > 0) this.#tail.push(rest);
    this.#tail_bytes += rest.length;
    while (this.#tail_bytes > this.#half_bytes) this.#dropFromTail(this.#tail_bytes - this.#half_bytes);
  }

  #dropFromTail(excess_bytes: number): void {
    const first = this.#tail.shift();
    if (first === undefined) return;
    const dropped = Math.min(first.length, excess_bytes);
    if (dropped < first.length) this.#tail.unshift(first.subarray(dropped));
    this.#tail_bytes -= dropped;
    this.#cut_bytes += dropped;
  }

  bytes(): Buffer {
    const mark = this.#cut_bytes === 0 ? '' : `\n[… ${this.#cut_bytes} bytes left out …]\n`;
    return Buffer.concat([...this.#head, Buffer.from(mark), ...this.#tail]);
  }
}
