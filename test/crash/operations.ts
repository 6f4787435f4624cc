/** What a gateway did, one step after another, as shim.ts writes it down and disk.ts replays it: one JSON value a line. */
import { readFileSync } from 'node:fs';

/** A change of the disk, by the paths at that time; `file` is one opening of a file. */
export type DiskOperation =
  | { do: 'open'; path: string; file: number; truncates: boolean; mode: number }
  | { do: 'write'; file: number; at: number; data: string }
  | { do: 'truncate'; file: number; length: number }
  | { do: 'sync-file'; file: number }
  | { do: 'sync-folder'; path: string }
  | { do: 'rename' | 'link'; path: string; to: string }
  | { do: 'unlink' | 'rmdir'; path: string }
  | { do: 'mkdir'; path: string; mode: number }
  | { do: 'symlink'; path: string; target: string }
  | { do: 'chmod'; path: string; mode: number }
  | { do: 'times'; path: string }
  /** `sync` has ended: everything is on the disk that was written before its start. */
  | { do: 'sync-all'; world: Record<string, string> };

/** What else can be told apart from outside, and is an instant to die in. */
export type OtherOperation =
  | { do: 'send' | 'answer'; what: string }
  | { do: 'spawn' | 'ended'; what: string; pid: number };

/** Where it was killed: before this was done. */
export type Death = { do: 'killed'; at: number; instead: string };

export type Operation = DiskOperation | OtherOperation | Death;

/** What an operation is called in figures and complaints. */
export function nameOf(operation: DiskOperation | OtherOperation, root: string): string {
  const where = 'path' in operation ? operation.path : 'what' in operation ? operation.what : '';
  const to = 'to' in operation ? ` → ${operation.to}` : '';
  return `${operation.do} ${where}${to}`.replaceAll(root, '').replace(/\.\d+\.new/g, '.PID.new');
}

/** The operations in a file that shim.ts wrote; a last line that is cut off does not count. */
export function readOperations(path: string): Operation[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line): Operation => JSON.parse(line));
}

/** What counts as an instant to die in; the other lines of a record are notes. */
export function isPoint(operation: Operation): boolean {
  if (operation.do === 'spawn') return operation.pid === 0;
  return operation.do !== 'sync-all' && operation.do !== 'killed';
}

/** What a killed gwe was about to do. */
export function nameOfDeath(operations: readonly Operation[]): string {
  const last = operations.at(-1);
  return last?.do === 'killed' ? last.instead : 'the end of a script';
}
