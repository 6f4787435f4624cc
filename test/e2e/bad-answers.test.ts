/** A platform that answers nonsense, or somebody else in its place: the engine goes on, and believes none of it. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { appends, CHECK_IN, done, ends, isDownload, isInfo, line, MIB } from './line.ts';
import { makeTarball } from './machine.ts';
import type { TappedRequest } from './tap.ts';

const HTML = '<!DOCTYPE html><html><body>Sign in to &lt;Guest=WiFi&gt; engine_fetch=</body></html>';
const flood = (outgoing: ServerResponse) => {
  outgoing.writeHead(200, { 'Content-Type': 'text/plain' });
  const more = () => {
    while (!outgoing.destroyed && outgoing.write(Buffer.alloc(MIB, 'x')));
  };
  outgoing.on('drain', more);
  more();
};
const raw = (text: string) => (outgoing: ServerResponse) => void outgoing.socket?.end(text);

/** What may stand in the platform's place, and which requests it answers. */
const NONSENSE: Readonly<
  Record<string, { at: (request: TappedRequest) => boolean; answer: (outgoing: ServerResponse) => void }>
> = {
  'a page of HTML instead of the aliases': {
    at: () => true,
    answer: (outgoing) => void outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(HTML),
  },
  'a page of HTML that calls itself a form': {
    at: () => true,
    answer: (outgoing) =>
      void outgoing.writeHead(200, { 'Content-Type': 'application/x-www-form-urlencoded' }).end(HTML),
  },
  'a redirect': {
    at: () => true,
    answer: (outgoing) => void outgoing.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
  },
  'a body without end': { at: ({ url }) => CHECK_IN.test(url), answer: flood },
  'another protocol': { at: () => true, answer: raw('SSH-2.0-OpenSSH_9.2\r\n') },
  'half of a header': { at: () => true, answer: raw('HTTP/1.1 200 OK\r\nContent-Le') },
  'a header without end': { at: () => true, answer: raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(MIB)}`) },
  'a page of HTML instead of the facts of a tarball': {
    at: isInfo,
    answer: (outgoing) => void outgoing.writeHead(200).end(HTML),
  },
  'a range that was not asked for': {
    at: isDownload,
    answer: (outgoing) =>
      void outgoing.writeHead(206, { 'Content-Range': 'bytes 7-9/10', 'Content-Length': 3 }).end('abc'),
  },
};

test('a platform that answers nonsense neither stops the engine nor loses or doubles a command', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  for (const [index, [what, { at, answer }]] of Object.entries(NONSENSE).entries()) {
    const name = `app.v${index}.tar.gz`;
    await fleet.upload(makeTarball(folder, name, { 'install.sh': appends(gateway, String(index)) }));
    await fleet.install(gateway.serial, name);
    let answered = 0;
    tap.judge = (request) => {
      if (!at(request)) return undefined;
      answered += 1;
      return { answer };
    };
    const once = await gateway.gweAsync('--once');
    assert.notEqual(once.status, 0, what);
    assert.ok(answered > 0, what);
    assert.doesNotMatch(once.stderr, /\n {4}at /, `${what}: no stack trace`);
    tap.judge = () => undefined;
    const again = await gateway.gweAsync('--once');
    assert.ok(again.status === 0 || again.status === 3, `${what}: ${again.stderr}`);
    const end = (await ends(here)).at(-1) ?? '';
    assert.equal((await ends(here)).length, index + 1, `${what}: answered once`);
    assert.ok(end.startsWith(`${name}: installed`), `${what}: ${end}`);
  }
  assert.equal(done(gateway).length, Object.keys(NONSENSE).length);
});

test('a page of HTML where the clearing or a report should be acknowledged acknowledges nothing', async (t) => {
  const here = await line(t);
  const { fleet, tap, gateway, folder } = here;
  const name = await fleet.upload(
    makeTarball(folder, 'app.v1.tar.gz', { 'install.sh': appends(gateway, 'run') }),
  );
  await fleet.install(gateway.serial, name);
  const page = { status: 200, body: HTML, headers: { 'Content-Type': 'text/html' } };
  tap.judge = ({ body }) =>
    body.startsWith('engine_fetch=') || body.startsWith('fetch_status=') ? page : undefined;
  for (let turn = 0; turn < 2; turn += 1) await gateway.gweAsync('--once');
  // The whole line is a portal now: neither does its answer to a check-in say that nothing stands in engine_fetch.
  tap.judge = () => page;
  await gateway.gweAsync('--once');
  tap.judge = () => undefined;
  assert.equal((await gateway.gweAsync('--once')).status, 0);
  assert.deepEqual(done(gateway), ['run']);
  assert.equal((await ends(here)).length, 1);
  assert.equal(await fleet.read(gateway.serial, 'engine_fetch'), '');
});
