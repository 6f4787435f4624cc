/** argv in, exit code out: the one place where the real things are made and handed down. */
import { constants } from 'node:os';
import { basename } from 'node:path';
import { isSea } from 'node:sea';
import { run } from './cli/run.ts';
import { findPlaces } from './config/places.ts';
import { systemClock } from './host/clock.ts';

/** The command line that runs gwe again: the single file, or Node.js with this file. */
function executable(): string[] {
  return isSea() ? [process.execPath] : [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

/** What a shell adds to the number of the signal that ended a program. */
const ENDED_BY_SIGNAL = 128;

/**
 * Gives a signal that the first TERM or INT aborts; a second one ends gwe at once, as signals do. So does the first one where
 * nothing ever asked for the signal: what does not look at it would go on as if nobody had pressed Ctrl-C.
 */
function stopSignal(): () => AbortSignal {
  const stop = new AbortController();
  let isHeeded = false;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      if (!isHeeded) process.exit(ENDED_BY_SIGNAL + constants.signals[name]);
      stop.abort();
    });
  }
  return () => {
    isHeeded = true;
    return stop.signal;
  };
}

async function main(): Promise<void> {
  const signalOfStop = stopSignal();
  process.stdout.on('error', () => process.exit(1));
  const status = await run(process.argv.slice(2), basename(process.argv0), {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true,
    isErrorTerminal: process.stderr.isTTY === true,
    clock: systemClock,
    places: findPlaces(process.env),
    get signal() {
      return signalOfStop();
    },
    executable: executable(),
  });
  process.exit(status);
}

main().catch((error: unknown) => {
  process.stderr.write(`gwe: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
