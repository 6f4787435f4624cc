/**
 * An ext4 of its own on a loop device, as a gateway has it: with a journal, and new, so that what the machine's own file
 * system has been through does not count. (One without a journal looks long for the inodes of many files just deleted.)
 * Direct I/O, so that the machine's cache does not hold it a second time: what is read again costs what a device costs.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, expectZero, run } from '../e2e/machine.ts';

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };
const SECTOR_BYTES = 512;
const MAKE =
  'truncate -s "$2M" "$1" && mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$1" && losetup --direct-io=on --find --show "$1"';

export interface Disk {
  folder: string;
  /** Bytes that reach the device by the act and the sync after it. */
  written(act: () => Promise<unknown>): Promise<number>;
}

/** Makes one of so many MiB below `bench.folder`; it goes with the bench. An Error where that may not be done. */
export function mountDisk(bench: Ending & { folder: string }, size_MiB: number): Disk {
  const [image, folder] = [join(bench.folder, 'disk.img'), join(bench.folder, 'disk')];
  const device = expectZero(run(['/bin/sh', '-c', MAKE, 'sh', image, String(size_MiB)], ENV)).stdout.trim();
  bench.after(() => run(['losetup', '-d', device], ENV));
  mkdirSync(folder);
  expectZero(run(['mount', device, folder], ENV));
  bench.after(() => expectZero(run(['umount', folder], ENV)));
  const sync = () => expectZero(run(['sync', '-f', folder], ENV));
  const sectors = () => {
    const stat = readFileSync(`/sys/block/${device.split('/').at(-1)}/stat`, 'utf8');
    return Number(stat.trim().split(/\s+/)[6]);
  };
  return {
    folder,
    written: async (act) => {
      sync();
      const before = sectors();
      await act();
      sync();
      return (sectors() - before) * SECTOR_BYTES;
    },
  };
}
