import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstallEnd } from '../../src/reports/ends.ts';
import { cleanOutput, fetchStatusText, OUTPUT_MAX_CHARACTERS } from '../../src/reports/fetch-status.ts';

const end = (more: Partial<InstallEnd>): InstallEnd => ({
  name: 'app_update.v2.tar.gz',
  app: 'app_update',
  version: '2',
  outcome: 'installed',
  time_ms: 0,
  ...more,
});
const says = (more: Partial<InstallEnd>, text: string) => assert.equal(fetchStatusText(end(more)), text);

test('an install that went well says how long it took, then what the script printed', () => {
  says(
    { duration_ms: 1234, attempt: 1, exit: 0, output: Buffer.from('hello\nworld\n') },
    'app_update.v2.tar.gz: installed in 1.2 s (attempt 1, exit 0)\nhello\nworld',
  );
});

test('every other outcome is one line in its own words', () => {
  const name = 'app_update.v2.tar.gz';
  says(
    { outcome: 'discarded', check: 'gzip', why: 'it is cut short' },
    `${name}: discarded: gzip: it is cut short`,
  );
  says(
    { outcome: 'failed', why: 'install.sh ended with 1', rolledBackTo: '1' },
    `${name}: failed: install.sh ended with 1; back at v1`,
  );
  says(
    { outcome: 'failed', why: 'killed', rollbackFailed: '1' },
    `${name}: failed: killed; v1 could not be brought back`,
  );
  says({ outcome: 'failed' }, `${name}: failed: install.sh did not end well`);
  says({ outcome: 'gone' }, `${name}: gone: not in the Content Area`);
  says(
    { outcome: 'waiting', why: 'needs 52 MB of disk, 11 MB are free' },
    `${name}: waiting: needs 52 MB of disk, 11 MB are free`,
  );
  assert.equal(
    fetchStatusText(end({ name: 'engine_fetch', outcome: 'malformed', why: 'install is no list' })),
    'engine_fetch: malformed: install is no list',
  );
});

test('a note stands between the line and the output', () => {
  says(
    { note: 'supervisord is not running', output: Buffer.from('done') },
    'app_update.v2.tar.gz: installed\nsupervisord is not running\ndone',
  );
});

test('what a stranger named cannot add a line of its own', () => {
  const text = fetchStatusText(
    end({ name: 'a\nb.v1.tar.gz: installed', outcome: 'malformed', why: 'x\r\n\x1b[31my'.repeat(2000) }),
  );
  assert.equal(text.split('\n').length, 1);
  assert.ok(text.length < 2000);
  assert.doesNotMatch(text, /\x1b/);
});

const cleans = (raw: string | Buffer, text: string) =>
  assert.equal(cleanOutput(Buffer.from(raw as string, 'utf8')), text);

test('colours, titles, cursor movements and stray escapes disappear from the output', () => {
  cleans(
    '\x1b[1;31mred\x1b[0m \x1b]0;title\x07plain\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\',
    'red plainlink',
  );
  cleans('\x1b[2J\x1b[H\x1b(Btext\x1b7\x1b[?25l\x1b=', 'text');
  cleans('\x9b31mred\x9b0m \x1bP1;2|secret\x1b\\end', 'red end');
  cleans('tail\x1b', 'tail');
  cleans('tail\x1b[', 'tail');
});

test('an unfinished control string does not swallow what follows it', () => {
  cleans('\x1b]0;no end\nnext line\n', '0;no end\nnext line');
});

test('bytes that are no UTF-8 become replacement characters, the rest stays', () => {
  assert.equal(cleanOutput(Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x62, 0xc3, 0xa4])), 'a\ufffd\ufffd\ufffdbä');
});

test('tabs and newlines stay, other control characters go', () => {
  cleans('a\tb\0\x01\x07\x08c\x7f\nd\x85', 'a\tbc\nd');
});

test('of a progress bar the last state stays, and Windows line ends are line ends', () => {
  cleans('get\r 10 %\r 50 %\r100 %\r\ndone\r\n', '100 %\ndone');
  cleans('10 %\r50 %\r', '50 %');
  cleans('a\r\r\nb', 'a\nb');
});

test('marks that turn the direction of text cannot disguise a line', () => {
  cleans('evil\u202egnp.exe\u2066\u2028x', 'evilgnp.exex');
});

test('output without end is cut in its middle, and says so', () => {
  const raw = Buffer.alloc(3 * OUTPUT_MAX_CHARACTERS, 'x');
  raw.write('HEAD');
  raw.write('TAIL', raw.length - 4);
  const text = cleanOutput(raw);
  assert.match(text, /^HEAD/);
  assert.match(text, /TAIL$/);
  assert.match(text, /\n\[… 2097152 characters left out …\]\n/);
});

test('a cut through a character leaves no half of it', () => {
  assert.ok(cleanOutput(Buffer.from('x'.concat('😀'.repeat(OUTPUT_MAX_CHARACTERS)))).isWellFormed());
});

test('hostile output is cleaned in time that grows with its length only', () => {
  for (const part of ['\x1b]', '\x9d', '\x1b[', '\x1b[0', '\r', '\x1b', '\x1bP\x1b', 'a\r\n', '\x1b[ ']) {
    const started_ms = performance.now();
    cleanOutput(Buffer.from(part.repeat(200_000)));
    assert.ok(performance.now() - started_ms < 5_000, JSON.stringify(part));
  }
});
