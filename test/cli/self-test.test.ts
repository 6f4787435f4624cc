import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scratchMachine } from './call.ts';
import { startOperated } from './operator-fixture.ts';

test('the self-test says of each point whether it works, and changes nothing', async (t) => {
  const operated = await startOperated(t);
  const { call, places } = scratchMachine(t);
  await call(['-P', 'demo', '-u', 'SN', '--set-server', operated.url, '-d', 'ERROR']);
  await call(['config', 'set', 'supervisor.socket', `${places.state}/none.sock`]);
  const { status, out } = await call(['--self-test']);
  assert.equal(status, 0, out);
  assert.match(out, /^\[PASS\] opens the configuration and the state\n/);
  assert.match(out, /\[PASS\] reaches the platform\n$/);
  await operated.outage(async () => {
    const away = await call(['--self-test']);
    assert.equal(away.status, 1);
    assert.match(away.out, /\[PASS\] makes the reports\n\[FAIL\] reaches the platform: /);
  });
});

test('without an identity the self-test fails at its first point', async (t) => {
  const { status, out } = await scratchMachine(t).call(['--self-test']);
  assert.deepEqual([status, out.split('\n').length], [1, 2]);
  assert.match(out, /^\[FAIL\] opens the configuration/);
});
