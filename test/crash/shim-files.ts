/** The synchronous functions of node:fs that change the disk, each with an instant to die in. They are put in place by shim.ts. */
import type { PathLike } from 'node:fs';
import type { DiskOperation } from './operations.ts';
import { note, point, root, withData } from './shim-point.ts';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
/** As they were. */
export const real = { ...fs };
const files = new Map<number, { path: string; id: number; at: number }>();
let opened = 0;

const full = (name: unknown): string => path.resolve(String(name));
const inRoot = (name: unknown): boolean => full(name).startsWith(`${root}/`);

const MUTATING = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC;
const FLAGS: Record<string, number> = {
  r: 0,
  w: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC,
  wx: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC | fs.constants.O_EXCL,
  a: fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_APPEND,
};

function openSync(name: PathLike, flags: string | number = 'r', mode = 0o666): number {
  const bits = typeof flags === 'number' ? flags : FLAGS[flags];
  if (bits === undefined) throw new Error(`shim: unknown flags ${flags}`);
  const file = path.resolve(String(name));
  if (!inRoot(file)) return real.openSync(name, flags, mode);
  const id = ++opened;
  const open = () => {
    const fd = real.openSync(name, flags, mode);
    files.set(fd, { path: file, id, at: 0 });
    return fd;
  };
  if ((bits & MUTATING) === 0) return open();
  const truncates = (bits & fs.constants.O_TRUNC) !== 0;
  return point({ do: 'open', path: file, file: id, truncates, mode: mode & ~process.umask() }, open);
}

function writeSync(
  fd: number,
  data: string | NodeJS.ArrayBufferView,
  offset?: number | null,
  length?: number | null | BufferEncoding,
  position?: number | null,
): number {
  const file = files.get(fd);
  const bytes =
    typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const from = offset ?? 0;
  const part = bytes.subarray(from, typeof length === 'number' ? from + length : undefined);
  if (file === undefined) return real.writeSync(fd, part, 0, part.length, position ?? null);
  const at = position ?? file.at;
  const put = (piece: Buffer) => real.writeSync(fd, piece, 0, piece.length, at);
  const written = (piece: Buffer): DiskOperation => ({
    do: 'write',
    file: file.id,
    at,
    data: withData ? piece.toString('base64') : '',
  });
  const torn = part.subarray(0, part.length >> 1);
  point(
    written(part),
    () => put(part),
    () => {
      put(torn);
      note(written(torn));
    },
  );
  file.at = at + part.length;
  return part.length;
}

function writeFileSync(
  name: PathLike | number,
  data: string | NodeJS.ArrayBufferView,
  options?: { mode?: number; flag?: string } | string,
): void {
  const { mode = 0o666, flag = 'w' } = typeof options === 'object' ? options : {};
  if (typeof name === 'number') return void fs.writeSync(name, data as Uint8Array);
  const fd = openSync(name, flag, mode);
  try {
    writeSync(fd, data);
  } finally {
    closeSync(fd);
  }
}

function closeSync(fd: number): void {
  files.delete(fd);
  real.closeSync(fd);
}

function sync(fd: number, act: (fd: number) => void): void {
  const file = files.get(fd);
  if (file === undefined) {
    act(fd);
    return;
  }
  const isFolder = real.fstatSync(fd).isDirectory();
  const operation: DiskOperation = isFolder
    ? { do: 'sync-folder', path: file.path }
    : { do: 'sync-file', file: file.id };
  point(operation, () => act(fd));
}

/** One that another thread waits for: what was written before is on the disk when it has ended. */
function syncLater(
  fd: number,
  act: typeof real.fdatasync,
  done: (error: NodeJS.ErrnoException | null) => void,
): void {
  act(fd, (error) => {
    if (error === null) sync(fd, () => {});
    done(error);
  });
}

function ftruncateSync(fd: number, length = 0): void {
  const file = files.get(fd);
  if (file === undefined) {
    real.ftruncateSync(fd, length);
    return;
  }
  point({ do: 'truncate', file: file.id, length }, () => real.ftruncateSync(fd, length));
}

/** A function that changes a name. */
const named =
  <A extends [PathLike, ...unknown[]]>(act: (...args: A) => void, operation: (...args: A) => DiskOperation) =>
  (...args: A): void =>
    args.some((arg) => typeof arg === 'string' && inRoot(arg))
      ? point(operation(...args), () => act(...args))
      : act(...args);

