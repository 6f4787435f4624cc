import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, request, TOKEN } from './raw.ts';

const GATEWAYS = 16;
const CANARY = 3;
const CAP = 4;
/** The platform is killed as soon as so many gateways have taken the command: within the canary, at its end, later on. */
const KILL_AFTER = [1, CANARY, 6, 11];
const NAME = 'hello.v2.tar.gz';
const DEADLINE_MS = 60_000;

/** A platform in a process of its own that is killed, and started again on the same folder. */
async function mortalPlatform(t: TestContext) {
  const over = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'gwe-rollout-kill-'));
  let child: ChildProcess | undefined;
  let port = 0;
  let isUp: Promise<void> = Promise.resolve();
  const start = async () => {
    const path = join(import.meta.dirname, 'child.ts');
    child = spawn(process.execPath, [path, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(child.stdout);
    const ended = once(child, 'exit').then(() => ['it ended']);
    const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
    port = Number(String(line).trim());
    assert.ok(port > 0, `the platform does not start again: ${line}`);
  };
  const kill = async () => {
    if (child === undefined) return;
    const dead = once(child, 'exit');
    child.kill('SIGKILL');
    await dead;
  };
  t.after(async () => {
    over.abort();
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  /** The body of the answer; asks again as long as the platform is away. */
  const ask = async (method: string, path: string, headers: string[], body = ''): Promise<string> => {
    for (const end_ms = performance.now() + DEADLINE_MS; ; ) {
      await isUp;
      const connection = connect(port);
      connection.send(request(method, path, headers, body));
      try {
        return (await connection.answer()).body.toString();
      } catch (error) {
        if (over.signal.aborted || performance.now() > end_ms) throw error;
      } finally {
        connection.close();
      }
    }
  };
  return {
    ask,
    operate: (method: string, path: string, body?: string) =>
      ask(method, path, [`X-Exosite-Token: ${TOKEN}`], body),
    /** Kills it in the midst of whatever goes on; who asks meanwhile is answered by the next one. */
    restart() {
      isUp = isUp.then(kill).then(start);
      return isUp;
    },
  };
}

test('a platform that is killed in the middle of a rollout goes on with it: each gateway is told once, the cap holds', async (t) => {
  const platform = await mortalPlatform(t);
  const alias = '/onep:v1/stack/alias';
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('PUT', `/api/v1/products/P1/content/${NAME}?force=true`, 'no tarball');
  const taken: string[] = [];
  const installing = new Set<string>();
  const kills: Array<Promise<void>> = [];
  let most = 0;
  let tookBeforeCanary = 0;
  let isOver = false;
  let succeeded = 0;

  const activate = async (serial: string): Promise<string[]> => {
    await platform.operate('POST', '/api/v1/gateways', JSON.stringify({ product: 'P1', serial }));
    const form = `vendor=acme&model=P1&sn=${serial}`;
    return [`X-Exosite-CIK: ${await platform.ask('POST', '/provision/activate', [], form)}`];
  };
  const report = (version: string) =>
    `engine_report=${encodeURIComponent(JSON.stringify({ apps: [{ hello: { version, status: 'RUNNING' } }], update_interval: 60 }))}`;
  /** Checks in until all is over, and does what it is told. */
  const live = async (serial: string, key: string[]) => {
    for (let version = '1'; !isOver; ) {
      const command = await platform.ask('POST', `${alias}?engine_fetch`, key, report(version));
      if (command === '') continue;
      taken.push(serial);
      installing.add(serial);
      most = Math.max(most, installing.size);
      if (succeeded < CANARY) tookBeforeCanary += 1;
      if (KILL_AFTER.includes(taken.length)) kills.push(platform.restart());
      await platform.ask('POST', alias, key, 'engine_fetch=');
      await platform.ask(
        'POST',
        alias,
        key,
        `fetch_status=${encodeURIComponent(`${NAME}: installed in 1 s`)}`,
      );
      installing.delete(serial);
      succeeded += 1;
      version = '2';
    }
  };

  const keys = new Map<string, string[]>();
  for (let n = 0; n < GATEWAYS; n += 1) keys.set(`gw-${n}`, await activate(`gw-${n}`));
  for (const key of keys.values()) await platform.ask('POST', alias, key, report('1'));
  const plan = { product: 'P1', names: [NAME], stages: [{ count: CANARY }, { percent: 100 }], cap: CAP };
  const limits = { silentAfter_s: 0, failLimit_percent: 0 };
  await platform.operate('POST', '/api/v1/rollouts', JSON.stringify({ ...plan, ...limits }));
  const lives = [...keys].map(([serial, key]) => live(serial, key));
  let rollout = { state: '', counts: {} };
  for (const end_ms = performance.now() + DEADLINE_MS; rollout.state !== 'complete'; ) {
    assert.ok(performance.now() < end_ms, `it does not end: ${JSON.stringify(rollout)}`);
    rollout = JSON.parse(await platform.operate('GET', '/api/v1/rollouts/1'));
    if (rollout.state === 'paused') break;
  }
  isOver = true;
  await Promise.all([...lives, ...kills]);
  assert.equal(rollout.state, 'complete', JSON.stringify(rollout));
  assert.equal(kills.length, KILL_AFTER.length);
  assert.deepEqual(taken.toSorted(), [...keys.keys()].toSorted(), 'each gateway is told, and none twice');
  assert.ok(most <= CAP, `${most} were under way at a time`);
  assert.equal(tookBeforeCanary, CANARY, 'nobody beyond the first stage before it had passed');
});
