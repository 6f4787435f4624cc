/**
 * The steps of a shell script: the commands that it runs, one after the other, as the shell's own tracing (`set -x`) tells
 * them. Before each, the shell works out PS4, and with it runs a hook of ours that counts, and at the chosen step kills
 * everything. Works with every POSIX shell and needs nothing to be installed; what a command does inside is not cut.
 */
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step, as it stood in the first run. */
export interface Step {
  /** '' where the shell does not tell. */
  line: string;
  command: string;
}

/** Shells whose tracing is as POSIX says (sh, -x and PS4). */
const SHELL = /^(?:sh|ash|dash|bash|ksh|mksh|yash)$/;
const MARK = 'gwe-step';
/**
 * Sourced with its own name as $0, the script sees what it would see by itself. The line break is for dash and busybox:
 * on a last line without one they take the end of the input for the end of PS4.
 */
const RUN_TRACED = 'PS4=$1; shift; set -x; . "$0"\n';

/** How to run the script at `path` step by step; `undefined` when it is not for a shell. `bench`: the hook's folder, as the script sees it. */
export function tracedCommand(path: string, bench: string): string[] | undefined {
  const interpreter = interpreterOf(path);
  const shell = interpreter.find((word) => SHELL.test(word.slice(word.lastIndexOf('/') + 1)));
  if (shell === undefined) return undefined;
  return [...interpreter, '-c', RUN_TRACED, './install.sh', `<${MARK} $(${bench}/step) \${LINENO-}> `];
}

/** Ends the script's last line, if it does not: see `RUN_TRACED`. */
export function endLastLine(path: string): void {
  if (!readFileSync(path, 'latin1').endsWith('\n')) appendFileSync(path, '\n');
}

/** The words of the first line after `#!`. */
export function interpreterOf(path: string): string[] {
  const [first = ''] = readFileSync(path, 'latin1').slice(0, 256).split('\n');
  return first.slice(2).trim().split(/\s+/);
}

/** Lays the hook out in `bench`; it dies at step `cut` (0: never), and `target` is whom it kills: see kill(1). */
export function layHook(bench: string, seen: string, cut: number, target: '-1' | '0'): void {
  const hook = `#!/bin/sh
read -r n <${seen}/count
n=$((n + 1))
echo $n >${seen}/count
[ "$n" != ${cut} ] || kill -9 ${target}
printf %s $n
`;
  writeFileSync(join(bench, 'count'), '0\n');
  writeFileSync(join(bench, 'step'), hook);
  chmodSync(join(bench, 'step'), 0o755);
}

/** How many steps were begun since the hook was laid out. */
export function stepsBegun(bench: string): number {
  return Number(readFileSync(join(bench, 'count'), 'utf8'));
}

/** The first step is ours: it sources the script. */
export const FIRST_STEP = 2;

/** The steps by number, as the output of a traced run tells them; and what the script itself printed. */
export function parseTrace(output: string): { steps: Map<number, Step>; printed: string } {
  const steps = new Map<number, Step>();
  const printed: string[] = [];
  for (const line of output.split('\n')) {
    const [, number, at = '', command = ''] = line.match(TRACE_LINE) ?? [];
    if (number === undefined) printed.push(line);
    else steps.set(Number(number), { line: at, command });
  }
  return { steps, printed: printed.join('\n') };
}

/** A shell in a shell repeats the first character. */
const TRACE_LINE = new RegExp(`^<+${MARK} (\\d+) (\\d*)> (.*)$`);
