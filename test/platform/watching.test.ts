import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import type { AuditRecord } from '../../src/platform/fleet-store.ts';
import * as limits from '../../src/platform/limits.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { platformFor, type RawAnswer, type RunningTestPlatform, TOKEN } from './raw.ts';

const DEADLINE_MS = 10_000;
const body = (answer: RawAnswer) => JSON.parse(answer.body.toString());

interface Told {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** Listens to events; `next` gives the next one that `isMeant` means. */
async function listen(t: TestContext, platform: RunningTestPlatform, query = '', lastId?: string) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const headers: Record<string, string> = { Authorization: `Bearer ${TOKEN}` };
  if (lastId !== undefined) headers['Last-Event-ID'] = lastId;
  const answer = await fetch(`http://127.0.0.1:${platform.port}/api/v1/events${query}`, {
    headers,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(DEADLINE_MS)]),
  });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.ok(answer.body);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (isMeant: (told: Told) => boolean): Promise<Told> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end < 0) {
        const { value, done } = await reader.read();
        assert.ok(!done, 'the stream ended');
        text += value;
        continue;
      }
      const told = parse(text.slice(0, end));
      text = text.slice(end + 2);
      if (told !== undefined && isMeant(told)) return told;
    }
  };
  return { next, stop: () => stop.abort(), ended: () => reader.read().then(({ done }) => done) };
}

function parse(block: string): Told | undefined {
  const field = (name: string) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
  const [id, event, data] = [field('id'), field('event'), field('data')];
  if (id === undefined || event === undefined || data === undefined) return undefined;
  return { id, event, data: JSON.parse(data) };
}

test('who listens hears check-ins, writes and ends of installs, and later goes on where it was', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  const write = (values: Record<string, string>) =>
    platform.call(
      'POST',
      '/onep:v1/stack/alias',
      [`X-Exosite-CIK: ${cik}`],
      new URLSearchParams(values).toString(),
    );
  const first = await listen(t, platform);
  await write({
    engine_report: '{"apps":[{"hello":{"version":"2"}}]}',
    fetch_status: 'hello.v2.tar.gz: installed',
  });
  const install = await first.next(({ event }) => event === 'install');
  assert.deepEqual(
    [install.data['serial'], install.data['name'], install.data['outcome']],
    ['SN1', 'hello.v2.tar.gz', 'installed'],
  );
  const seen = await first.next(({ event }) => event === 'gateway');
  assert.deepEqual(seen.data['apps'], { hello: '2' });
  first.stop();
  await platform.operate('PUT', '/api/v1/products/P1/content/notes', 'x');
  await platform.operate('PUT', '/api/v1/products/P1/groups/g', '{}');
  const again = await listen(t, platform, '', seen.id);
  assert.equal((await again.next(({ event }) => event === 'content')).data['id'], 'notes');
  assert.equal((await again.next(({ event }) => event === 'group')).data['name'], 'g');
  const lost = await listen(t, platform, '', 'of-another-run-7');
  assert.equal((await lost.next(() => true)).event, 'reset');
  const other = await listen(t, platform, '?product=P2');
  await platform.gateway('P2', 'SN1');
  await platform.operate('PUT', '/api/v1/products/P1/content/more', 'x');
  await platform.operate('PUT', '/api/v1/products/P2/content/other', 'x');
  assert.equal((await other.next(() => true)).data['id'], 'other');
});

test('what an old tool uploads, groups and removes is heard like what the page does', async (t) => {
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const events = await listen(t, platform);
  const manage = (method: string, path: string, form = '') =>
    platform.operate(method, `/provision/manage/${path}`, form);
  const hears = async (type: string, key: 'id' | 'name', value: string) =>
    assert.equal((await events.next(({ event }) => event === type)).data[key], value);
  await manage('POST', 'content/P1/', 'id=firmware&meta=');
  await manage('POST', 'content/P1/firmware', 'the bytes');
  await hears('content', 'id', 'firmware');
  await manage('POST', 'group/P1/', 'id=lab&meta=');
  await hears('group', 'name', 'lab');
  await manage('POST', 'group/P1/lab/', 'sn=SN1');
  await hears('group', 'name', 'lab');
  await manage('DELETE', 'content/P1/firmware');
  await hears('content', 'id', 'firmware');
  await manage('DELETE', 'group/P1/lab');
  await hears('group', 'name', 'lab');
});

test('streams of events end when the platform does', async (t) => {
  const platform = await platformFor(t);
  const { ended, next } = await listen(t, platform, '?after=none');
  await next(({ event }) => event === 'reset');
  const [isEnded] = await Promise.all([ended(), platform.close()]);
  assert.equal(isEnded, true);
});

