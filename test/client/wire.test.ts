/** The wire: what one side writes the other reads, and nothing that comes over it can throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CIK_PATTERN,
  decodeContentInfo,
  decodeContentList,
  decodeCsvRow,
  decodeForm,
  decodeValues,
  encodeAliases,
  encodeBody,
  encodeContentInfo,
  encodeContentList,
  encodeCsvRow,
  encodeForm,
  encodeValues,
  httpDate,
  parseContentRange,
  parseHttpDate,
  parseRetryAfter,
} from '../../src/client/wire.ts';

const text = fc.string({ unit: 'binary' }).map((each) => each.toWellFormed());
const pairs = fc.array(fc.tuple(text, text));

test('any names and values come back as they were from both encodings', () => {
  fc.assert(
    fc.property(pairs, (given) => {
      assert.deepEqual(decodeForm(encodeForm(given)), given);
      assert.deepEqual(decodeForm(encodeBody(given)), given);
    }),
  );
});

test('values by alias come back as they were, an alias named __proto__ too', () => {
  fc.assert(
    fc.property(fc.dictionary(text, text), (given) => {
      assert.deepEqual({ ...decodeValues(encodeValues(given)) }, { ...given });
    }),
  );
  assert.deepEqual(Object.entries(decodeValues('__proto__=1')), [['__proto__', '1']]);
});

test('a form has only characters that every old decoder reads, and no line break', () => {
  fc.assert(fc.property(pairs, (given) => assert.match(encodeForm(given), /^[A-Za-z0-9\-_.!~*'()%&=]*$/)));
  fc.assert(fc.property(pairs, (given) => assert.doesNotMatch(encodeBody(given), /[\r\n\0 #]/)));
});

test('a request body keeps the punctuation of JSON, and is shorter for it', () => {
  assert.equal(encodeBody([['r', '{"a b":[1,"x/y"]}&=+%é']]), 'r={"a+b":[1,"x/y"]}%26%3D%2B%25%C3%A9');
});

test('nothing that is sent to the platform can make the form decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      decodeForm(Buffer.from(bytes).toString('latin1'));
      decodeForm(Buffer.from(bytes).toString('utf8'));
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('%', '=', '&', '+', 'f', '8', 'z') }),
      (t) => void decodeForm(t),
    ),
  );
});

test('unencoded JSON is split at the first equals sign only', () => {
  assert.deepEqual(decodeForm('device_report={"pressure": "6=3"}&x=1'), [
    ['device_report', '{"pressure": "6=3"}'],
    ['x', '1'],
  ]);
});

test('plus and %20 are a space, an encoded plus, ampersand and equals sign survive', () => {
  assert.deepEqual(decodeValues('a=1+2%203%2B4%26b%3Dc'), { a: '1 2 3+4&b=c' });
});

test('a broken percent sign stays as it is', () => {
  assert.deepEqual(decodeValues('a=100%&b=%zz%4&c=%C3%A9%'), { a: '100%', b: '%zz%4', c: 'é%' });
});

test('bytes that are no UTF-8 become replacement characters, half surrogate pairs too', () => {
  assert.deepEqual(decodeValues('a=%ff%C3'), { a: '\ufffd\ufffd' });
  assert.deepEqual(decodeValues(encodeValues({ a: 'x\ud800y' })), { a: 'x\ufffdy' });
});

test('names without a value, empty pairs and repeated names are understood', () => {
  assert.deepEqual(decodeForm('&a&&b=&a=1&'), [
    ['a', ''],
    ['b', ''],
    ['a', '1'],
  ]);
  assert.deepEqual(decodeValues('a=1&a=2'), { a: '2' });
  assert.deepEqual(decodeForm(''), []);
});

test('aliases are a query of names', () => {
  assert.equal(encodeAliases(['engine_fetch', 'a b&c']), 'engine_fetch&a%20b%26c');
});

test('a key is 40 lower-case hex digits and nothing else', () => {
  assert.match('0123456789abcdef0123456789abcdef01234567', CIK_PATTERN);
  for (const wrong of [
    '',
    'a'.repeat(39),
    'a'.repeat(41),
    'A'.repeat(40),
    `${'a'.repeat(40)}\n`,
    'g'.repeat(40),
  ]) {
    assert.doesNotMatch(wrong, CIK_PATTERN);
  }
});

test('an HTTP-date is read in its three forms and as unix seconds', () => {
  assert.equal(httpDate(784_111_777), 'Sun, 06 Nov 1994 08:49:37 GMT');
  for (const form of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    ' 784111777 ',
  ]) {
    assert.equal(parseHttpDate(form), 784_111_777, form);
  }
  for (const nonsense of ['', 'soon', '-1', '1e3', 'Sun, 99 Foo 1994 08:49:37 GMT']) {
    assert.equal(parseHttpDate(nonsense), undefined, nonsense);
  }
});

test('any second since 1970 survives the way through an HTTP-date', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (s) =>
      assert.equal(parseHttpDate(httpDate(s)), s),
    ),
  );
});

test('nothing in a date header can throw', () => {
  fc.assert(
    fc.property(
      fc.string(),
      (each) => void [parseHttpDate(each), parseRetryAfter(each, 0), parseContentRange(each)],
    ),
  );
});

test('Retry-After is seconds or a date, and never negative', () => {
  const now_ms = 784_111_777_000;
  assert.equal(parseRetryAfter('120', now_ms), 120);
  assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:50:37 GMT', now_ms), 60);
  assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:00:00 GMT', now_ms), 0);
  assert.equal(parseRetryAfter('', now_ms), undefined);
  assert.equal(parseRetryAfter('later', now_ms), undefined);
});

test('a content range is read, with a known or unknown total, and an impossible one is refused', () => {
  assert.deepEqual(parseContentRange('bytes 5-9/10'), { from_byte: 5, to_byte: 9, total_bytes: 10 });
  assert.deepEqual(parseContentRange('bytes 0-0/*'), { from_byte: 0, to_byte: 0, total_bytes: undefined });
  for (const wrong of ['bytes 9-5/10', 'bytes 5-10/10', 'bytes */10', 'bytes=5-9/10', 'pages 5-9/10', '']) {
    assert.equal(parseContentRange(wrong), undefined, wrong);
  }
});

