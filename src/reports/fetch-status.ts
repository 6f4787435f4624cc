/** The text of `fetch_status`: how an install ended, in a line for a person, and below it what install.sh printed. Pure. */
import type { InstallEnd } from './ends.ts';
import { formatDuration, formatSize } from './sizes.ts';

/** Of what a script printed, after cleaning; the head and the tail are kept. The setting for its raw bytes is smaller by default. */
export const OUTPUT_MAX_CHARACTERS = 1024 * 1024;
/** Of a reason or a note: they may quote what a stranger wrote. */
export const CLAUSE_MAX_CHARACTERS = 1000;

/** One line with the outcome, a note where there is one, then the cleaned output. */
export function fetchStatusText(end: InstallEnd): string {
  const lines = [`${oneLine(end.name)}: ${outcomeText(end)}`];
  if (end.note !== undefined && end.note !== '') lines.push(oneLine(end.note));
  const output = cleanOutput(end.output ?? Buffer.alloc(0));
  if (output !== '') lines.push(output);
  return lines.join('\n');
}

function outcomeText(end: InstallEnd): string {
  const why = oneLine(end.why ?? '');
  switch (end.outcome) {
    case 'installed':
      return `installed${end.duration_ms === undefined ? '' : ` in ${formatDuration(end.duration_ms)}`}${runText(end)}`;
    case 'discarded':
      return clauses('discarded', end.check, why);
    case 'failed':
      return clauses('failed', why || 'install.sh did not end well') + rollbackText(end);
    case 'gone':
      return clauses('gone', why || 'not in the Content Area');
    case 'waiting':
      return clauses('waiting', why);
    case 'malformed':
      return clauses('malformed', why);
  }
}

function runText({ attempt, exit, delta }: InstallEnd): string {
  const parts = [
    attempt === undefined ? [] : `attempt ${attempt}`,
    exit === undefined ? [] : `exit ${exit}`,
    delta === undefined
      ? []
      : `delta, ${formatSize(delta.fetched_bytes)} instead of ${formatSize(delta.whole_bytes)}`,
  ].flat();
  return parts.length > 0 ? ` (${parts.join(', ')})` : '';
}

function rollbackText({ rolledBackTo, rollbackFailed }: InstallEnd): string {
  if (rollbackFailed !== undefined) return `; v${oneLine(rollbackFailed)} could not be brought back`;
  return rolledBackTo === undefined ? '' : `; back at v${oneLine(rolledBackTo)}`;
}

function clauses(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(': ');
}

function oneLine(text: string): string {
  const line = cleanText(text).replace(/\s+/g, ' ').trim();
  return line.length > CLAUSE_MAX_CHARACTERS ? `${wellFormed(line.slice(0, CLAUSE_MAX_CHARACTERS))}…` : line;
}

/**
 * What a script printed, made harmless to whoever reads it on a terminal or a page: bytes that are no UTF-8 become U+FFFD,
 * escape sequences and control characters but tab and newline go, of a line that was overwritten with carriage returns
 * (a progress bar) the last state stays. Blank ends are cut off; so is the middle of what is longer than its limit.
 */
export function cleanOutput(output: Uint8Array): string {
  const text = cleanText(Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString('utf8'));
  const trimmed = text.replace(/^\n+/, '').trimEnd();
  if (trimmed.length <= OUTPUT_MAX_CHARACTERS) return trimmed;
  const half = OUTPUT_MAX_CHARACTERS / 2;
  const cut = `\n[… ${trimmed.length - 2 * half} characters left out …]\n`;
  return `${wellFormed(trimmed.slice(0, half))}${cut}${wellFormed(trimmed.slice(-half))}`;
}

/** Terminal control strings (ECMA-48: OSC, DCS, SOS, PM, APC), in their 7-bit and 8-bit forms; they never span a line here. */
const CONTROL_STRING =
  /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\n\x90\x98\x9c-\x9f]{0,1000}(?:\x07|\x1b\\|\x9c)/g;
/** Control sequences (ECMA-48: CSI), then any other escape. */
const CONTROL_SEQUENCE = /(?:\x1b\[|\x9b)[0-?]{0,100}[ -/]{0,10}[@-~]?|\x1b[ -/]{0,10}[0-~]?/g;
/** Control characters but tab, newline and carriage return; line separators and marks that turn the direction of text. */
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function cleanText(text: string): string {
  return text
    .replace(CONTROL_STRING, '')
    .replace(CONTROL_SEQUENCE, '')
    .replace(CONTROL, '')
    .split('\n')
    .map(lastState)
    .join('\n');
}

/** Of `10 %\r50 %\r100 %`: `100 %`; of a line that ends with a carriage return, all but that. */
function lastState(line: string): string {
  if (!line.includes('\r')) return line;
  return line.split('\r').findLast((state) => state.trim() !== '') ?? '';
}

/** Without the halves of a character that a cut may have left. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
