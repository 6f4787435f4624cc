/**
 * What a disk holds after a power cut: a model of a file system in which only what was synced is sure. The operations of
 * shim.ts are replayed on it; then what was never synced is dropped, or part of it is there by chance.
 *
 * Sure is: the contents of a file after its fsync; the names in a folder after the fsync of that folder, together with
 * all earlier changes in it. Not sure is all else: a file that was written and renamed may have its new name and no
 * contents. Changes of the names in one folder reach the disk in their order; a rename from one to another at once in both.
 */
import type { DiskOperation, Operation } from './operations.ts';

export type DiskNode =
  | { kind: 'file'; data: Buffer; mode: number }
  | { kind: 'folder'; names: Map<string, number>; mode: number }
  | { kind: 'link'; target: string };

/** A tree of files by number; the top is number 0. */
export type Disk = Map<number, DiskNode>;

/** What becomes of what was not synced: `undefined`, all of it is dropped; else by chance, numbers from 0 to 1. */
export type Chance = (() => number) | undefined;

/** Some names change at once; `node` undefined: the name goes. */
interface NameChange {
  parts: readonly { folder: number; name: string; node: number | undefined }[];
}

interface Pending {
  names: NameChange[];
  /** The contents of a file after each write since its last fsync. */
  contents: Map<number, Buffer[]>;
}

/** The disk after a power cut: `before`, which is all sure, and what was done since. Paths begin with `root`. */
export function afterPowerCut(
  before: Disk,
  root: string,
  operations: readonly Operation[],
  chance: Chance,
): Disk {
  const live = copyOf(before);
  const sure = copyOf(before);
  const pending: Pending = { names: [], contents: new Map() };
  const replay = new Replay(live, sure, pending, root);
  for (const operation of operations) replay.play(operation);
  if (chance !== undefined) {
    keepNamesByChance(sure, pending.names, chance);
    keepContentsByChance(sure, pending.contents, chance);
  }
  return sure;
}

function copyOf(disk: Disk): Disk {
  return new Map(
    [...disk].map(([id, node]) => [
      id,
      node.kind === 'folder' ? { ...node, names: new Map(node.names) } : { ...node },
    ]),
  );
}

/** The disk as programs see it (`live`), and as a power cut would leave it (`sure`). */
class Replay {
  readonly #live: Disk;
  readonly #sure: Disk;
  readonly #pending: Pending;
  readonly #root: string;
  readonly #opened = new Map<number, number>();
  #next: number;

  constructor(live: Disk, sure: Disk, pending: Pending, root: string) {
    this.#live = live;
    this.#sure = sure;
    this.#pending = pending;
    this.#root = root;
    this.#next = Math.max(...live.keys()) + 1;
  }

