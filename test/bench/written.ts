/** What a program asks to be written below a folder, told by strace: bytes by file, syncs, renames. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expectZero, type Gateway } from '../e2e/machine.ts';
import { runToEnd } from './measure.ts';

export interface Written {
  bytes: number;
  /** Bytes by the path as it was when they were written. */
  files: Map<string, number>;
  synced: number;
  syncedFolders: number;
  /** Of the whole file system. */
  syncs: number;
  renames: number;
  unlinks: number;
}

const CALLS = [
  'write,pwrite64,writev,pwritev,pwritev2,copy_file_range,sendfile,ftruncate',
  'fsync,fdatasync,syncfs,sync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,openat',
].join(',');
const WRITES = /^\d+\s+(?:write|pwrite64|writev|pwritev|pwritev2)\(\d+<([^>]*)>.* = (\d+)$/;
const COPIES = /^\d+\s+copy_file_range\(\d+<[^>]*>, [^,]*, \d+<([^>]*)>.* = (\d+)$/;
const SYNCS = /^\d+\s+f(?:data)?sync\(\d+<([^>]*)>.* = 0$/;

/** Runs a gateway's command under strace, and counts what it did to its folder; what scripts that it starts do counts too. */
export async function countCalls(
  gateway: Gateway,
  command: readonly string[],
  folder: string,
): Promise<Written> {
  const log = join(folder, 'calls.log');

  const strace = ['strace', '-f', '-qq', '-y', '-s', '0', '-z', '-e', `trace=${CALLS}`, '-o', log];
  expectZero(await runToEnd([...strace, ...command], gateway.env));
  return countLines(joined(readFileSync(log, 'utf8').split('\n')), gateway.folder);
}

/** Puts `<unfinished ...>` and `resumed>` of one thread together again. */
export function joined(lines: readonly string[]): string[] {
  const open = new Map<string, string>();
  return lines.flatMap((line) => {
    const thread = line.split(' ')[0] ?? '';
    if (line.endsWith('<unfinished ...>')) {
      open.set(thread, line.slice(0, -'<unfinished ...>'.length));
      return [];
    }
    const resumed = line.match(/<\.\.\. \w+ resumed>(.*)$/);
    return resumed === null ? [line] : [`${open.get(thread) ?? ''}${resumed[1]}`];
  });
}

/** Counts what lines of strace tell of the files below `root`. */
export function countLines(lines: readonly string[], root: string): Written {
  const found: Written = {
    bytes: 0,
    files: new Map(),
    synced: 0,
    syncedFolders: 0,
    syncs: 0,
    renames: 0,
    unlinks: 0,
  };
  const isOurs = (path: string) => path.startsWith(`${root}/`);
  for (const line of lines) {
    const [, path = '', count = '0'] = line.match(WRITES) ?? line.match(COPIES) ?? [];
    if (isOurs(path)) {
      found.bytes += Number(count);
      const name = relative(root, path);
      found.files.set(name, (found.files.get(name) ?? 0) + Number(count));
    }
    const synced = line.match(SYNCS)?.[1] ?? '';
    if (isOurs(synced)) found[isFolder(lines, synced) ? 'syncedFolders' : 'synced'] += 1;
    if (/^\d+\s+sync(fs)?\(.* = 0$/.test(line)) found.syncs += 1;
    if (/^\d+\s+rename\w*\(.* = 0$/.test(line) && line.includes(`"${root}/`)) found.renames += 1;
    if (/^\d+\s+(unlink|unlinkat|rmdir)\(.* = 0$/.test(line)) found.unlinks += 1;
  }
  return found;
}

/** Nobody writes to a folder; what is synced without having been written is one. */
const isFolder = (lines: readonly string[], path: string): boolean =>
  !lines.some((line) => (line.match(WRITES) ?? line.match(COPIES))?.[1] === path);
