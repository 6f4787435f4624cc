import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_MAX_DEPTH, decodeAnswer, encodeCall } from '../../src/supervisor/xmlrpc.ts';

const answer = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}</param>\n</params>\n</methodResponse>\n`;
const value = (text: string) => {
  const decoded = decodeAnswer(answer(text));
  return 'value' in decoded ? decoded.value : assert.fail('a fault');
};
const refuses = (text: string) =>
  assert.throws(() => decodeAnswer(text), { name: 'GweError', code: 'protocol' }, text.slice(0, 100));

test('a call is written with its parameters, and no text can leave its place', () => {
  assert.equal(
    encodeCall('supervisor.stopProcessGroup', ['a<b>&"c"\0', true, -3]),
    '<?xml version="1.0"?><methodCall><methodName>supervisor.stopProcessGroup</methodName><params><param><value><string>a&lt;b&gt;&amp;"c"\ufffd</string></value></param><param><value><boolean>1</boolean></value></param><param><value><int>-3</int></value></param></params></methodCall>',
  );
  assert.throws(() => encodeCall('x', [2 ** 31]), { code: 'protocol' });
  assert.throws(() => encodeCall('x', [1.5]), { code: 'protocol' });
});

test('every type that supervisord answers with is read', () => {
  assert.equal(
    value('<value><string>a &lt;b&gt; &amp;amp; &#228;&#x1F600;</string></value>'),
    'a <b> &amp; ä😀',
  );
  assert.equal(value('<value> plain </value>'), ' plain ');
  assert.equal(value('<value/>'), '');
  assert.equal(value('<value></value>'), '');
  assert.equal(value('<value><string></string></value>'), '');
  assert.equal(value('<value><string/></value>'), '');
  assert.equal(value('<value><int>-42</int></value>'), -42);
  assert.equal(value('<value><i4> 7 </i4></value>'), 7);
  assert.equal(value('<value><boolean>1</boolean></value>'), true);
  assert.equal(value('<value><double>1.5</double></value>'), 1.5);
  assert.equal(value('<value><nil/></value>'), null);
  assert.deepEqual(
    value('<value><array><data>\n<value><int>1</int></value>\n<value>b</value></data></array></value>'),
    [1, 'b'],
  );
  assert.deepEqual(value('<value><array><data/></array></value>'), []);
  assert.deepEqual(
    value(
      '<value><struct><member><name>__proto__</name><value><int>1</int></value></member>\n</struct></value>',
    ),
    new Map([['__proto__', 1]]),
  );
});

test('a fault is a fault, with its code and text', () => {
  const text =
    '<?xml version="1.0"?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int></value></member><member><name>faultString</name><value><string>BAD_NAME: x</string></value></member></struct></value></fault></methodResponse>';
  assert.deepEqual(decodeAnswer(text), { fault: { code: 10, text: 'BAD_NAME: x' } });
  refuses('<methodResponse><fault><value>no</value></fault></methodResponse>');
});

test('whatever is no answer is one error, never a crash', () => {
  const whole = answer(
    '<value><struct><member><name>a</name><value><int>1</int></value></member></struct></value>',
  );
  for (let length = 0; length < whole.trimEnd().length; length++) refuses(whole.slice(0, length));
  for (const text of [
    `${whole}x`,
    '<html><body>404</body></html>',
    '<!DOCTYPE methodResponse [<!ENTITY a "aaaa">]><methodResponse/>',
    answer('<value><int>1e5</int></value>'),
    answer('<value><int>99999999999999999999</int></value>'),
    answer('<value><boolean>2</boolean></value>'),
    answer('<value><double>Infinity</double></value>'),
    answer('<value><string>&bogus;</string></value>'),
    answer('<value><string>&constructor;</string></value>'),
    answer('<value><string>a & b</string></value>'),
    answer('<value><string>&#x110000;</string></value>'),
    answer('<value><base64>AAAA</base64></value>'),
    answer('<value><int/></value>'),
    answer('<value><int>1</int><int>2</int></value>'),
    answer('<value a="b"><int>1</int></value>'),
    answer('<value><!-- --><int>1</int></value>'),
  ]) {
    refuses(text);
  }
});

test('an answer nested without end does not exhaust the stack', () => {
  const nested = (depth: number) =>
    answer(
      `${'<value><array><data>'.repeat(depth)}<value>x</value>${'</data></array></value>'.repeat(depth)}`,
    );
  assert.doesNotThrow(() => decodeAnswer(nested(ANSWER_MAX_DEPTH)));
  refuses(nested(ANSWER_MAX_DEPTH + 1));
  refuses(nested(100_000));
});

test('an answer of megabytes is read in time that grows with its length only', () => {
  const many = '<value><string>aaaa &amp; bbbb</string></value>\n'.repeat(100_000);
  const started_ms = performance.now();
  assert.equal((value(`<value><array><data>${many}</data></array></value>`) as unknown[]).length, 100_000);
  refuses(`<methodResponse>${' '.repeat(1_000_000)}`);
  assert.ok(performance.now() - started_ms < 5_000);
});