const renameSync = named(real.renameSync, (from, to) => ({ do: 'rename', path: full(from), to: full(to) }));
const linkSync = named(real.linkSync, (from, to) => ({ do: 'link', path: full(from), to: full(to) }));
const unlinkSync = named(real.unlinkSync, (name) => ({ do: 'unlink', path: full(name) }));
const rmdirSync = named(real.rmdirSync, (name) => ({ do: 'rmdir', path: full(name) }));
const chmodSync = named(real.chmodSync, (name, mode) => ({
  do: 'chmod',
  path: full(name),
  mode: Number(mode),
}));

function symlinkSync(target: PathLike, name: PathLike): void {
  if (!inRoot(name)) {
    real.symlinkSync(target, name);
    return;
  }
  point({ do: 'symlink', path: full(name), target: String(target) }, () => real.symlinkSync(target, name));
}

function futimesSync(fd: number, atime: number, mtime: number): void {
  const file = files.get(fd);
  const act = () => real.futimesSync(fd, atime, mtime);
  if (file === undefined) act();
  else point({ do: 'times', path: file.path }, act);
}

function fchmodSync(fd: number, mode: number): void {
  const file = files.get(fd);
  if (file === undefined) {
    real.fchmodSync(fd, mode);
    return;
  }
  point({ do: 'chmod', path: file.path, mode: Number(mode) }, () => real.fchmodSync(fd, mode));
}

function mkdirSync(
  name: PathLike,
  options: { recursive?: boolean; mode?: number } | number = {},
): string | undefined {
  const { recursive = false, mode = 0o777 } = typeof options === 'object' ? options : { mode: options };
  if (!inRoot(name)) return real.mkdirSync(name, options);
  const folder = full(name);
  const parent = path.dirname(folder);
  if (recursive && real.existsSync(folder)) return undefined;
  const above = recursive && !real.existsSync(parent) ? mkdirSync(parent, { recursive, mode }) : undefined;
  point({ do: 'mkdir', path: folder, mode: mode & ~process.umask() }, () => real.mkdirSync(folder, { mode }));
  return above ?? (recursive ? folder : undefined);
}

function rmSync(name: PathLike, options: { recursive?: boolean; force?: boolean } = {}): void {
  if (!inRoot(name)) {
    real.rmSync(name, options);
    return;
  }
  const stat = real.lstatSync(name, { throwIfNoEntry: false });
  if (stat === undefined && options.force) return;
  if (!stat?.isDirectory()) {
    unlinkSync(name);
    return;
  }
  for (const each of real.readdirSync(name)) rmSync(path.join(String(name), each), options);
  rmdirSync(name);
}

/** The boot id is what tells gwe that the machine was off. */
function readFileSync(...args: Parameters<typeof real.readFileSync>): string | Buffer {
  const boot = args[0] === '/proc/sys/kernel/random/boot_id' ? process.env['CRASH_BOOT'] : undefined;
  return boot === undefined ? real.readFileSync(...args) : `${boot}\n`;
}

/** What gwe does not use must not go unseen when it begins to. */
const UNCOUNTED =
  'appendFileSync copyFileSync cpSync chownSync fchownSync lchownSync utimesSync lutimesSync mkdtempSync truncateSync ' +
  'writevSync write writev rename unlink rm mkdir rmdir link symlink chmod truncate ftruncate fsync ' +
  'writeFile appendFile copyFile cp createWriteStream';

function uncounted(name: string): never {
  process.stderr.write(`shim: fs.${name} is not counted\n`);
  process.exit(99);
}

/** What takes the place of the functions of node:fs. */
export const counted = {
  ...Object.fromEntries(UNCOUNTED.split(' ').map((name) => [name, () => uncounted(name)])),
  openSync,
  writeSync,
  writeFileSync,
  closeSync,
  fsyncSync: (fd: number) => sync(fd, real.fsyncSync),
  fdatasyncSync: (fd: number) => sync(fd, real.fdatasyncSync),
  fdatasync: (fd: number, done: (error: NodeJS.ErrnoException | null) => void) =>
    syncLater(fd, real.fdatasync, done),
  ftruncateSync,
  futimesSync,
  renameSync,
  linkSync,
  unlinkSync,
  rmdirSync,
  chmodSync,
  symlinkSync,
  fchmodSync,
  mkdirSync,
  rmSync,
  readFileSync,
};
