import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lockHolder, releaseLock, takeLock } from '../../src/host/lock.ts';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const LOCK_MODULE = new URL('../../src/host/lock.ts', import.meta.url).href;
/** Takes the lock in another process, says `taken` or the error's code, and holds it until its input ends. */
const TAKER = `const { takeLock } = await import(${JSON.stringify(LOCK_MODULE)});
process.stdin.resume(); process.stdin.on('end', () => process.exit());
process.stdin.once('data', () => {
  try { takeLock(process.argv[1]); console.log('taken'); } catch (error) { console.log(error.code + ': ' + error.message); }
});
console.log('ready');`;

async function taker() {
  const child = spawn(process.execPath, ['--input-type=module', '-e', TAKER, lock], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = async () => String((await once(child.stdout, 'data'))[0]).trim();
  assert.equal(await said(), 'ready');
  return {
    pid: child.pid,
    take: () => {
      child.stdin.write('go');
      return said();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('a lock that is taken names its holder, may be taken again by it, and is given back', () => {
  assert.equal(lockHolder(lock), undefined);
  takeLock(lock);
  takeLock(lock);
  assert.equal(lockHolder(lock), process.pid);
  assert.deepEqual(readdirSync(folder), ['lock']);
  releaseLock(lock);
  assert.ok(!existsSync(lock));
});

test('a second engine is told who has it; when the first is killed the lock is free', async () => {
  const first = await taker();
  assert.equal(await first.take(), 'taken');
  assert.equal(lockHolder(lock), first.pid);
  assert.throws(() => takeLock(lock), {
    code: 'locked',
    message: new RegExp(`process id ${first.pid} has it`),
  });
  releaseLock(lock);
  assert.equal(lockHolder(lock), first.pid);
  await first.kill();
  takeLock(lock);
  assert.equal(lockHolder(lock), process.pid);
});

test('of several that start at the same instant exactly one gets it, over a stale lock too', async () => {
  writeFileSync(lock, `${process.pid} some-older-boot/1\n`);
  const takers = await Promise.all([taker(), taker(), taker(), taker()]);
  const said = await Promise.all(takers.map(({ take }) => take()));
  assert.equal(said.filter((line) => line === 'taken').length, 1, said.join('\n'));
  assert.ok(said.every((line) => line === 'taken' || line.startsWith('locked: ')));
  await Promise.all(takers.map(({ kill }) => kill()));
  assert.deepEqual(readdirSync(folder), ['lock']);
});

test('a process that has the old process id by chance does not hold the lock', () => {
  takeLock(lock);
  const [, birth] = readFileSync(lock, 'utf8').trim().split(' ');
  writeFileSync(lock, `1 ${birth}\n`);
  assert.equal(lockHolder(lock), undefined);
  takeLock(lock);
  assert.equal(lockHolder(lock), process.pid);
});

test("a lock cut short by a power cut is nobody's", () => {
  for (const text of ['', 'x', '12', `${process.pid}`, '\0\0\0\0', '99999999999999999999 a/b']) {
    writeFileSync(lock, text);
    assert.equal(lockHolder(lock), undefined, JSON.stringify(text));
    takeLock(lock);
    assert.equal(lockHolder(lock), process.pid);
  }
});
