/** The log: one line an event on standard error, which supervisord keeps and rotates. Standard output stays for answers. */
import { explain } from '../errors.ts';

/** From the least to the most urgent, by the names that the original's debug level has. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line longer than this is cut: what a platform or a script says must not flood the log. */
export const LOG_LINE_MAX_CHARACTERS = 2000;

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  error(text: string): void;
  critical(text: string): void;
}

/**
 * Makes a log that writes what is at least as urgent as `level` with `write` (a whole line with its newline).
 * Keys of gateways (40 hex digits) never reach it: all but their first four digits are replaced.
 */
export function createLog(
  level: LogLevel,
  now: () => number = Date.now,
  write: (line: string) => void = writeToStderr,
): Log {
  const least = LOG_LEVELS.indexOf(level);
  const at = (of: LogLevel) => (text: string) => {
    if (LOG_LEVELS.indexOf(of) >= least) write(logLine(of, text, now()));
  };
  return {
    debug: at('DEBUG'),
    info: at('INFO'),
    warning: at('WARNING'),
    error: at('ERROR'),
    critical: at('CRITICAL'),
  };
}

let stderrWatched = false;

/** When nobody reads the log any more (supervisord is gone), that must not end the engine. */
function writeToStderr(line: string): void {
  if (!stderrWatched) process.stderr.on('error', () => {});
  stderrWatched = true;
  process.stderr.write(line);
}

/** Does what can be done without: a failure is said in the log. */
export function attempt(log: Log, act: () => void): void {
  try {
    act();
  } catch (error) {
    log.error(explain(error));
  }
}

function logLine(level: LogLevel, text: string, now_ms: number): string {
  const time = new Date(now_ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const clean = text
    .replace(/\b([0-9a-f]{4})[0-9a-f]{36}\b/g, '$1…')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?')
    .replaceAll('\n', '\n    ');
  const cut = clean.length > LOG_LINE_MAX_CHARACTERS ? `${clean.slice(0, LOG_LINE_MAX_CHARACTERS)}…` : clean;
  return `${time} ${level} ${cut}\n`;
}
