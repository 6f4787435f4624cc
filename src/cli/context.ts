/** What a command is handed: the outside world, made once in main.ts. Nothing in cli/ reaches past it for time, output or places. */
import type { Places } from '../config/places.ts';
import type { Clock } from '../host/clock.ts';

export interface CommandContext {
  env: NodeJS.ProcessEnv;
  /** Writes to standard output, as it is: no newline is added. For what the command was asked to print. */
  out(text: string): void;
  /** Writes bytes to standard output; `process.stdout` when it is left out. */
  outBytes?(bytes: Uint8Array): void;
  /** Writes to standard error, as it is: no newline is added. For progress, warnings and errors. */
  err(text: string): void;
  /** Whether standard output is a terminal. */
  isTerminal: boolean;
  /** Whether standard error is one: progress is then drawn in place. No when it is left out. */
  isErrorTerminal?: boolean;
  clock: Clock;
  places: Places;
  /** Aborted by TERM and INT. Who takes it says that it will end by it; a command that never does is ended by the signal itself. */
  signal: AbortSignal;
  /** The command line that runs gwe again: the single file, or node and main.ts. */
  executable: string[];
  /** Standard input; `process.stdin` when it is left out. */
  input?: NodeJS.ReadableStream & { isTTY?: boolean };
}
