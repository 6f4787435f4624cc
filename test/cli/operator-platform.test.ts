import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Done, goodTarball, gwe, temporaryFolder } from './operator-fixture.ts';

/** Runs `gwe platform` until it listens, does something with its URL, and stops it. */
async function serve(
  t: TestContext,
  folder: string,
  env: NodeJS.ProcessEnv,
  meanwhile: (url: string) => Promise<void>,
  flags: readonly string[] = [],
): Promise<Done> {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const listening = Promise.withResolvers<string>();
  const args = ['platform', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', ...flags];
  const ended = gwe(args, env, {
    signal: stop.signal,
    onOut: (all) => listening.resolve(all),
  });
  const said = await Promise.race([listening.promise, ended.then((done) => done.err)]);
  const url = said.match(/^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/)?.[1];
  assert.ok(url, said);
  await meanwhile(url);
  stop.abort();
  return ended;
}

test('a platform says where it listens, prints its first token once, and ends with 0 when it is told to stop', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { HOME: folder };
  let token = '';
  const first = await serve(t, folder, env, async () => {});
  assert.equal(first.status, 0, first.err);
  token = first.err.match(/shown only this once: (\S+)/)?.[1] ?? '';
  assert.match(first.err, new RegExp(`gwe login http://127.0.0.1:\\d+ --token ${token}\n`));
  const second = await serve(t, folder, env, async (url) => {
    assert.equal((await gwe(['login', url, '--token', token], env)).status, 0);
  });
  assert.equal(second.status, 0, second.err);
  assert.doesNotMatch(second.err, /only this once/);
  assert.ok(!second.err.includes(token));
});

test('a token preset in the environment opens the platform and is not printed', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { HOME: folder, GWE_PLATFORM_TOKEN: 'preset-token-0123456789' };
  const done = await serve(t, folder, env, async (url) => {
    assert.equal((await gwe(['gateways'], { ...env, GWE_PLATFORM_URL: url })).status, 0);
  });
  assert.doesNotMatch(done.err + done.out, /preset-token/);
});

test('a platform that logs all it can logs neither keys nor tokens, whatever they are sent in', async (t) => {
  const folder = await temporaryFolder(t);
  const token = 'f00d'.repeat(10);
  const env = { HOME: folder, GWE_PLATFORM_TOKEN: token };
  let cik = '';
  const done = await serve(
    t,
    folder,
    env,
    async (url) => {
      const as = { ...env, GWE_PLATFORM_URL: url };
      await gwe(['product', 'create', 'P1'], as);
      await gwe(['gateway', 'add', 'gw-1'], as);
      const body = new URLSearchParams({ vendor: 'gwe', model: 'P1', sn: 'gw-1' });
      cik = await (await fetch(`${url}/provision/activate`, { method: 'POST', body })).text();
      await gwe(['write', 'gw-1', 'engine_fetch', `key ${cik}`], as);
      // A request that breaks off is what is logged with its path.
      const gone = new AbortController();
      const headers = { 'X-Exosite-CIK': cik, 'Content-Length': '9' };
      const sent = new ReadableStream({ pull: () => gone.abort() });
      const init = { method: 'POST', headers, body: sent, duplex: 'half', signal: gone.signal } as const;
      await fetch(`${url}/onep:v1/stack/alias/${cik}?${token}`, init).catch(() => {});
    },
    ['--debug-level', 'DEBUG'],
  );
  assert.match(cik, /^[0-9a-f]{40}$/);
  assert.match(done.err, /Activated gateway gw-1/);
  for (const secret of [cik, token]) assert.equal(`${done.out}${done.err}`.includes(secret), false);
});

test('what a platform cannot start with is said before anything is made', async (t) => {
  const env = { HOME: await temporaryFolder(t) };
  const said = async (...args: string[]) => {
    const { status, err } = await gwe(['platform', ...args], env);
    assert.equal(status, 2, err);
    return err;
  };
  assert.match(await said(), /--data DIR is missing/);
  assert.match(await said('--data', 'x', '--listen', 'here'), /HOST:PORT/);
  assert.match(await said('--data', 'x', '--cert', 'c.pem'), /--key is missing/);
});

test('HUP makes a platform read its certificate again, and a bad one does not end it', async (t) => {
  const folder = await temporaryFolder(t);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const make = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=x',
  ];
  execFileSync('openssl', [...make, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const main = join(import.meta.dirname, '../../src/main.ts');
  const args = [
    'platform',
    '--data',
    join(folder, 'data'),
    '--listen',
    '127.0.0.1:0',
    '--cert',
    cert,
    '--key',
    key,
  ];
  const child = spawn(process.execPath, [main, ...args], { env: { HOME: folder } });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  const until = (text: string) =>
    new Promise<void>((resolve, reject) => {
      child.once('exit', (code, signal) =>
        reject(new Error(`it ended (${code ?? signal}) before: ${text}\n${said}`)),
      );
      const look = () => void (said.includes(text) && resolve());
      child.stderr.on('data', look);
      look();
    });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  await once(child.stdout, 'data');
  child.kill('SIGHUP');
  await until('HUP: certificate and key were read again');
  execFileSync('sh', ['-c', `echo broken > ${cert}`]);
  child.kill('SIGHUP');
  await until('ERROR HUP: Cannot use the certificate');
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
});

test('a platform that demands approval says so when a rollout is made, and another operator lets it begin', async (t) => {
  const folder = await temporaryFolder(t);
  const env = { HOME: folder, GWE_PLATFORM_TOKEN: 'preset-token-0123456789' };
  const tarball = await goodTarball(folder, 'hello.v2.tar.gz');
  await serve(
    t,
    folder,
    env,
    async (url) => {
      const ann = { ...env, GWE_PLATFORM_URL: url };
      await gwe(['product', 'create', 'P1'], ann);
      await gwe(['gateway', 'add', 'gw-1'], ann);
      const made = await gwe(['rollout', 'create', '--all', tarball], ann);
      assert.match(made.out, /over 1 gateway; waits for another operator: gwe rollout approve 1\n$/);
      const shown = await gwe(['rollout', 'show', '1'], ann);
      assert.match(shown.out, /, proposed\n {2}It waits for approval by another operator than preset\.\n/);
      const own = await gwe(['rollout', 'approve', '1'], ann);
      assert.deepEqual([own.status, /preset made it/.test(own.err)], [1, true]);
      const token = (await gwe(['token', 'create', 'bob'], ann)).out.trim();
      const approved = await gwe(['rollout', 'approve', '1'], { ...ann, GWE_PLATFORM_TOKEN: token });
      assert.equal(approved.out, 'rollout 1 is running: Stage 1: 1 offline.\n');
    },
    ['--approval', 'P1'],
  );
});
