/**
 * Hostile tarballs, second part: what is wrong with an entry. The table is data: each row is refused by exactly the
 * check it names.
 */
import { app, pax } from './craft.ts';
import { entries, type Hostile } from './hostile-bytes.ts';

export const HOSTILE_ENTRIES: Hostile[] = [
  entries('a way up', app({ name: '../outside', contents: 'evil' }), 'path', /"\.\.\/outside" has "\.\."/),
  entries(
    'a way up in the middle',
    app({ name: 'a/../../outside' }),
    'path',
    /"a\/\.\.\/\.\.\/outside" has "\.\."/,
  ),
  entries(
    'a way up by a pax header',
    app(pax({ path: '../outside' }), { name: 'x' }),
    'path',
    /"\.\.\/outside"/,
  ),
  entries(
    'a way up by a GNU long name',
    app({ name: 'L', type: 'L', contents: '../outside\0' }, { name: 'x' }),
    'path',
    /"\.\.\/outside"/,
  ),
  entries(
    'a way up by the prefix field',
    app({ name: 'outside', raw: [[345, '..']] }),
    'path',
    /"\.\.\/outside"/,
  ),
  entries('an absolute path', app({ name: '/tmp/outside' }), 'path', /"\/tmp\/outside" is an absolute path/),
  entries('a name that is not UTF-8', app({ name: Buffer.from([0x61, 0xff]) }), 'path', /not UTF-8/),
  entries(
    'a link whose target is not UTF-8',
    app({ name: 'l', type: '2', link: Buffer.from([0xff]) }),
    'path',
    /"l" .* not UTF-8/,
  ),
  entries('no name', app({ name: '' }), 'path', /"" has no name/),
  entries('a file in place of the folder', app({ name: './', type: '7' }), 'path', /folder itself/),
  entries('a zero byte in a pax path', app(pax({ path: 'a\0b' }), { name: 'x' }), 'path', /zero byte/),
  entries(
    'a path of 2,000 bytes',
    app(pax({ path: 'a/'.repeat(1000) }), { name: 'x' }),
    'path',
    /longer than 1024/,
  ),
  entries(
    'a name of 300 bytes',
    app(pax({ path: 'a'.repeat(300) }), { name: 'x' }),
    'path',
    /longer than 255/,
  ),
  entries('a link without a target', app({ name: 'l', type: '2' }), 'path', /"l" is a link without a target/),
  entries(
    'a character device',
    app({ name: 'dev/null', type: '3' }),
    'type',
    /"dev\/null" is a character device/,
  ),
  entries('a block device', app({ name: 'sda', type: '4' }), 'type', /"sda" is a block device/),
  entries('a fifo', app({ name: 'pipe', type: '6' }), 'type', /"pipe" is a fifo/),
  entries('an unknown type', app({ name: 'what', type: 'Z' }), 'type', /"what" is of the unknown type "Z"/),
  entries('a GNU sparse file', app({ name: 'holes', type: 'S' }), 'type', /"holes" is a sparse file/),
  entries(
    'a pax sparse file',
    app(pax({ 'GNU.sparse.major': '1' }), { name: 'holes' }),
    'type',
    /"holes" is a sparse file/,
  ),
  entries(
    'a set-uid file',
    app({ name: 'bin/su', mode: 0o4755 }),
    'set-uid',
    /"bin\/su" has its set-uid bit/,
  ),
  entries(
    'a set-gid file',
    app({ name: 'bin/sg', mode: 0o2755 }),
    'set-uid',
    /"bin\/sg" has its set-gid bit/,
  ),
  entries(
    'a set-uid folder',
    app({ name: 'd', type: '5', mode: 0o4755 }),
    'set-uid',
    /"d" has its set-uid bit/,
  ),
  entries(
    'a file through a link',
    app({ name: 'way', type: '2', link: '..' }, { name: 'way/outside' }),
    'through-link',
    /"way\/outside" would be written through the symbolic link "way"/,
  ),
  entries(
    'a file through a link to an inner folder',
    app({ name: 'd', type: '5' }, { name: 'way', type: '2', link: 'd' }, { name: 'way/x' }),
    'through-link',
    /"way\/x"/,
  ),
  entries(
    'a file deep through a link',
    app({ name: 'way', type: '2', link: '..' }, { name: './way//a/b/outside' }),
    'through-link',
    /through the symbolic link "way"/,
  ),
  entries(
    'a link through a link',
    app({ name: 'way', type: '2', link: '..' }, { name: 'way/l', type: '2', link: 'x' }),
    'through-link',
    /"way\/l"/,
  ),
  entries(
    'a folder through a link',
    app({ name: 'way', type: '2', link: '..' }, { name: 'way/d', type: '5' }),
    'through-link',
    /"way\/d"/,
  ),
  entries(
    'a file through a file',
    app({ name: 'x' }, { name: 'x/y' }),
    'through-link',
    /through the file "x"/,
  ),
  entries(
    'a file over a link',
    app({ name: 'x', type: '2', link: '../outside' }, { name: 'x', contents: 'evil' }),
    'twice',
    /"x" comes twice/,
  ),
  entries(
    'a folder over a link',
    app({ name: 'x', type: '2', link: '..' }, { name: 'x/', type: '5' }),
    'twice',
    /"x\/" comes twice/,
  ),
  entries(
    'a link over a folder',
    app({ name: 'd/x' }, { name: 'd', type: '2', link: '..' }),
    'twice',
    /"d" comes twice/,
  ),
  entries('a file twice', app({ name: 'x' }, { name: './x' }), 'twice', /"\.\/x" comes twice: the file/),
  entries(
    'a hard link out by an absolute path',
    app({ name: 'h', type: '1', link: '/etc/passwd' }),
    'hard-link',
    /"h" is a hard link out of the folder/,
  ),
  entries(
    'a hard link out by ".."',
    app({ name: 'h', type: '1', link: '../outside' }),
    'hard-link',
    /"h" is a hard link out of the folder/,
  ),
  entries(
    'a hard link to nothing',
    app({ name: 'h', type: '1', link: 'nothing' }),
    'hard-link',
    /"h" .* no such file/,
  ),
  entries(
    'a hard link through a link',
    app({ name: 'way', type: '2', link: '..' }, { name: 'h', type: '1', link: 'way/outside' }),
    'hard-link',
    /"h" .* no such file/,
  ),
  entries(
    'a hard link to a link',
    app({ name: 'l', type: '2', link: '../outside' }, { name: 'h', type: '1', link: 'l' }),
    'hard-link',
    /"h" is a hard link to the symbolic link/,
  ),
];
