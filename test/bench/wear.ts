/**
 * The part `wear`: what is written to the flash, counted twice: what gwe asks for (system calls), and what reaches the
 * device under an ext4 of its own, journal and metadata included.
 */
import { expectZero, type Gateway } from '../e2e/machine.ts';
import { type Disk, mountDisk } from './disk.ts';
import { median, shown } from './figures.ts';
import { addGateway, makeGround } from './ground.ts';
import { waysOf } from './install.ts';
import { runToEnd } from './measure.ts';
import type { Bench, Findings, Part, Table } from './part.ts';
import { makePayload } from './payload.ts';
import { countCalls, type Written } from './written.ts';

const AIM_BYTES = 8192;
const SHAPE = { name: '10 MB in 50 files', files: 50, bytes: 10e6 };
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/' };
/** Written, synced, renamed, and the folder synced: what nobody can do with less. */
const ONE_FILE = 'cd "$1" && echo state >one.new && sync one.new && mv one.new one && sync .';

export const wear: Part = {
  name: 'wear',
  sentence:
    'What is written to the disk by a check-in with nothing to do, and by an install (10 MB in 50 files): as asked for by system ' +
    'calls, counted by strace, and as it reaches the device, counted under an ext4 on a loop device of its own after `sync`.',
  needs: ['strace', 'time', 'openssl', 'curl'],
  run: wearOut,
};

async function wearOut(bench: Bench): Promise<Findings> {
  const ground = await makeGround(bench);
  const { platform, gateway } = ground;
  await gateway.gweAsync('--once');
  const idle = await countCalls(gateway, [...gateway.command, '--once'], bench.folder);
  const payload = makePayload(bench, SHAPE, 'worn');
  expectZero(platform.operator('content', 'upload', payload.tarball));
  const updated = addGateway(bench, platform, 'gw-install');
  expectZero(await updated.gweAsync('--once'));
  expectZero(platform.operator('deploy', updated.serial, 'worn.v1.tar.gz', '--no-wait'));
  const installing = await countCalls(updated, [...updated.command, '--once'], bench.folder);
  const notes: string[] = [];
  const tables = [
    callsTable({ 'a check-in with nothing to do': idle, 'check-in, download and install': installing }),
  ];
  let device_bytes = Number.NaN;
  try {
    const { table, idle_bytes, failed } = await onDevice(bench, ground);
    tables.push(table);
    notes.push(...failed);
    device_bytes = idle_bytes;
  } catch (error) {
    notes.push(`Blocks could not be counted: ${error instanceof Error ? error.message : error}`);
  }
  return {
    tables,
    aims: [
      {
        what: 'bytes written by an idle check-in',
        aim: `≤ ${AIM_BYTES}`,
        found: `${shown(idle.bytes)} in ${idle.synced} synced files (${shown(device_bytes)} on the device, with ext4's own)`,
        isMet: idle.bytes <= AIM_BYTES,
      },
    ],
    notes: [
      ...notes,
      `An idle check-in writes: ${[...idle.files].map(([file, bytes]) => `${file} (${bytes} bytes)`).join(', ')}.`,
    ],
  };
}

function callsTable(all: Record<string, Written>): Table {
  return {
    caption: 'As asked for',
    columns: [
      '',
      'bytes written',
      'files written',
      'files fsynced',
      'folders fsynced',
      'syncs of all',
      'renames',
      'unlinks',
    ],
    rows: Object.entries(all).map(([name, one]) => [
      name,
      ...[one.bytes, one.files.size, one.synced, one.syncedFolders, one.syncs, one.renames, one.unlinks].map(
        (n) => n.toLocaleString('en'),
      ),
    ]),
  };
}

/** The same on a small file system of its own, beside the others. */
async function onDevice(
  bench: Bench,
  ground: Awaited<ReturnType<typeof makeGround>>,
): Promise<{ table: Table; idle_bytes: number; failed: string[] }> {
  const disk = mountDisk(bench, 512);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = disk.folder;
  try {
    const gateway = addGateway(bench, ground.platform, 'gw-on-disk');
    const idle = await idleOnDevice(bench, disk, gateway);
    const inside = { ...bench, folder: disk.folder };
    const payload = makePayload(inside, SHAPE, 'block');
    expectZero(ground.platform.operator('content', 'upload', payload.tarball));
    const { ways, unready } = await waysOf(inside, ground, payload);
    const least = await disk.written(() => runToEnd(['/bin/sh', '-c', ONE_FILE, 'sh', disk.folder], ENV));
    const rows: string[][] = [
      ['one small file made durable: the floor of a check-in', shown(least), ''],
      ['gwe --once, nothing to do', shown(idle), ''],
    ];
    for (const way of ways) {
      const written: number[] = [];
      try {
        for (let round = 0; round < bench.rounds(3); round++)
          written.push(await disk.written(() => way.run()));
        rows.push([way.name, shown(median(written)), shown(median(written) / SHAPE.bytes)]);
      } catch (error) {
        unready.push(`${way.name}: ${error instanceof Error ? error.message.slice(-200) : error}`);
      }
    }
    const caption = 'As it reaches the device';
    return {
      table: { caption, columns: ['', 'bytes', '÷ unpacked bytes'], rows },
      idle_bytes: idle,
      failed: unready,
    };
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

async function idleOnDevice(bench: Bench, disk: Disk, gateway: Gateway): Promise<number> {
  const once = async () => void expectZero(await gateway.gweAsync('--once'));
  await once();
  const written: number[] = [];
  for (let round = 0; round < bench.rounds(9); round++) written.push(await disk.written(once));
  return median(written);
}
