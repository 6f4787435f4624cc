/** The Content Area: list, info, and downloads that go on where the last one stopped. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { Download } from '../../src/client/content.ts';
import { GweError } from '../../src/errors.ts';
import { answer, CIK, clientFor, failureOf, type RawServer, rawServer } from './servers.ts';

const AREA = { vendor: 'p 1', model: 'p1' };
const ID = { ...AREA, id: 'app.v1.tar.gz' };
const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 251));

const binary = (head: readonly string[], body: Buffer) =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);

/** A server that knows ranges, as the platform does. */
function contentServer(t: TestContext): Promise<RawServer> {
  return rawServer(t, (request) => {
    const from = Number(request.match(/\r\nRange: bytes=(\d+)-\r\n/)?.[1] ?? -1);
    if (from >= BYTES.length)
      return answer('416 Range Not Satisfiable', '', [`Content-Range: bytes */${BYTES.length}`]);
    if (from < 0) return binary(['HTTP/1.1 200 OK', `Content-Length: ${BYTES.length}`], BYTES);
    const part = BYTES.subarray(from);
    const range = `Content-Range: bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    return binary(['HTTP/1.1 206 Partial Content', range, `Content-Length: ${part.length}`], part);
  });
}

test('the list is read with CR LF, with LF, and when there is none', async (t) => {
  const replies = [
    answer('200 OK', 'a.v1.tar.gz\r\nb\r\n'),
    answer('200 OK', 'a.v1.tar.gz\nb'),
    answer('204 No Content'),
  ];
  const server = await rawServer(t, (_r, _s, n) => replies[n - 1]);
  const client = clientFor(t, server.url);
  assert.deepEqual(await client.listContent(CIK, AREA), ['a.v1.tar.gz', 'b']);
  assert.deepEqual(await client.listContent(CIK, AREA), ['a.v1.tar.gz', 'b']);
  assert.deepEqual(await client.listContent(CIK, AREA), []);
  assert.match(server.requests[0] ?? '', /^GET \/provision\/download\?vendor=p%201&model=p1 HTTP/);
  assert.match(server.requests[0] ?? '', new RegExp(`X-Exosite-CIK: ${CIK}`));
});

test('what is known of an id is told, and an unknown one is no error', async (t) => {
  const replies = [
    answer('200 OK', 'application/gzip,12,1700000000,some, text\r\n'),
    answer('404 Not Found'),
    answer('200 OK', '<html>'),
    answer('403 Forbidden'),
  ];
  const server = await rawServer(t, (_r, _s, n) => replies[n - 1]);
  const client = clientFor(t, server.url);
  assert.deepEqual(await client.contentInfo(CIK, ID), {
    type: 'application/gzip',
    size_bytes: 12,
    updated_s: 1_700_000_000,
    meta: 'some, text',
  });
  assert.match(server.requests[0] ?? '', /&id=app\.v1\.tar\.gz&info=true HTTP/);
  assert.equal(await client.contentInfo(CIK, ID), undefined);
  assert.equal((await failureOf(client.contentInfo(CIK, ID))).code, 'protocol');
  assert.equal((await failureOf(client.contentInfo(CIK, ID))).code, 'forbidden');
});

test('a download from the start asks for no range and brings every byte', async (t) => {
  const server = await contentServer(t);
  const client = clientFor(t, server.url);
  const { from_byte, total_bytes, body } = await client.download(CIK, ID, { from_byte: 0 });
  assert.deepEqual({ from_byte, total_bytes }, { from_byte: 0, total_bytes: BYTES.length });
  assert.ok((await buffer(body)).equals(BYTES));
  assert.doesNotMatch(server.requests[0] ?? '', /range/i);
});

test('a download goes on at its byte', async (t) => {
  const server = await contentServer(t);
  const { from_byte, total_bytes, body } = await clientFor(t, server.url).download(CIK, ID, {
    from_byte: 99_990,
  });
  assert.deepEqual({ from_byte, total_bytes }, { from_byte: 99_990, total_bytes: BYTES.length });
  assert.ok((await buffer(body)).equals(BYTES.subarray(99_990)));
});

test('a byte beyond the end is "range"', async (t) => {
  const server = await contentServer(t);
  assert.equal(
    (await failureOf(clientFor(t, server.url).download(CIK, ID, { from_byte: 100_000 }))).code,
    'range',
  );
});

test('a server that ignores the range starts at byte 0, and says so', async (t) => {
  const server = await rawServer(t, () => answer('200 OK', 'whole'));
  const { from_byte, total_bytes, body } = await clientFor(t, server.url).download(CIK, ID, { from_byte: 3 });
  assert.deepEqual({ from_byte, total_bytes }, { from_byte: 0, total_bytes: 5 });
  assert.equal((await buffer(body)).toString(), 'whole');
});

for (const [what, headers] of [
  ['of other bytes', ['Content-Range: bytes 2-4/5']],
  ['without a word which', []],
  ['of a length that is not its range', ['Content-Range: bytes 3-8/9']],
] as const) {
  test(`a part ${what} is nonsense, and is not taken`, async (t) => {
    const server = await rawServer(t, () => answer('206 Partial Content', 'abc', headers));
    assert.equal(
      (await failureOf(clientFor(t, server.url).download(CIK, ID, { from_byte: 3 }))).code,
      'protocol',
    );
  });
}

test('a part that was not asked for is nonsense', async (t) => {
  const server = await rawServer(t, () =>
    answer('206 Partial Content', 'abc', ['Content-Range: bytes 0-2/3']),
  );
  assert.equal(
    (await failureOf(clientFor(t, server.url).download(CIK, ID, { from_byte: 0 }))).code,
    'protocol',
  );
});

for (const [status, code] of [
  ['401 Unauthorized', 'unauthorized'],
  ['403 Forbidden', 'forbidden'],
  ['404 Not Found', 'not-found'],
  ['503 Service Unavailable', 'busy'],
] as const) {
  test(`a download answered ${status} is "${code}"`, async (t) => {
    const server = await rawServer(t, () => answer(status));
    assert.equal((await failureOf(clientFor(t, server.url).download(CIK, ID, { from_byte: 0 }))).code, code);
  });
}

/** What has come of a body before it broke, and how it broke. */
async function breakOf({ body }: Download): Promise<{ came: Buffer; error: GweError }> {
  const chunks: Buffer[] = [];
  body.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [error] = await once(body, 'error', { signal: AbortSignal.timeout(5_000) }).then(
    (each) => each,
    (thrown: unknown) => [thrown],
  );
  assert.ok(error instanceof GweError, String(error));
  return { came: Buffer.concat(chunks), error };
}

for (const [what, head] of [
  ['with a length', ['HTTP/1.1 200 OK', 'Content-Length: 100000']],
  ['until the connection closes', ['HTTP/1.1 206 Partial Content', 'Content-Range: bytes 0-99999/100000']],
] as const) {
  test(`a download ${what} that is cut is "offline", and what came before can be kept`, async (t) => {
    const from = head.length === 2 && head[0].includes('206') ? 1 : 0;
    const server = await rawServer(t, (_r, socket) => {
      socket.end(
        binary(
          from === 1 ? [head[0], 'Content-Range: bytes 1-99999/100000'] : head,
          BYTES.subarray(from, 1000),
        ),
      );
      return undefined;
    });
    const { came, error } = await breakOf(
      await clientFor(t, server.url).download(CIK, ID, { from_byte: from }),
    );
    assert.equal(error.code, 'offline');
    assert.match(error.message, /^Cannot download app\.v1\.tar\.gz at /);
    assert.ok(came.equals(BYTES.subarray(from, 1000)));
  });
}

test('a download that stalls is left after the time limit', async (t) => {
  const server = await rawServer(t, () =>
    binary(['HTTP/1.1 200 OK', 'Content-Length: 100'], BYTES.subarray(0, 10)),
  );
  const client = clientFor(t, server.url, { timeout_ms: 400 });
  const { came, error } = await breakOf(await client.download(CIK, ID, { from_byte: 0 }));
  assert.equal(error.code, 'timeout');
  assert.equal(came.length, 10);
});

test('a reader that takes its time is no stall', async (t) => {
  const big = Buffer.alloc(4_000_000, 7);
  const server = await rawServer(t, () => binary(['HTTP/1.1 200 OK', `Content-Length: ${big.length}`], big));
  const { body } = await clientFor(t, server.url, { timeout_ms: 60 }).download(CIK, ID, { from_byte: 0 });
  let length = 0;
  for await (const chunk of body) {
    if (length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    length += chunk.length;
  }
  assert.equal(length, big.length);
});

test('a download that is stopped ends at once as "stopped", its connection too', async (t) => {
  const server = await rawServer(t, () =>
    binary(['HTTP/1.1 200 OK', 'Content-Length: 100'], BYTES.subarray(0, 10)),
  );
  const stop = new AbortController();
  const download = await clientFor(t, server.url).download(CIK, ID, { from_byte: 0, signal: stop.signal });
  const closed = Promise.all([...server.sockets].map((socket) => once(socket, 'close')));
  download.body.once('data', () => stop.abort());
  assert.equal((await breakOf(download)).error.code, 'stopped');
  await closed;
});

test('a reader that gives up frees the connection', async (t) => {
  const server = await rawServer(t, () =>
    binary(['HTTP/1.1 200 OK', 'Content-Length: 100'], BYTES.subarray(0, 10)),
  );
  const client = clientFor(t, server.url);
  const { body } = await client.download(CIK, ID, { from_byte: 0 });
  const closed = Promise.all([...server.sockets].map((socket) => once(socket, 'close')));
  body.destroy();
  await closed;
  assert.equal(client.traffic.length, 1);
});

test('a download is no faster than it may be', async (t) => {
  const server = await contentServer(t);
  let now_ms = 0;
  const clock = {
    now: () => 0,
    monotonic: () => now_ms,
    sleep: async (duration_ms: number) => {
      now_ms += duration_ms;
    },
  };
  const client = clientFor(t, server.url, { clock, maxRate_bytesPerSecond: 10_000 });
  const { body } = await client.download(CIK, ID, { from_byte: 0 });
  assert.ok((await buffer(body)).equals(BYTES));
  assert.ok(Math.abs(now_ms - 10_000) < 1, `100 kB at 10 kB/s took ${now_ms} ms`);
});

test('what a download moved is counted once, at its end', async (t) => {
  const server = await contentServer(t);
  const client = clientFor(t, server.url);
  await buffer((await client.download(CIK, ID, { from_byte: 0 })).body);
  assert.deepEqual(client.traffic, [
    {
      iface: 'lo',
      method: 'http_download',
      rx_bytes: BYTES.length + 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'.length,
      tx_bytes: server.requests[0]?.length,
    },
  ]);
});

test('the connection of a finished download serves what comes next', async (t) => {
  const server = await contentServer(t);
  const client = clientFor(t, server.url);
  await buffer((await client.download(CIK, ID, { from_byte: 99_000 })).body);
  await buffer((await client.download(CIK, ID, { from_byte: 0 })).body);
  assert.equal(server.connections, 1);
});
