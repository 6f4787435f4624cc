/** Real folders into the model of disk.ts, and back. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Disk, DiskNode } from './disk.ts';

/** Reads a folder and all below it. */
export function loadDisk(folder: string): Disk {
  const disk: Disk = new Map();
  const load = (path: string): number => {
    const id = disk.size;
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) disk.set(id, { kind: 'link', target: readlinkSync(path) });
    else if (stat.isDirectory()) {
      const node: DiskNode = { kind: 'folder', names: new Map(), mode: stat.mode & 0o7777 };
      disk.set(id, node);
      for (const name of readdirSync(path)) node.names.set(name, load(join(path, name)));
    } else disk.set(id, { kind: 'file', data: readFileSync(path), mode: stat.mode & 0o7777 });
    return id;
  };
  load(folder);
  return disk;
}

/** Writes what can be reached from the top into the new folder `folder`. */
export function storeDisk(disk: Disk, folder: string): void {
  const store = (id: number, path: string): void => {
    const node = disk.get(id);
    if (node === undefined) return;
    if (node.kind === 'link') symlinkSync(node.target, path);
    else if (node.kind === 'file') writeFileSync(path, node.data);
    else {
      mkdirSync(path, { recursive: true });
      for (const [name, inner] of node.names) store(inner, join(path, name));
    }
    if (node.kind !== 'link') chmodSync(path, node.mode);
  };
  store(0, folder);
}
