import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-stop-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

test('Ctrl-C ends a command that waits for a platform, the first time', async () => {
  const server = createServer(() => child.kill('SIGINT'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const child = spawn(process.execPath, [MAIN, 'gateways'], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      GWE_PLATFORM_URL: `http://127.0.0.1:${address.port}`,
      GWE_PLATFORM_TOKEN: 't'.repeat(40),
    },
    stdio: 'ignore',
  });
  const [status] = await once(child, 'exit');
  assert.equal(status, 130);
  server.closeAllConnections();
  server.close();
});

test('Ctrl-C ends a build, and leaves nothing half made behind', async () => {
  const app = mkdtempSync(join(folder, 'app-'));
  writeFileSync(join(app, 'install.sh'), '#!/bin/sh\n', { mode: 0o755 });
  // Long enough that it is being packed when the signal comes: a hole, which takes no disk.
  writeFileSync(join(app, 'big'), '');
  truncateSync(join(app, 'big'), 64 * 1024 ** 3);
  const child = spawn(process.execPath, [MAIN, '-y', '-n', 'app', '-s', '1'], {
    cwd: app,
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const isPacking = () => readdirSync(app).some((name) => name.endsWith('.new'));
  while (!isPacking() && child.exitCode === null) await new Promise((tick) => setTimeout(tick, 20));
  child.kill('SIGTERM');
  assert.equal((await exited)[0], 143);
  assert.deepEqual(readdirSync(app).toSorted(), ['big', 'install.sh']);
});
