/**
 * What `uname -a`, `df -h` and `free -m` would say of this machine, found out without starting them: a check-in must be
 * cheap, and a gateway need not have them. The addresses are network.ts's.
 */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { hostname, machine, release, type, version } from 'node:os';
import { addressLines } from './network.ts';

export interface MachineFacts {
  uname: string;
  df: string;
  free: string;
  ipaddrs: string;
}

/** All four; one that cannot be found out says `unavailable: why` in its place. */
export function machineFacts(): MachineFacts {
  return {
    uname: orWhy(uname),
    df: orWhy(df),
    free: orWhy(free),
    ipaddrs: orWhy(addressLines),
  };
}

function orWhy(fact: () => string): string {
  try {
    return fact();
  } catch (error) {
    return `unavailable: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The line of `uname -a`. */
export function uname(): string {
  return `${type()} ${hostname()} ${release()} ${version()} ${machine()} GNU/Linux`;
}

/** The table of `free -m` (procps 4: used is what is not available). Raises what node:fs raises where there is no /proc. */
export function free(): string {
  return freeTable(readFileSync('/proc/meminfo', 'utf8'));
}

/** The table of `free -m` for the text of a /proc/meminfo (proc(5)). */
export function freeTable(meminfo: string): string {
  const kib = new Map(
    [...meminfo.matchAll(/^(\S+): +(\d+)/gm)].map(([, key, value]) => [key, Number(value)]),
  );
  const sum = (...keys: readonly string[]) => keys.reduce((total, key) => total + (kib.get(key) ?? 0), 0);
  const total = sum('MemTotal');
  const cache = sum('Buffers', 'Cached', 'SReclaimable');
  // Kernels before 3.14 do not tell what is available.
  const available = kib.get('MemAvailable') ?? Math.min(total, sum('MemFree') + cache);
  const swap = [sum('SwapTotal'), sum('SwapTotal') - sum('SwapFree'), sum('SwapFree')];
  const memory = [total, total - available, sum('MemFree'), sum('Shmem'), cache, available];
  const head = ['total', 'used', 'free', 'shared', 'buff/cache', 'available'].map((name) =>
    name.padStart(12),
  );
  const row = (name: string, cells: readonly number[]) =>
    `${name.padEnd(8)}${cells.map((cell) => String(Math.floor(cell / 1024)).padStart(12)).join('')}`;
  return `${`${' '.repeat(8)}${head.join('')}`}\n${row('Mem:', memory)}\n${row('Swap:', swap)}\n`;
}

/** More than this are containers' or snapshots' mounts, which say little of the machine. */
const MOUNTS_MAX = 50;
/** A server that is away would block the question for ever, and it is not the gateway's own disk. */
const REMOTE =
  /^(nfs\d?|cifs|smb\d*|smbfs|afs|ceph|glusterfs|lustre|ncpfs|9p|autofs|fuse\.(?!fuse-overlayfs).*)$/;

const isLocal = ({ type: kind, target }: { type: string; target: string }) =>
  target === '/' || !REMOTE.test(kind);

/** The table of `df -h`: the file systems that have blocks, each once, remote ones left out. */
export function df(): string {
  const mounts = parseMounts(readFileSync('/proc/self/mounts', 'utf8'));
  const seen = new Map<number, string[]>();
  for (const { source, target } of mounts.filter(isLocal).reverse()) {
    const row = dfRow(source, target);
    const known = row && seen.get(row.device);
    // Of the places of one file system the one nearest to the root is told.
    if (row !== undefined && (known?.[5] === undefined || target.length < known[5].length)) {
      seen.set(row.device, row.cells);
    }
  }
  return dfTable([...seen.values()].reverse().slice(0, MOUNTS_MAX));
}

/** Source, folder and type of every line of a /proc/self/mounts (fstab(5): blanks are written as octal). */
export function parseMounts(text: string): { source: string; target: string; type: string }[] {
  const plain = (word = '') =>
    word.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return text.split('\n').flatMap((line) => {
    const [source, target, kind] = line.split(' ');
    return kind === undefined ? [] : [{ source: plain(source), target: plain(target), type: kind }];
  });
}

function dfRow(source: string, target: string): { device: number; cells: string[] } | undefined {
  try {
    const { bsize, blocks, bfree, bavail } = statfsSync(target);
    if (blocks === 0) return undefined;
    const used = blocks - bfree;
    const percent = used + bavail === 0 ? '-' : `${Math.ceil((used * 100) / (used + bavail))}%`;
    const sizes = [blocks, used, bavail].map((count) => humanSize(count * bsize));
    return { device: statSync(target).dev, cells: [source, ...sizes, percent, target] };
  } catch {
    // A mount that we may not look at, or that has just gone: df leaves it out too.
    return undefined;
  }
}

function dfTable(rows: readonly string[][]): string {
  const table = [['Filesystem', 'Size', 'Used', 'Avail', 'Use%', 'Mounted on'], ...rows];
  const least = [14, 5, 5, 5, 4, 0];
  const widths = least.map((width, column) =>
    Math.max(width, ...table.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        if (column === row.length - 1) return cell;
        return column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
      })
      .join(' ');
  return table.map((row) => `${line(row)}\n`).join('');
}

/** As `df -h` writes sizes: powers of 1024, rounded up, a decimal below 10. */
export function humanSize(bytes: number): string {
  let [scaled, unit] = [bytes, 0];
  while (scaled >= 1024 && unit < 6) {
    scaled /= 1024;
    unit++;
  }
  const rounded = unit > 0 && scaled <= 9.9 ? Math.ceil(scaled * 10) / 10 : Math.ceil(scaled);
  if (rounded >= 1024 && unit < 6) return `1.0${'KMGTPE'.charAt(unit)}`;
  const digits = unit > 0 && rounded < 10 ? rounded.toFixed(1) : String(rounded);
  return `${digits}${' KMGTPE'.charAt(unit).trim()}`;
}
