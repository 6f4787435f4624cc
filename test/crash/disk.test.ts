import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterPowerCut, type Disk } from './disk.ts';
import type { Operation } from './operations.ts';

const EMPTY: Disk = new Map([[0, { kind: 'folder', names: new Map(), mode: 0o755 }]]);
const text = (data: string) => Buffer.from(data).toString('base64');
const create = (path: string, file: number): Operation => ({
  do: 'open',
  path,
  file,
  truncates: true,
  mode: 0o644,
});
const write = (file: number, data: string, at = 0): Operation => ({
  do: 'write',
  file,
  at,
  data: text(data),
});

/** Contents by path. */
function seen(disk: Disk, id = 0, under = ''): Record<string, string> {
  const node = disk.get(id);
  if (node?.kind === 'file') return { [under]: node.data.toString() };
  if (node?.kind !== 'folder') return {};
  return Object.assign({}, ...[...node.names].map(([name, inner]) => seen(disk, inner, `${under}/${name}`)));
}

const after = (...operations: Operation[]) => seen(afterPowerCut(EMPTY, '/r', operations, undefined));

describe('the disk after a power cut', () => {
  it('has a file that was synced together with its folder, and no other', () => {
    const made = [create('/r/a', 1), write(1, 'x'), { do: 'sync-file', file: 1 }] as const;
    assert.deepEqual(after(...made), {});
    assert.deepEqual(after(...made, { do: 'sync-folder', path: '/r' }), { '/a': 'x' });
  });

  it('has a name without contents when only the folder was synced', () => {
    assert.deepEqual(after(create('/r/a', 1), write(1, 'x'), { do: 'sync-folder', path: '/r' }), {
      '/a': '',
    });
  });

  it('has the old contents under the name until the folder is synced after the rename', () => {
    const old = [
      create('/r/a', 1),
      write(1, 'old'),
      { do: 'sync-file', file: 1 },
      { do: 'sync-folder', path: '/r' },
    ] as const;
    const renewed = [
      create('/r/b', 2),
      write(2, 'new'),
      { do: 'sync-file', file: 2 },
      { do: 'rename', path: '/r/b', to: '/r/a' },
    ] as const;
    assert.deepEqual(after(...old, ...renewed), { '/a': 'old' });
    assert.deepEqual(after(...old, ...renewed, { do: 'sync-folder', path: '/r' }), { '/a': 'new' });
  });

  it('has a renamed file in one of two folders, never in none', () => {
    const made = [
      { do: 'mkdir', path: '/r/x', mode: 0o755 },
      { do: 'mkdir', path: '/r/y', mode: 0o755 },
      create('/r/x/a', 1),
      write(1, 'x'),
      { do: 'sync-all', world: {} },
      { do: 'rename', path: '/r/x/a', to: '/r/y/a' },
    ] as const;
    assert.deepEqual(after(...made), { '/x/a': 'x' });
    assert.deepEqual(after(...made, { do: 'sync-folder', path: '/r/y' }), { '/y/a': 'x' });
    assert.deepEqual(after(...made, { do: 'sync-folder', path: '/r/x' }), { '/y/a': 'x' });
  });

  it('has what sync found, and nothing of what was written later', () => {
    const made = [
      create('/r/a', 1),
      write(1, 'one'),
      { do: 'sync-all', world: {} },
      write(1, 'two', 3),
    ] as const;
    assert.deepEqual(after(...made), { '/a': 'one' });
  });

  it('has by chance any of what was not synced, but changes of one folder in their order', () => {
    const made = [
      create('/r/a', 1),
      write(1, 'xyz'),
      create('/r/b', 2),
      { do: 'unlink', path: '/r/a' },
    ] as const;
    const found = new Set<string>();
    for (let n = 0; n < 200; n += 1) {
      const disk = afterPowerCut(EMPTY, '/r', made, Math.random);
      found.add(Object.keys(seen(disk)).join());
    }
    assert.deepEqual([...found].sort(), ['', '/a', '/a,/b', '/b']);
  });
});
