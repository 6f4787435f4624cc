/**
 * A pipe for what a program prints. Node.js hands its children one end of a socket, which cannot be opened by its name: a
 * script's `echo … >/dev/stderr` or `tee /dev/stdout` would fail. The kernel gives a true pipe to who opens a fifo twice.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

export interface OutputPipe {
  /** The end to write to, for a child; the caller closes it once the child has it. */
  writeEnd: number;
  output: Socket;
}

/**
 * Makes a pipe by a fifo in `folder`, which is gone again when this resolves. Returns undefined where none can be made:
 * the file system has no fifos, or the machine no mkfifo.
 */
export async function makeOutputPipe(folder: string): Promise<OutputPipe | undefined> {
  const path = join(folder, '.output');
  try {
    // One that a power cut left behind.
    remove(path);
    if (!(await makeFifo(path))) return undefined;
    // In this order none of the two waits for the other. What the child writes to must block as usual.
    const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(path, constants.O_WRONLY);
    return { writeEnd, output: new Socket({ fd: readEnd, readable: true, writable: false }) };
  } catch {
    return undefined;
  } finally {
    remove(path);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder that cannot be written to, in which there is none either.
  }
}

async function makeFifo(path: string): Promise<boolean> {
  const child = spawn('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
  return await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (status) => resolve(status === 0));
  });
}

/** Closes both ends of a pipe that no child was given. */
export function dropPipe(pipe: OutputPipe | undefined): void {
  closeWriteEnd(pipe);
  pipe?.output.destroy();
}

/** Closes the end that the child has by now. */
export function closeWriteEnd(pipe: OutputPipe | undefined): void {
  if (pipe !== undefined) closeSync(pipe.writeEnd);
}
