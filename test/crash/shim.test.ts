import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { lacks } from '../debian.ts';
import { GWE } from '../e2e/machine.ts';
import { environmentOf, type Gateway } from './gateway.ts';
import { commanded } from './ground.ts';
import type { Operation } from './operations.ts';
import { onGrounds } from './plan.ts';

const run = promisify(execFile);
/** Every system call by which a program can change what lies on a disk. */
const CALLS =
  'open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fsync,fdatasync,sync_file_range,' +
  'rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,chmod,fchmod,' +
  'fchmodat,chown,fchown,fchownat,lchown,utimensat,futimesat,fallocate,copy_file_range,sendfile,setxattr,fsetxattr';

/** Names without what differs from run to run. */
const plain = (path: string, root: string): string =>
  path
    .replace(root, '')
    .replace(/\.\d+\.new/, '.PID.new')
    .replace(/\d{8}-[0-9a-f]{8}/, 'ID');

/** What the shim saw of the disk, as names of system calls and paths. */
function seenByShim(operations: readonly Operation[], root: string): string[] {
  const files = new Map<number, string>();
  return operations.flatMap((operation) => {
    if (operation.do === 'open') files.set(operation.file, operation.path);
    if (operation.do === 'sync-all' || operation.do === 'killed') return [];
    if ('what' in operation) return [];
    const path = 'path' in operation ? operation.path : (files.get(operation.file) ?? '?');
    const call = operation.do.replace(/^sync-.*/, 'sync');
    // How many pieces a download comes in is up to the network.
    return call === 'write' && /\.part$/.test(path) ? [] : [`${call} ${plain(path, root)}`];
  });
}

/** What strace saw of the disk, in the same words: calls that succeeded, on files below `root`. */
function seenByStrace(trace: string, root: string): string[] {
  return trace.split('\n').flatMap((line) => {
    const [, call = '', args = ''] = line.match(/^(\w+)\((.*)$/) ?? [];
    if (call === 'execve' || / = -1 /.test(args)) return [];
    if (/^open/.test(call) && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(args)) return [];
    const path = pathIn(call, args);
    if (!path.startsWith(`${root}/`)) return [];
    const isFolder = call === 'unlinkat' && /AT_REMOVEDIR/.test(args);
    const word = isFolder ? 'rmdir' : (WORDS.find(([pattern]) => pattern.test(call))?.[1] ?? call);
    return word === 'write' && /\.part$/.test(path) ? [] : [`${word} ${plain(path, root)}`];
  });
}

/** The file that a call is about: of its descriptor (strace -y says its path), or named from there, or by its whole path. */
function pathIn(call: string, args: string): string {
  const [, folder = '', name] = args.match(/^[^"<]*(?:<([^>]*)>)?(?:, )?(?:"([^"]*)")?/) ?? [];
  return /at2?$/.test(call) && name !== undefined ? resolve(folder, name) : folder || (name ?? '');
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(open|creat)/, 'open'],
  [/write/, 'write'],
  [/truncate/, 'truncate'],
  [/sync/, 'sync'],
  [/^rename/, 'rename'],
  [/^link/, 'link'],
  [/^symlink/, 'symlink'],
  [/^unlink/, 'unlink'],
  [/^mkdir/, 'mkdir'],
  [/chmod/, 'chmod'],
  [/^(utimensat|futimesat)/, 'times'],
];

/** One check-in of the built file, with no shim, under strace: all its threads, but not the scripts that it runs. */
async function trace(gateway: Gateway): Promise<string> {
  const folder = join(gateway.root, '../trace');
  mkdirSync(folder);
  const calls = `trace=execve,${CALLS}`;
  const args = ['-ff', '-y', '-s', '4096', '-o', join(folder, 'of'), '-e', calls, GWE, '--once'];
  await run('strace', args, { env: environmentOf(gateway) }).catch(({ code }) => assert.equal(code, 3));
  const threads = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  return threads.filter((text) => !/^execve\(/m.test(text) || text.startsWith(`execve("${GWE}"`)).join('\n');
}

test('the shim sees every system call by which the built file changes the disk', {
  skip: lacks('strace'),
}, async () => {
  assert.ok(existsSync(GWE), 'build it first: npm run build');
  await onGrounds(['update', 'failed-first'], async (grounds) => {
    for (const ground of grounds) {
      const gateway = await commanded(ground, 'traced');
      const traced = seenByStrace(await trace(gateway), gateway.root);
      assert.ok(traced.length > 150, `${traced.length} calls`);
      const undisturbed = join(gateway.root, '../../undisturbed/root');
      assert.deepEqual(traced.sort(), seenByShim(ground.undisturbed, undisturbed).sort());
    }
  });
});
