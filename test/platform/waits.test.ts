import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockAt, header, platformFor, type RunningTestPlatform } from './raw.ts';

const START_MS = 1_700_000_000_000;
const SHEET = '/api/v1/gateways/P1/SN1';

async function waits(platform: RunningTestPlatform): Promise<string[]> {
  const { waitsFor } = JSON.parse((await platform.operate('GET', SHEET)).body.toString());
  return waitsFor.map(({ code, text }: { code: string; text: string }) => `${code}: ${text}`);
}

test('a gateway is followed in words from its activation to the end of an install', async (t) => {
  const clock = clockAt(START_MS);
  const platform = await platformFor(t, { clock });
  await platform.operate('POST', '/api/v1/products', '{"id":"P1"}');
  await platform.operate('POST', '/api/v1/gateways', '{"product":"P1","serial":"SN1"}');
  assert.match((await waits(platform)).join(), /^activation: It was never activated: .* serial SN1\.$/);
  const cik = (
    await platform.call('POST', '/provision/activate', [], 'vendor=acme&model=P1&sn=SN1')
  ).body.toString();
  const write = (form: Record<string, string>) =>
    platform.call(
      'POST',
      '/onep:v1/stack/alias',
      [`X-Exosite-CIK: ${cik}`],
      new URLSearchParams(form).toString(),
    );
  await write({ engine_report: '{"update_interval":60}' });
  assert.deepEqual(await waits(platform), []);
  await platform.operate('PUT', '/api/v1/products/P1/content/a.v1.tar.gz?force=true', 'x');
  await platform.operate('POST', `${SHEET}/install`, '{"names":["a.v1.tar.gz"]}');
  assert.match((await waits(platform)).join(), /^check-in: It was told to install a\.v1\.tar\.gz,/);
  clock.set(START_MS + 400_000);
  const late = await waits(platform);
  assert.deepEqual(
    late.map((each) => each.split(':')[0]),
    ['overdue', 'check-in'],
  );
  await write({ engine_fetch: '' });
  assert.match((await waits(platform)).join(), /^install: It has taken a\.v1\.tar\.gz, and has not told yet/);
  clock.set(START_MS + 400_500);
  await write({
    fetch_status:
      'a.v1.tar.gz: waiting: the data budget of the day (5 MB) is used up until 2026-03-02T00:00:00Z',
  });
  assert.match(
    (await waits(platform)).join(),
    /^install: .* a\.v1\.tar\.gz waits, for room on its disk or for its data budget/,
  );
  clock.set(START_MS + 401_000);
  await write({ fetch_status: 'a.v1.tar.gz: failed: install.sh ended with 1' });
  assert.match((await waits(platform)).join(), /^failed: .*a\.v1\.tar\.gz/);
  clock.set(START_MS + 402_000);
  await write({ fetch_status: 'a.v1.tar.gz: installed in 1 s (attempt 1, exit 0)' });
  assert.deepEqual(await waits(platform), []);
});

test('a browser is told to run nothing but what comes from here, on the page as in what was uploaded', async (t) => {
  const { pageHeaders } = await import('../../src/platform/page-headers.ts');
  const platform = await platformFor(t);
  await platform.gateway('P1', 'SN1');
  const upload = '/api/v1/products/P1/content/x.html';
  await platform.operate('PUT', upload, '<script>1</script>', ['Content-Type: text/html']);
  const back = await platform.operate('GET', upload);
  assert.equal(header(back, 'Content-Security-Policy'), "default-src 'none'; sandbox");
  assert.equal(header(back, 'Content-Disposition'), 'attachment');
  const secure = Object.fromEntries(
    pageHeaders({ isSecure: true } as Parameters<typeof pageHeaders>[0]).map(([name, value]) => [
      name,
      value,
    ]),
  );
  assert.doesNotMatch(secure['Content-Security-Policy'] ?? '', /unsafe|\*|http/);
  assert.match(secure['Content-Security-Policy'] ?? '', /default-src 'none'.*frame-ancestors 'none'/);
  assert.match(secure['Strict-Transport-Security'] ?? '', /^max-age=\d+$/);
});
