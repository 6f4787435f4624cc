/** Hostile values: whatever stands in engine_fetch or update_interval, the engine goes on and answers in fetch_status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectZero, makeGateway, startPlatform } from './machine.ts';

const FETCH: readonly string[] = [
  'reboot now',
  '   ',
  'null',
  '[]',
  '0',
  '"x"',
  '{}',
  '{"install":null}',
  '{"install":[]}',
  '{"install":[null]}',
  '{"install":[{"name":null}]}',
  '{"install":[{"name":""}]}',
  '{"install":[{"name":"../../etc/passwd"}]}',
  '{"install":[{"name":"/etc/x.v1.tar.gz"}]}',
  '{"install":[{"name":"a.v1.tar.gz/../../b.v1.tar.gz"}]}',
  '{"install":[{"name":"$(reboot).v1.tar.gz"}]}',
  '{"install":[{"name":"-rf.v1.tar.gz"}]}',
  '{"install":[{"name":"a\\u0000.v1.tar.gz"}]}',
  '{"install":[{"name":"a.v1.zip"}]}',
  `{"install":[{"name":"${'a'.repeat(300)}.v1.tar.gz"}]}`,
  `${'{"install":'.repeat(2000)}1${'}'.repeat(2000)}`,
  '%7B%22install%22&=+%zz',
  '\ufeff{"install":[{"name":"a.v1.tar.gz"}]}',
  'é'.repeat(1000),
];
const INTERVALS = ['0', '-1', '1.5', '1e9', 'soon', '99999999999', '{"a":1}', ' 60', '0x10'];

test('no malformed instruction stops the engine or goes unanswered', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (const [index, text] of FETCH.entries()) {
    expectZero(platform.operator('write', gateway.serial, 'engine_fetch', text));
    const once = await gateway.gweAsync('--once');
    assert.equal(once.status, 3, `${text.slice(0, 60)}: ${once.stderr}`);
    const answers = await platform.points(gateway.serial, 'fetch_status');
    assert.equal(answers.length, index + 1, `${text.slice(0, 60)}: answered once: ${answers.at(-1)}`);
    assert.match(answers.at(-1) ?? '', /malformed: .|discarded: name: ./);
    assert.equal(await platform.value(gateway.serial, 'engine_fetch'), '', 'cleared');
  }
  assert.equal((await gateway.gweAsync('--once')).status, 0);
});

test('no malformed update_interval changes the interval, and each is answered and cleared', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  for (const [index, text] of INTERVALS.entries()) {
    expectZero(platform.operator('write', gateway.serial, 'update_interval', '--', text));
    assert.equal((await gateway.gweAsync('--once')).status, 3, text);
    const answers = await platform.points(gateway.serial, 'fetch_status');
    assert.equal(answers.length, index + 1, text);
    assert.match(answers.at(-1) ?? '', /update_interval: malformed/);
    assert.equal(await platform.value(gateway.serial, 'update_interval'), '');
  }
  assert.match(gateway.gwe('config', 'get', 'engine.update_interval').stdout, /^43200$/m);
});
