/** argv in, exit code out: the one place where the real things are made and handed down. */
import { basename } from 'node:path';
import { isSea } from 'node:sea';
import { run } from './cli/run.ts';
import { findPlaces } from './config/places.ts';
import { systemClock } from './host/clock.ts';

/** The command line that runs gwe again: the single file, or Node.js with this file. */
function executable(): string[] {
  return isSea() ? [process.execPath] : [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

/** Aborted by the first TERM or INT; a second one ends gwe at once, as signals do. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}

async function main(): Promise<void> {
  process.stdout.on('error', () => process.exit(1));
  const status = await run(process.argv.slice(2), basename(process.argv0), {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true,
    isErrorTerminal: process.stderr.isTTY === true,
    clock: systemClock,
    places: findPlaces(process.env),
    signal: stopSignal(),
    executable: executable(),
  });
  process.exit(status);
}

main().catch((error: unknown) => {
  process.stderr.write(`gwe: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