  play(operation: Operation): void {
    switch (operation.do) {
      case 'open':
        this.#open(operation);
        break;
      case 'write':
        this.#write(operation.file, (data) => put(data, Buffer.from(operation.data, 'base64'), operation.at));
        break;
      case 'truncate':
        this.#write(operation.file, (data) =>
          put(data.subarray(0, operation.length), Buffer.alloc(0), operation.length),
        );
        break;
      case 'sync-file':
        this.#syncFile(this.#opened.get(operation.file));
        break;
      case 'sync-folder':
        this.#syncFolder(this.#find(operation.path));
        break;
      case 'sync-all':
        this.#syncAll();
        break;
      case 'rename':
        this.#names([this.#part(operation.path), this.#part(operation.to, this.#find(operation.path))]);
        break;
      case 'link':
        this.#names([this.#part(operation.to, this.#find(operation.path))]);
        break;
      case 'unlink':
      case 'rmdir':
        this.#names([this.#part(operation.path)]);
        break;
      case 'mkdir':
        this.#make(operation.path, { kind: 'folder', names: new Map(), mode: operation.mode });
        break;
      case 'symlink':
        this.#make(operation.path, { kind: 'link', target: operation.target });
        break;
      case 'chmod':
        this.#chmod(operation.path, operation.mode);
        break;
    }
  }

  #open({ path, file, truncates, mode }: DiskOperation & { do: 'open' }): void {
    const there = this.#look(path);
    if (there === undefined) this.#make(path, { kind: 'file', data: Buffer.alloc(0), mode });
    this.#opened.set(file, this.#find(path));
    if (there !== undefined && truncates) this.#write(file, () => Buffer.alloc(0));
  }

  #write(file: number, change: (data: Buffer) => Buffer): void {
    const id = this.#opened.get(file);
    const node = id === undefined ? undefined : this.#live.get(id);
    if (id === undefined || node?.kind !== 'file') throw new Error(`disk: write to unknown file ${file}`);
    node.data = change(node.data);
    const { contents } = this.#pending;
    contents.set(id, [...(contents.get(id) ?? []), node.data]);
  }

  #chmod(path: string, mode: number): void {
    for (const disk of [this.#live, this.#sure]) {
      const node = disk.get(this.#find(path));
      if (node !== undefined && node.kind !== 'link') node.mode = mode;
    }
  }

  #make(path: string, node: DiskNode): void {
    const id = this.#next++;
    this.#live.set(id, node);
    this.#sure.set(id, node.kind === 'folder' ? { ...node, names: new Map() } : { ...node });
    this.#names([this.#part(path, id)]);
  }

  #part(path: string, node?: number): NameChange['parts'][number] {
    const end = path.lastIndexOf('/');
    return { folder: this.#find(path.slice(0, end)), name: path.slice(end + 1), node };
  }

  #names(parts: NameChange['parts']): void {
    const change = { parts };
    apply(this.#live, change);
    this.#pending.names.push(change);
  }

  #syncFile(id: number | undefined): void {
    const [live, sure] = [this.#live.get(id ?? -1), this.#sure.get(id ?? -1)];
    if (id === undefined || live?.kind !== 'file' || sure?.kind !== 'file') return;
    sure.data = live.data;
    this.#pending.contents.delete(id);
  }

  /** All changes up to the last one in this folder: what was renamed into it from elsewhere must have been made there. */
  #syncFolder(folder: number): void {
    const { names } = this.#pending;
    const mine = new Set([folder]);
    const kept: NameChange[] = [];
    for (const change of names.toReversed()) {
      if (!change.parts.some((part) => mine.has(part.folder))) kept.push(change);
      else for (const part of change.parts) mine.add(part.folder);
    }
    const isKept = new Set(kept);
    for (const change of names) if (!isKept.has(change)) apply(this.#sure, change);
    this.#pending.names = names.filter((change) => isKept.has(change));
  }

  #syncAll(): void {
    for (const change of this.#pending.names) apply(this.#sure, change);
    this.#pending.names = [];
    for (const id of [...this.#pending.contents.keys()]) this.#syncFile(id);
  }

  #find(path: string): number {
    const found = this.#look(path);
    if (found === undefined) throw new Error(`disk: no ${path}`);
    return found;
  }

  #look(path: string): number | undefined {
    let at: number | undefined = 0;
    for (const name of path.slice(this.#root.length).split('/').filter(Boolean)) {
      const node: DiskNode | undefined = at === undefined ? undefined : this.#live.get(at);
      at = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return at;
  }
}

function apply(disk: Disk, { parts }: NameChange): void {
  for (const { folder, name, node } of parts) {
    const names = disk.get(folder);
    if (names?.kind !== 'folder') continue;
    if (node === undefined) names.names.delete(name);
    else names.names.set(name, node);
  }
}

/** `data` with `piece` at `at`; a gap is zeros. */
function put(data: Buffer, piece: Buffer, at: number): Buffer {
  const whole = Buffer.alloc(Math.max(data.length, at + piece.length));
  data.copy(whole);
  piece.copy(whole, at);
  return whole;
}

/** In each folder the first so many of the changes; after one that is lost, none. */
function keepNamesByChance(sure: Disk, changes: readonly NameChange[], chance: () => number): void {
  const lost = new Set<number>();
  for (const change of changes) {
    const isLost = change.parts.some(({ folder }) => lost.has(folder)) || chance() < 0.25;
    if (!isLost) apply(sure, change);
    else for (const { folder } of change.parts) lost.add(folder);
  }
}

/** None of the writes, all, the first few, half of one, or the right length full of zeros. */
function keepContentsByChance(sure: Disk, contents: Pending['contents'], chance: () => number): void {
  for (const [id, versions] of contents) {
    const node = sure.get(id);
    const version = versions[Math.floor(chance() * versions.length)];
    if (node?.kind !== 'file' || version === undefined) continue;
    const fate = Math.floor(chance() * 4);
    if (fate === 1) node.data = version;
    if (fate === 2) node.data = version.subarray(0, Math.floor(chance() * version.length));
    if (fate === 3) node.data = Buffer.alloc(version.length);
  }
}
