/** reports.detail on the built file: what dashboards find, and what is no longer on the line. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { CHECK_IN, line } from './line.ts';

test('with reports.detail = changed the dataports keep the last full report, and now and then a digest says that it still holds', async (t) => {
  const ground = await line(t, { 'reports.detail': 'changed', 'reports.digest_every': '2' });
  const { gateway, platform, tap } = ground;
  const full = await platform.value(gateway.serial, 'engine_report');
  assert.ok(JSON.parse(full).apps.length > 0);
  for (let n = 0; n < 2; n += 1) assert.equal((await gateway.gweAsync('--once')).status, 0);
  const bodies = tap.requests.filter(({ url }) => CHECK_IN.test(url)).map(({ body }) => body);
  assert.equal(bodies.length, 2);
  for (const body of bodies) assert.doesNotMatch(body, /engine_report=/);
  assert.equal(await platform.value(gateway.serial, 'engine_report'), full);
  const digests = JSON.parse(await platform.value(gateway.serial, 'report_digest'));
  assert.equal(digests.engine_report, createHash('sha256').update(full).digest('hex').slice(0, 16));
  assert.equal((await platform.points(gateway.serial, 'engine_report')).length, 1);

  assert.equal(gateway.gwe('config', 'set', 'engine.update_interval', '7000').status, 0);
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.equal(JSON.parse(await platform.value(gateway.serial, 'engine_report')).update_interval, 7000);
});