test('metrics tell check-ins, answers, latency, states and sizes as Prometheus reads them', async (t) => {
  const platform = await platformFor(t);
  const cik = await platform.gateway('P1', 'SN1');
  await platform.call('POST', '/onep:v1/stack/alias', [`X-Exosite-CIK: ${cik}`], 'engine_report={}');
  await platform.operate('PUT', '/api/v1/products/P1/content/a', '12345');
  const text = (await platform.operate('GET', '/metrics')).body.toString();
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/);
  }
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    );
  assert.equal(value('gwe_check_ins_total'), 1);
  assert.equal(value('gwe_gateways{state="on-time"}'), 1);
  assert.equal(value('gwe_content_bytes'), 5);
  assert.equal(value('gwe_write_seconds_count'), 1);
  assert.equal(value('gwe_write_seconds_bucket{le="+Inf"}'), 1);
  assert.equal(value('gwe_parked_polls'), 0);
  assert.ok(value('gwe_database_bytes') > 0);
  assert.equal((await platform.call('GET', '/metrics')).status, 'HTTP/1.1 401 Unauthorized');
});

test('whoever supervises the platform learns without a token whether it lives and is ready', async (t) => {
  const platform = await platformFor(t);
  assert.equal((await platform.call('GET', '/healthz')).body.toString(), 'ok\n');
  assert.equal((await platform.call('GET', '/readyz')).body.toString(), 'ready\n');
});

test('every change is in the audit trail, in a chain that shows any change to it', async (t) => {
  const { createChainCheck } = await import('../../src/platform/audit-chain.ts');
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  await platform.operate('PUT', '/api/v1/products/P1/content/a.tar.gz?force=true', 'x');
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/provision/manage/model/', 'model=P2&rid=1');
  const { records } = body(await platform.operate('GET', '/api/v1/audit?order=oldest'));
  assert.deepEqual(
    records.map(({ who, action, status }: Record<string, unknown>) => `${who}: ${action} ${status}`),
    [
      'preset: POST /api/v1/products 201',
      'preset: POST /api/v1/gateways 201',
      'preset: PUT /api/v1/products/P1/content/a.tar.gz?force=true 201',
      'preset: POST /provision/manage/model/ 205',
    ],
  );
  assert.match(records[2].details, /"sha256":"/);
  assert.equal(records[1].product, 'P1');
  const verify = (all: Array<AuditRecord & { time: number }>) => {
    const check = createChainCheck();
    for (const { time, ...rest } of all) {
      const wrong = check.next({ ...rest, time_ms: time });
      if (wrong !== undefined) return wrong;
    }
    return `${check.count} good`;
  };
  assert.equal(verify(records), '4 good');
  assert.equal(verify(records.slice(1)), '3 good', 'the oldest may have been forgotten');
  assert.equal(verify(records.with(1, { ...records[1], who: 'nobody' })), 'record 2 was changed');
  assert.equal(verify(records.toSpliced(1, 1)), 'record 2 is missing');
  const newest = body(await platform.operate('GET', '/api/v1/audit?limit=2&product=P1'));
  assert.deepEqual(
    newest.records.map(({ seq }: { seq: number }) => seq),
    [3, 2],
  );
});

test('a renewed certificate is taken without a restart; a bad one leaves the old one in place', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const make = (name: string) =>
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'].concat(
        ['-subj', `/CN=${name}`, '-keyout', key, '-out', cert],
      ),
      { stdio: 'ignore' },
    );
  make('first');
  const running = await startPlatform({
    dataFolder: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    vendor: 'acme',
    presetToken: TOKEN,
    tls: { cert, key },
    log: createLog('CRITICAL'),
    clock: systemClock,
  });
  t.after(async () => {
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const shown = () =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: running.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      }).on('error', reject);
    });
  assert.equal(await shown(), 'first');
  make('second');
  await running.reload();
  assert.equal(await shown(), 'second');
  execFileSync('sh', ['-c', `echo broken > ${cert}`]);
  await assert.rejects(running.reload(), { code: 'usage' });
  assert.equal(await shown(), 'second');
});

test('limits on listeners are kept', async (t) => {
  const { createEvents } = await import('../../src/platform/events.ts');
  const events = createEvents('test');
  t.after(() => events.close());
  for (let n = 0; n < limits.EVENT_LISTENERS_MAX; n += 1)
    events.listen(
      () => {},
      () => {},
    );
  assert.throws(
    () =>
      events.listen(
        () => {},
        () => {},
      ),
    { code: 'busy' },
  );
  for (let n = 0; n <= limits.EVENTS_KEPT; n += 1) events.publish('group', { n });
  assert.equal(events.since('test-0'), undefined, 'what is too old is not known any more');
  assert.equal(events.since('test-1')?.length, limits.EVENTS_KEPT);
});
