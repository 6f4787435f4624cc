import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iniSections, parseIni, setIniValue } from '../../src/host/ini.ts';

const read = (text: string) =>
  Object.fromEntries([...parseIni(text)].map(([name, keys]) => [name, Object.fromEntries(keys)]));
const refuses = (text: string, pattern: RegExp) =>
  assert.throws(
    () => parseIni(text),
    (error: Error & { code?: string }) => error.code === 'malformed' && pattern.test(error.message),
  );

test('sections, keys with either separator, comments and blank lines are read', () => {
  const text = `# a comment
[device]
cik = abc
Model: m=1 ; no comment
; another
uuid=

[empty]
`;
  assert.deepEqual(read(text), { device: { cik: 'abc', model: 'm=1 ; no comment', uuid: '' }, empty: {} });
});

test('indented lines go on with a value, over comments and blank lines', () => {
  assert.deepEqual(read('[a]\nx = 1\n  2\n# no\n\n\t3\ny = 4\n'), { a: { x: '1\n2\n3', y: '4' } });
  assert.deepEqual(read('[a]\nx =\n  [b]\n  k = v\n'), { a: { x: '\n[b]\nk = v' } });
});

test('keys that are all indented alike are keys, not one long value', () => {
  assert.deepEqual(read('[a]\n  x = 1\n  y = 2\n    3\n'), { a: { x: '1', y: '2\n3' } });
});

test('a byte order mark, carriage returns and words after a header do not matter', () => {
  assert.deepEqual(read('\ufeff[a] ; said\r\nx = 1\r\n'), { a: { x: '1' } });
  assert.deepEqual(read('[a]\rx = 1\ry = 2'), { a: { x: '1', y: '2' } });
});

test('of a key or a section that comes twice the last key counts', () => {
  assert.deepEqual(read('[a]\nx = 1\nX = 2\n[b]\n[a]\nx = 3'), { a: { x: '3' }, b: {} });
  assert.deepEqual(iniSections('[a]\n[b]\nnonsense\n[a]'), ['a', 'b', 'a']);
});

test('names that mean something to JavaScript mean nothing here', () => {
  assert.equal(parseIni('[__proto__]\nconstructor = x').get('__proto__')?.get('constructor'), 'x');
});

test('a line that is nothing is named with its number', () => {
  refuses('x = 1', /line 1.*before the first/);
  refuses('[a]\n\nnonsense', /line 3: "nonsense" is neither/);
  refuses('[a]\n= 1', /line 2/);
  refuses('[]\n', /line 1/);
  refuses('[a\n', /line 1/);
});

test('setting a key changes that key only', () => {
  const text = '# who\n[device]\ncik = old ; odd\n  more\n; note\nmine = kept\n\n[other]\ncik = untouched\n';
  const changed = '# who\n[device]\ncik = new\n; note\nmine = kept\n\n[other]\ncik = untouched\n';
  assert.equal(setIniValue(text, 'device', 'CIK', 'new'), changed);
});

test('a new key goes to the end of its section, a new section to the end of the file', () => {
  assert.equal(
    setIniValue('[a]\nx = 1\n\n# b follows\n[b]\n', 'a', 'y', '2'),
    '[a]\nx = 1\ny = 2\n\n# b follows\n[b]\n',
  );
  assert.equal(setIniValue('[a]\n[b]\n', 'a', 'y', '2'), '[a]\ny = 2\n[b]\n');
  assert.equal(setIniValue('[a]\nx = 1', 'c', 'y', '2'), '[a]\nx = 1\n\n[c]\ny = 2\n');
  assert.equal(setIniValue('', 'c', 'y', '2'), '[c]\ny = 2\n');
});

test('a changed key does not swallow the indented keys after it', () => {
  const text = '[a]\n  x = 1\n  y = 2\n';
  assert.deepEqual(read(setIniValue(text, 'a', 'x', '9')), { a: { x: '9', y: '2' } });
  assert.deepEqual(read(setIniValue(text, 'a', 'z', '3')), { a: { x: '1', y: '2', z: '3' } });
  assert.deepEqual(read(setIniValue('[a]\n  [b]\n  x = 1\n', 'a', 'y', '2')), {
    a: { y: '2' },
    b: { x: '1' },
  });
});

test('Windows line ends stay', () => {
  assert.equal(setIniValue('[a]\r\nx = 1\r\n', 'a', 'x', '2'), '[a]\r\nx = 2\r\n');
});

test('a value cannot bring a line of its own', () => {
  for (const value of ['1\n[b]', '1\r[b]', '1\r\ny = 2']) {
    assert.throws(() => setIniValue('[a]\n', 'a', 'x', value), { code: 'malformed' });
  }
});

test('a hostile file is read in time that grows with its length only', () => {
  const started_ms = performance.now();
  const blanks = ' '.repeat(300_000);
  parseIni(`[a]\nx = 1${blanks}2\n`);
  refuses(`[a]\nx${blanks}y`, /line 2/);
  parseIni(`[a]\nx = 1\n${' y\n'.repeat(100_000)}`);
  assert.ok(performance.now() - started_ms < 5_000);
});