test('the content list is read with whichever line ends', () => {
  const ids = ['app.v1.tar.gz', 'odd name'];
  assert.equal(encodeContentList(ids), 'app.v1.tar.gz\r\nodd name\r\n');
  for (const form of [encodeContentList(ids), 'app.v1.tar.gz\nodd name', '\napp.v1.tar.gz\rodd name\r']) {
    assert.deepEqual(decodeContentList(form), ids);
  }
  assert.deepEqual(decodeContentList(''), []);
});

test('csv fields come back as they were, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (fields) => {
      assert.deepEqual(decodeCsvRow(encodeCsvRow(fields)), fields);
    }),
  );
});

test('what the Content Area knows is read from its csv, commas in the meta text included', () => {
  const info = {
    type: 'application/gzip',
    size_bytes: 12,
    updated_s: 1_700_000_000,
    meta: 'sha256=ab, "new"',
  };
  assert.deepEqual(decodeContentInfo(`${encodeContentInfo(info)}\r\n`), info);
  assert.deepEqual(decodeContentInfo('text/plain,12,1700000000,first, second\r\n')?.meta, 'first, second');
  assert.deepEqual(decodeContentInfo('text/plain,12,1700000000.5,')?.updated_s, 1_700_000_000);
  for (const wrong of ['', '<html>', 'a,b,c,d', 'text/plain,-1,1,', 'text/plain,12']) {
    assert.equal(decodeContentInfo(wrong), undefined, wrong);
  }
});
