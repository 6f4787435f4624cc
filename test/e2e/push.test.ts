/** Push on the built file: a command reaches a gateway that would otherwise look for it in twelve hours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BARE_PATH,
  eventually,
  expectZero,
  GWE,
  makeGateway,
  start,
  startPlatform,
  writeSettings,
} from './machine.ts';

test('with engine.push a command is obeyed at once, a check-in is made on WINCH, and TERM ends it', async (t) => {
  const platform = await startPlatform(t);
  const gateway = makeGateway(t, { server: platform.url, product: platform.product });
  writeSettings(gateway.config, { 'engine.push': 'on', 'engine.hibernate': 'on' });
  expectZero(platform.operator('gateway', 'add', gateway.serial));
  const running = start(t, [GWE], { PATH: BARE_PATH, ...gateway.env });
  const reported = () => platform.points(gateway.serial, 'engine_report').then((points) => points.length);
  await eventually('the first check-in', async () => (await reported()) > 0);
  expectZero(platform.operator('write', gateway.serial, 'engine_fetch', 'no instruction'));
  await eventually('the command to be answered', async () =>
    /malformed/.test(await platform.value(gateway.serial, 'fetch_status')),
  );
  const before = await reported();
  running.process.kill('SIGWINCH');
  await eventually('a check-in after WINCH', async () => (await reported()) > before);
  running.process.kill('SIGTERM');
  assert.equal(await running.ended, 0);
});
