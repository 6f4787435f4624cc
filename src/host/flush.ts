/**
 * Having everything on the disks reach them. Node.js has no sync(2), so the program `sync` does it. To start one takes longer
 * than most installs leave to write: so one is started early, while there is nothing else to do, and waits for its word.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from './clock.ts';

/** How long `sync` may take before it is no longer waited for. */
const FLUSH_LIMIT_S = 120;

export interface Flusher {
  /**
   * Has the kernel write out everything that programs have written: what a script of somebody else's installed must not be
   * lost to a power cut after we have noted that it ended. Resolves when that is done; tells whether it was. Call it once.
   */
  flush(): Promise<boolean>;
  /** Ends what stands by; does nothing after `flush`. */
  dismiss(): void;
}

/** Starts what stands by to flush. When gwe dies it ends by itself: nobody can give it the word any more. */
export function standByToFlush(clock: Clock): Flusher {
  const waiting = startWaiting();
  return {
    // Whatever has ended the one that stood by (a script that ends all shells, say), the disk must still be written.
    flush: async () => {
      const end = await release(waiting, clock);
      return (end === 'failed' ? await release(startWaiting(), clock) : end) === 'done';
    },
    dismiss: () => void waiting.child.stdin?.destroy(),
  };
}

interface Waiting {
  child: ChildProcess;
  ended: Promise<'done' | 'failed'>;
}

function startWaiting(): Waiting {
  const child = spawn('/bin/sh', ['-c', 'read -r word && exec "$0"', 'sync'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin?.on('error', () => {});
  const ended = new Promise<'done' | 'failed'>((resolve) => {
    child.once('exit', (status) => resolve(status === 0 ? 'done' : 'failed'));
    child.once('error', () => resolve('failed'));
  });
  return { child, ended };
}

async function release({ child, ended }: Waiting, clock: Clock): Promise<'done' | 'failed' | 'late'> {
  child.stdin?.end('go\n');
  const over = new AbortController();
  // A disk that hangs holds even a killed process: that must not hold us.
  const late = clock.sleep(FLUSH_LIMIT_S * 1000, over.signal).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const end = await Promise.race([ended, late]);
  over.abort();
  if (end === 'late') child.kill('SIGKILL');
  return end;
}
