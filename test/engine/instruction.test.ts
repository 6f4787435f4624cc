import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInstruction, parseInterval } from '../../src/engine/instruction.ts';
import { asGweError, GweError } from '../../src/errors.ts';

const complaint = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof GweError, String(error));
    assert.equal(asGweError(error).code, 'malformed');
    return error.message;
  }
  return assert.fail('nothing was raised');
};

test('an install instruction names tarballs in order, and unknown keys are ignored', () => {
  const text =
    '{"install": [{"name": "b.v2.tar.gz", "x": 1}, {"name": "a.v1.0.tar.gz", "downgrade": false}], "y": {}}';
  const parsed = parseInstruction(text);
  assert.deepEqual(
    parsed?.items.map((item) => [item.name.app, item.name.version, item.downgrade]),
    [
      ['b', '2', undefined],
      ['a', '1.0', false],
    ],
  );
  assert.equal(parsed?.text, text);
});

test('an empty alias is no instruction', () => {
  assert.equal(parseInstruction(''), undefined);
});

test('anything else is malformed, and the complaint says what is wrong and where', () => {
  const hostile: [text: string, says: RegExp][] = [
    ['install app.v1.tar.gz', /not JSON/],
    [' \n', /not JSON/],
    ['{"install": [', /not JSON/],
    ['null', /it is null/],
    ['[]', /it is a list/],
    ['"text"', /it is the text "text"/],
    ['7', /number 7/],
    ['{}', /has no "install"/],
    ['{"__proto__": {"install": [{"name": "a.v1.tar.gz"}]}}', /has no "install"/],
    ['{"install": {}}', /"install" is an object/],
    ['{"install": "a.v1.tar.gz"}', /"install" is the text/],
    ['{"install": []}', /empty list/],
    ['{"install": ["a.v1.tar.gz"]}', /install\[0\] is the text/],
    ['{"install": [{"name": "a.v1.tar.gz"}, {"name": 3}]}', /install\[1\]\.name is number 3/],
    ['{"install": [{}]}', /install\[0\]\.name is missing/],
    ['{"install": [{"name": "a.v1.tar.gz", "downgrade": "no"}]}', /downgrade/],
    [`{"install": [${Array.from({ length: 101 }, () => '{"name": "a.v1.tar.gz"}').join()}]}`, /101 items/],
    ['x'.repeat(65_537), /65537 characters/],
    ['['.repeat(60_000), /not JSON/],
  ];
  for (const [text, says] of hostile)
    assert.match(
      complaint(() => parseInstruction(text)),
      says,
    );
});

test('a bad name discards its own item, the others stay', () => {
  const names = [
    '../x.v1.tar.gz',
    '/etc/passwd',
    'app.tar.gz',
    'a.v1.tar.gz',
    '.a.v1.tar.gz',
    'a b.v1.tar.gz',
    `${'a'.repeat(200)}.v1.tar.gz`,
    'a.v.tar.gz',
    'a\u202e.v1.tar.gz',
  ];
  const parsed = parseInstruction(JSON.stringify({ install: names.map((name) => ({ name })) }));
  assert.deepEqual(
    parsed?.items.map((item) => item.name.file),
    ['a.v1.tar.gz'],
  );
  assert.equal(parsed?.discarded.length, names.length - 1);
  for (const { name, why } of parsed?.discarded ?? []) {
    assert.doesNotMatch(name, /\u202e/);
    assert.ok(why.length > 10);
  }
});

test('update_interval is a whole number of seconds in range; anything else is malformed', () => {
  const limits = { min: 1, max: 31_536_000 };
  assert.equal(parseInterval('', limits), undefined);
  assert.equal(parseInterval('1', limits), 1);
  assert.equal(parseInterval('31536000', limits), 31_536_000);
  for (const text of [
    '0',
    '-5',
    '1.5',
    '1e3',
    ' 60',
    '60 ',
    '0x10',
    'soon',
    '31536001',
    '99999999999999999999',
    '٣',
    '{}',
    '\u0000',
  ]) {
    assert.match(
      complaint(() => parseInterval(text, limits)),
      /update_interval: malformed/,
      JSON.stringify(text),
    );
  }
});
