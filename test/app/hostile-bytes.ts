/**
 * Hostile tarballs, first part: what is wrong with the file, its gzip, its tar, or its size. The table is data: each row
 * is refused by exactly the check it names.
 */
import { gzipSync } from 'node:zlib';
import type { CheckId, TarballLimits } from '../../src/app/checks.ts';
import { app, block, type CraftedEntry, INSTALL, pax, tar, tgz } from './craft.ts';

const KIB = 1024;

export interface Hostile {
  what: string;
  bytes: () => Buffer;
  check: CheckId;
  /** What the message must say: the entry and the rule. */
  says: RegExp;
  limits?: Partial<TarballLimits>;
  announced_bytes?: number;
}

/** A tarball that is refused for one of its entries. */
export const entries = (what: string, list: CraftedEntry[], check: CheckId, says: RegExp): Hostile => ({
  what,
  bytes: () => tgz(list),
  check,
  says,
});

export const GOOD = tgz(app());

/** `bytes` with all bits of one byte turned over. */
export function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

export const HOSTILE_BYTES: Hostile[] = [
  {
    what: 'shorter than announced',
    bytes: () => GOOD,
    announced_bytes: GOOD.length + 1,
    check: 'length',
    says: /has \d+ bytes, but \d+ were announced/,
  },
  {
    what: 'longer than announced',
    bytes: () => GOOD,
    announced_bytes: GOOD.length - 1,
    check: 'length',
    says: /longer than the \d+ bytes/,
  },
  {
    what: 'both shorter than announced and cut short',
    bytes: () => GOOD.subarray(0, 60),
    announced_bytes: GOOD.length,
    check: 'length',
    says: /has 60 bytes/,
  },
  { what: 'an empty file', bytes: () => Buffer.alloc(0), check: 'gzip', says: /cut short/ },
  { what: 'a plain tar', bytes: () => tar(app()), check: 'gzip', says: /plain tar/ },
  { what: 'a zip', bytes: () => Buffer.from('PK\x03\x04 and so on'), check: 'gzip', says: /zip archive/ },
  { what: 'a page of HTML', bytes: () => Buffer.from('<html>404</html>'), check: 'gzip', says: /HTML/ },
  {
    what: 'a wrong CRC',
    bytes: () => flip(GOOD, GOOD.length - 8),
    check: 'gzip',
    says: /checksum \(CRC\) is wrong/,
  },
  {
    what: 'a wrong length at the end',
    bytes: () => flip(GOOD, GOOD.length - 1),
    check: 'gzip',
    says: /length at the end/,
  },
  { what: 'damaged deflate data', bytes: () => flip(GOOD, 10), check: 'gzip', says: /damaged|cut short/ },
  {
    what: 'garbage after the gzip data',
    bytes: () => Buffer.concat([GOOD, Buffer.from('x')]),
    check: 'gzip',
    says: /something follows .* \(1 bytes\)/,
  },
  {
    what: 'zeros after the gzip data',
    bytes: () => Buffer.concat([GOOD, Buffer.alloc(100_000)]),
    check: 'gzip',
    says: /something follows/,
  },
  {
    what: 'a second gzip member',
    bytes: () => Buffer.concat([GOOD, GOOD]),
    check: 'gzip',
    says: /something follows/,
  },
  {
    what: 'a gzip header without an end',
    bytes: () => Buffer.concat([Buffer.from([31, 139, 8, 8, 0, 0, 0, 0, 0, 3]), Buffer.alloc(300_000, 65)]),
    check: 'gzip',
    says: /header is longer/,
  },
  { what: 'gzip of nothing', bytes: () => gzipSync(''), check: 'tar', says: /two empty blocks/ },
  {
    what: 'no end of the archive',
    bytes: () => gzipSync(tar(app(), Buffer.alloc(0))),
    check: 'tar',
    says: /two empty blocks/,
  },
  {
    what: 'one empty block at the end',
    bytes: () => gzipSync(tar(app(), Buffer.alloc(512))),
    check: 'tar',
    says: /two empty blocks/,
  },
  {
    what: 'an empty block in the middle',
    bytes: () => gzipSync(Buffer.concat([block(INSTALL), Buffer.alloc(512), tar([{ name: 'x' }])])),
    check: 'tar',
    says: /between two entries/,
  },
  {
    what: 'an archive after the archive',
    bytes: () => gzipSync(Buffer.concat([tar(app()), tar([{ name: 'smuggled' }])])),
    check: 'tar',
    says: /follows the two empty blocks/,
  },
  {
    what: 'an end that is no whole block',
    bytes: () => gzipSync(Buffer.concat([tar(app()), Buffer.alloc(100)])),
    check: 'tar',
    says: /block of 512/,
  },
  entries(
    'a wrong checksum of a header',
    app({ name: 'x', checksumError: 1 }),
    'tar',
    /"x" has a header with a wrong checksum/,
  ),
  entries(
    'a size that is no number',
    app({ name: 'x', raw: [[124, '99999999999\0']] }),
    'tar',
    /"x" .* number/,
  ),
  entries(
    'a negative size',
    app({ name: 'x', raw: [[124, `${'\xff'.repeat(12)}`]] }),
    'tar',
    /"x" .* number/,
  ),
  entries(
    'a folder that claims contents',
    app({ name: 'd', type: '5', contents: 'x' }),
    'tar',
    /"d" claims to hold 1 bytes/,
  ),
  entries(
    'a link that claims contents',
    app({ name: 'l', type: '2', link: 'x', contents: 'x' }),
    'tar',
    /"l" claims to hold/,
  ),
  entries(
    'a folder that claims contents in base 256',
    app({ name: 'd', type: '5', raw: [[124, '\x80\0\0\0\0\0\0\0\0\0\0\x01']] }),
    'tar',
    /"d" claims to hold/,
  ),
  entries(
    'a size that only begins like a number',
    app({ name: 'x', raw: [[124, '0000000000x\0']] }),
    'tar',
    /"x" .* number/,
  ),
  entries(
    'a number in base 256 that is too large',
    app({ name: 'x', raw: [[124, `\x80${'\xff'.repeat(11)}`]] }),
    'tar',
    /"x" .* number/,
  ),
  entries(
    'a name that goes on in a new line after its end',
    app({ name: 'x\0\n../outside' }),
    'tar',
    /name tar programs read differently/,
  ),
  entries(
    'a target that goes on in a new line after its end',
    app({ name: 'l', type: '2', link: 'x\0\n../outside' }),
    'tar',
    /name tar programs read differently/,
  ),
  entries(
    'a prefix that only some programs see',
    app({
      name: 'x',
      raw: [
        [263, '  '],
        [345, 'lib'],
      ],
    }),
    'tar',
    /name tar programs read differently/,
  ),
  entries(
    'a damaged pax record',
    app({ name: 'p', type: 'x', contents: '99 path=x\n' }, { name: 'x' }),
    'tar',
    /extended header .* damaged/,
  ),
  entries('a pax size that is no number', app(pax({ size: '-1' }), { name: 'x' }), 'tar', /"-1" as a size/),
  entries('a pax header with no entry', app(pax({ path: 'x' })), 'tar', /no entry after it/),
  entries(
    'two pax headers in a row',
    app(pax({ path: 'a' }), pax({ path: '../b' }), { name: 'x' }),
    'tar',
    /two extended headers/,
  ),
  entries(
    'a pax and a GNU name in a row',
    app(pax({ path: 'a' }), { name: 'L', type: 'L', contents: '../b\0' }, { name: 'x' }),
    'tar',
    /two extended headers/,
  ),
  entries(
    'a global pax header with a path',
    app(pax({ path: '../x' }, 'g'), { name: 'x' }),
    'tar',
    /global extended header/,
  ),
  {
    what: 'more bytes than a tarball may have',
    bytes: () => GOOD,
    limits: { maxTarball_bytes: 50 },
    check: 'limits',
    says: /at most 50/,
  },
  {
    what: 'more bytes announced than a tarball may have',
    bytes: () => GOOD,
    announced_bytes: 60,
    limits: { maxTarball_bytes: 50 },
    check: 'limits',
    says: /at most 50/,
  },
  {
    what: 'too many entries',
    bytes: () => tgz(app({ name: 'a' }, { name: 'b' })),
    limits: { maxEntries: 2 },
    check: 'limits',
    says: /more than 2 entries/,
  },
  {
    what: 'files of too many bytes',
    bytes: () => tgz(app({ name: 'a', contents: 'x'.repeat(1000) })),
    limits: { maxUnpacked_bytes: 1000 },
    check: 'limits',
    says: /at most 1000/,
  },
  entries(
    'an entry that claims exabytes',
    app({ name: 'x', raw: [[124, '\x80\0\0\0\0\x10\0\0\0\0\0\0']] }),
    'limits',
    /at most/,
  ),
  entries(
    'a pax header of a megabyte',
    app(pax({ comment: 'x'.repeat(KIB * KIB) }), { name: 'x' }),
    'limits',
    /extended header has/,
  ),
];
