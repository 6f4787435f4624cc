/** What a replica that was killed had acknowledged and not looked at: another one that lives does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lacks } from '../debian.ts';
import { eventually } from '../e2e/machine.ts';
import { connect, platformFor, request } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const needs = { skip: lacks('postgres') };
let server: RealPostgres;
before(async () => {
  if (needs.skip === false) server = await startPostgres({ isDurable: false });
});
after(() => server?.stop());

const NAME = 'hello.v2.tar.gz';

test(
  'what a gateway reported to a replica that is killed the moment it acknowledged is looked at by another within seconds',
  needs,
  async (t) => {
    const store = server.database();
    const living = await platformFor(t, { store });
    const cik = await living.gateway('P', 'S');
    const folder = mkdtempSync(join(tmpdir(), 'gwe-left-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const script = join(import.meta.dirname, 'child.ts');
    const child = spawn(process.execPath, [script, folder, '', store], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    const apps = [{ hello: { version: 'v2', status: 'RUNNING', exitstatus: 0 } }];
    const report = new URLSearchParams({
      engine_report: JSON.stringify({ apps, update_interval: 60 }),
      fetch_status: `${NAME}: installed in 1 s`,
    });
    const connection = connect(Number(String(line).trim()));
    const call = request('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], report.toString());
    connection.send(call);
    assert.match((await connection.answer()).status, / 204 /);
    child.kill('SIGKILL');
    const get = async (path: string) => JSON.parse((await living.operate('GET', path)).body.toString());
    const gateway = await eventually('it is looked at', async () => {
      const found = await get('/api/v1/gateways/P/S');
      return found.apps?.hello === 'v2' && found;
    });
    assert.ok(gateway.lastSeen > 0, 'it was seen, too');
    const { hours } = await get('/api/v1/overview');
    assert.equal(
      hours.reduce((sum: number, { installs }: { installs: number }) => sum + installs, 0),
      1,
    );
  },
);
